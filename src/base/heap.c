/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

#define HEAP_ARITY 4u

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_fini(struct heap *heap)
{
    for (uint32_t i = 0; i < heap->count; i++)
        heap->entries[i]->position = 0;
    free(heap->entries);
    heap_init(heap);
}

void heap_reserve(struct heap *heap, uint32_t count)
{
    if (count <= heap->capacity)
        return;
    heap->entries  = alloc_resize(heap->entries, count, sizeof *heap->entries);
    heap->capacity = count;
}

static bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->sequence < b->sequence;
}

static void heap_place(struct heap *heap, uint32_t place, struct heap_entry *entry)
{
    heap->entries[place] = entry;
    entry->position      = place + 1;
}

static void heap_sift_up(struct heap *heap, uint32_t place, struct heap_entry *entry)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / HEAP_ARITY;
        if (!heap_before(entry, heap->entries[parent]))
            break;
        heap_place(heap, place, heap->entries[parent]);
        place = parent;
    }
    heap_place(heap, place, entry);
}

static void heap_sift_down(struct heap *heap, uint32_t place, struct heap_entry *entry)
{
    for (;;) {
        uint32_t first = place * HEAP_ARITY + 1;
        if (first >= heap->count)
            break;
        uint32_t last = LL_MIN(first + HEAP_ARITY, heap->count);
        uint32_t best = first;
        for (uint32_t child = first + 1; child < last; child++)
            if (heap_before(heap->entries[child], heap->entries[best]))
                best = child;
        if (!heap_before(heap->entries[best], entry))
            break;
        heap_place(heap, place, heap->entries[best]);
        place = best;
    }
    heap_place(heap, place, entry);
}

void heap_push(struct heap *heap, struct heap_entry *entry, uint64_t key)
{
    LL_ASSERT(!heap_holds(entry));
    LL_ASSERT(heap->count < UINT32_MAX / (2 * HEAP_ARITY));
    if (heap->count == heap->capacity)
        heap_reserve(heap, LL_MAX(heap->capacity * 2, 64u));
    entry->key      = key;
    entry->sequence = heap->next_sequence++;
    heap->count++;
    heap_sift_up(heap, heap->count - 1, entry);
}

struct heap_entry *heap_peek(const struct heap *heap)
{
    return heap->count > 0 ? heap->entries[0] : NULL;
}

struct heap_entry *heap_pop(struct heap *heap)
{
    struct heap_entry *top = heap_peek(heap);
    if (top != NULL)
        heap_remove(heap, top);
    return top;
}

void heap_remove(struct heap *heap, struct heap_entry *entry)
{
    LL_ASSERT(heap_holds(entry) && entry->position <= heap->count);
    uint32_t place = entry->position - 1;
    LL_ASSERT(heap->entries[place] == entry);

    struct heap_entry *last = heap->entries[--heap->count];
    entry->position         = 0;
    if (last == entry)
        return;
    if (heap_before(last, entry))
        heap_sift_up(heap, place, last);
    else
        heap_sift_down(heap, place, last);
}

void heap_update(struct heap *heap, struct heap_entry *entry, uint64_t key)
{
    heap_remove(heap, entry);
    heap_push(heap, entry, key);
}
