/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is given back all at once: a configuration, a snapshot, a report.
 *
 * Not here:  freeing one thing. Use a slab for objects that come and go.
 * Threading: one thread at a time.
 */
#ifndef LL_BASE_ARENA_H
#define LL_BASE_ARENA_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *block; /* newest first */
    size_t              used;  /* bytes handed out, padding included */
};

void arena_init(struct arena *arena);

/* Gives back everything; the arena is then as after arena_init. */
void arena_fini(struct arena *arena);

/* Zeroed and aligned for any type. Exits 1 where there is no memory (see base/alloc.h). */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* A terminated copy. */
char *arena_string(struct arena *arena, struct slice text);

char *arena_printf(struct arena *arena, const char *format, ...) LL_PRINTF(2, 3);

#endif
