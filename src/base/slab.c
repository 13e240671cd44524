/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include "base/assert.h"

#include <stdlib.h>
#include <stdint.h>

/* Blocks of about this size: a few hundred connections each, so a small site stays small. */
#define SLAB_BLOCK_SIZE ((size_t)64 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISON 1
#endif
#endif

/* Under AddressSanitizer a freed object is poisoned, so that use after slab_put is caught as use
 * after free would be. */
#ifdef SLAB_POISON
#include <sanitizer/asan_interface.h>
static void slab_poison(void *object, size_t size)
{
    ASAN_POISON_MEMORY_REGION(object, size);
}
static void slab_unpoison(void *object, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(object, size);
}
#else
static void slab_poison(void *object, size_t size)
{
    (void)object;
    (void)size;
}
static void slab_unpoison(void *object, size_t size)
{
    (void)object;
    (void)size;
}
#endif

struct slab_free {
    struct slab_free *next;
};

struct slab_block {
    struct slab_block *next;
    _Alignas(max_align_t) char data[];
};

void slab_init(struct slab *slab, size_t object_size, uint32_t max)
{
    LL_ASSERT(object_size > 0 && max > 0);

    size_t align    = _Alignof(max_align_t);
    size_t size     = (LL_MAX(object_size, sizeof(struct slab_free)) + align - 1) / align * align;
    *slab           = (struct slab){.object_size = size, .max = max};
    slab->per_block = (uint32_t)LL_MIN(LL_MAX(SLAB_BLOCK_SIZE / size, (size_t)1), (size_t)max);
}

void slab_fini(struct slab *slab)
{
    LL_ASSERT(slab->live == 0);
    for (struct slab_block *block = slab->block; block != NULL;) {
        struct slab_block *next = block->next;
        slab_unpoison(block->data, slab->object_size * slab->per_block);
        free(block);
        block = next;
    }
    *slab = (struct slab){0};
}

static void *slab_take_fresh(struct slab *slab)
{
    if (slab->fresh == 0) {
        struct slab_block *block = malloc(sizeof *block + slab->object_size * slab->per_block);
        if (block == NULL)
            return NULL;
        slab_poison(block->data, slab->object_size * slab->per_block);
        block->next = slab->block;
        slab->block = block;
        slab->fresh = slab->per_block;
    }
    slab->fresh--;
    return slab->block->data + slab->object_size * slab->fresh;
}

void *slab_get(struct slab *slab)
{
    void *object = NULL;
    if (slab->live < slab->max) {
        if (slab->free != NULL) {
            object = slab->free;
            slab_unpoison(object, slab->object_size);
            slab->free = slab->free->next;
        } else {
            object = slab_take_fresh(slab);
            if (object != NULL)
                slab_unpoison(object, slab->object_size);
        }
    }
    if (object == NULL)
        slab->refused++;
    else
        slab->live++;
    return object;
}

void slab_put(struct slab *slab, void *object)
{
    LL_ASSERT(object != NULL && slab->live > 0);
    struct slab_free *freed = object;
    freed->next             = slab->free;
    slab->free              = freed;
    slab->live--;
    slab_poison(object, slab->object_size);
}
