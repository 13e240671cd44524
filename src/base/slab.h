/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects of one size that come and go: connections, timers, buffers.
 *
 * Owns:      the memory of all its objects, taken from the system in blocks, and given back at
 * fini. Threading: one thread. Bound:     at most max objects at once; slab_get then returns NULL
 * and counts the refusal, and the caller sheds load.
 */
#ifndef LL_BASE_SLAB_H
#define LL_BASE_SLAB_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct slab_block;
struct slab_free;

struct slab {
    size_t             object_size; /* rounded up for alignment */
    uint32_t           per_block;
    uint32_t           max;
    uint32_t           live;
    uint64_t           refused;
    uint32_t           fresh; /* objects of the newest block that were never handed out */
    struct slab_free  *free;
    struct slab_block *block;
};

void slab_init(struct slab *slab, size_t object_size, uint32_t max);

/* Every object must have been put back. */
void slab_fini(struct slab *slab);

/* Contents are whatever the last user left. NULL at the bound or without memory. */
LL_MUST_CHECK void *slab_get(struct slab *slab);

void slab_put(struct slab *slab, void *object);

#endif
