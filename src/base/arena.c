/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Big enough that a usual configuration needs a handful of blocks, small enough to waste little. */
#define ARENA_BLOCK_SIZE ((size_t)16 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t              size;
    size_t              used;
    _Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena)
{
    for (struct arena_block *block = arena->block; block != NULL;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena_init(arena);
}

static struct arena_block *arena_grow(struct arena *arena, size_t bytes)
{
    size_t              size  = LL_MAX(bytes, ARENA_BLOCK_SIZE);
    struct arena_block *block = alloc_zero(1, sizeof *block + size);
    block->size               = size;
    block->next               = arena->block;
    arena->block              = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    LL_ASSERT(size == 0 || count <= (SIZE_MAX / 2) / size);

    size_t              align = _Alignof(max_align_t);
    size_t              bytes = (count * size + align - 1) / align * align;
    struct arena_block *block = arena->block;
    if (block == NULL || block->size - block->used < bytes)
        block = arena_grow(arena, bytes);
    void *memory = block->data + block->used;
    block->used += bytes;
    arena->used += bytes;
    return memory;
}

char *arena_string(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.size + 1, 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    LL_ASSERT(size >= 0);

    char *text = arena_alloc(arena, (size_t)size + 1, 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}
