/* SPDX-License-Identifier: Apache-2.0
 *
 * A 4-ary min-heap of intrusive entries, ordered by (key, sequence): equal keys leave in the order
 * in which they came, which is what makes a simulation and a schedule repeatable.
 *
 * Memory:    the heap owns only its array of pointers; entries belong to the caller.
 * Threading: one thread.
 */
#ifndef LL_BASE_HEAP_H
#define LL_BASE_HEAP_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct heap_entry {
    uint64_t key;
    uint64_t sequence; /* set by heap_push */
    uint32_t position; /* 1 + place in the array; 0 while in no heap */
};

struct heap {
    struct heap_entry **entries;
    uint32_t            count;
    uint32_t            capacity;
    uint64_t            next_sequence;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap); /* entries still inside are forgotten */

/* Grows the array for that many entries, so that pushes up to there do not allocate. */
void heap_reserve(struct heap *heap, uint32_t count);

void heap_push(struct heap *heap, struct heap_entry *entry, uint64_t key);

/* NULL where the heap is empty. */
struct heap_entry *heap_peek(const struct heap *heap);
struct heap_entry *heap_pop(struct heap *heap);

void heap_remove(struct heap *heap, struct heap_entry *entry);

/* Moves an entry that is inside to a new key; among equal keys it is then the last. */
void heap_update(struct heap *heap, struct heap_entry *entry, uint64_t key);

static inline bool heap_holds(const struct heap_entry *entry)
{
    return entry->position != 0;
}

#endif
