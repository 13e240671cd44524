/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static bool ring_power_of_two(uint32_t value)
{
    return value > 0 && (value & (value - 1)) == 0;
}

void spsc_ring_init(struct spsc_ring *ring, size_t record_size, uint32_t capacity)
{
    LL_ASSERT(ring_power_of_two(capacity) && record_size > 0);
    memset(ring, 0, sizeof *ring);
    ring->records     = alloc_zero(capacity, record_size);
    ring->record_size = record_size;
    ring->mask        = capacity - 1;
}

void spsc_ring_fini(struct spsc_ring *ring)
{
    free(ring->records);
    memset(ring, 0, sizeof *ring);
}

bool spsc_ring_push(struct spsc_ring *ring, const void *record)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->tail_seen > ring->mask)
            return false;
    }
    memcpy(ring->records + (head & ring->mask) * ring->record_size, record, ring->record_size);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

bool spsc_ring_pop(struct spsc_ring *ring, void *ret_record)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->head_seen)
            return false;
    }
    memcpy(ret_record, ring->records + (tail & ring->mask) * ring->record_size, ring->record_size);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

/* Turn 2 * position: free for the writer at that position; 2 * position + 1: filled by it. Doubled,
 * so that in a ring of one slot "filled" is not "free for the next" as well. */
struct mpsc_slot {
    _Atomic uint64_t turn;
    char             record[];
};

static struct mpsc_slot *mpsc_ring_slot(const struct mpsc_ring *ring, uint64_t position)
{
    return (struct mpsc_slot *)(void *)(ring->slots + (position & ring->mask) * ring->slot_size);
}

void mpsc_ring_init(struct mpsc_ring *ring, size_t record_size, uint32_t capacity)
{
    LL_ASSERT(ring_power_of_two(capacity) && record_size > 0);
    memset(ring, 0, sizeof *ring);
    size_t align      = _Alignof(struct mpsc_slot);
    ring->record_size = record_size;
    ring->slot_size   = (sizeof(struct mpsc_slot) + record_size + align - 1) / align * align;
    ring->slots       = alloc_lines(capacity, ring->slot_size);
    ring->mask        = capacity - 1;
    for (uint64_t i = 0; i < capacity; i++)
        atomic_store_explicit(&mpsc_ring_slot(ring, i)->turn, 2 * i, memory_order_relaxed);
}

void mpsc_ring_fini(struct mpsc_ring *ring)
{
    free(ring->slots);
    memset(ring, 0, sizeof *ring);
}

bool mpsc_ring_push(struct mpsc_ring *ring, const void *record)
{
    uint64_t          head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    struct mpsc_slot *slot;
    for (;;) {
        slot          = mpsc_ring_slot(ring, head);
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        if (turn == 2 * head) {
            if (atomic_compare_exchange_weak_explicit(&ring->head, &head, head + 1,
                                                      memory_order_relaxed, memory_order_relaxed))
                break;
        } else if (turn < 2 * head) {
            return false; /* a whole lap behind: full */
        } else {
            head = atomic_load_explicit(&ring->head, memory_order_relaxed);
        }
    }
    memcpy(slot->record, record, ring->record_size);
    atomic_store_explicit(&slot->turn, 2 * head + 1, memory_order_release);
    return true;
}

bool mpsc_ring_pop(struct mpsc_ring *ring, void *ret_record)
{
    struct mpsc_slot *slot = mpsc_ring_slot(ring, ring->tail);
    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != 2 * ring->tail + 1)
        return false;
    memcpy(ret_record, slot->record, ring->record_size);
    atomic_store_explicit(&slot->turn, 2 * (ring->tail + ring->mask + 1), memory_order_release);
    ring->tail++;
    return true;
}
