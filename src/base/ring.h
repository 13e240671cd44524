/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded queues between threads, of fixed-size records copied in and out.
 *
 * spsc: one writer, one reader; both sides wait-free (log records, samples).
 * mpsc: any number of writers, one reader; a slot carries a turn number (Vyukov's bounded queue),
 * so writers never wait for each other except for the slot's copy (mailboxes). Bound:     capacity,
 * a power of two. A push to a full ring returns false and the caller answers for it: drop and
 * count, or retry later. Nothing ever blocks. Order:     spsc keeps the order. mpsc keeps the order
 * of each writer.
 */
#ifndef LL_BASE_RING_H
#define LL_BASE_RING_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spsc_ring {
    char    *records;
    size_t   record_size;
    uint64_t mask;

    /* Each side keeps the last seen position of the other, and looks again only when it must. */
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t head; /* next to write */
    uint64_t tail_seen;
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t tail; /* next to read */
    uint64_t head_seen;
};

void               spsc_ring_init(struct spsc_ring *ring, size_t record_size, uint32_t capacity);
void               spsc_ring_fini(struct spsc_ring *ring);
LL_MUST_CHECK bool spsc_ring_push(struct spsc_ring *ring, const void *record);
LL_MUST_CHECK bool spsc_ring_pop(struct spsc_ring *ring, void *ret_record);

struct mpsc_ring {
    char    *slots;
    size_t   record_size;
    size_t   slot_size;
    uint64_t mask;
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t head; /* next to write */
    _Alignas(LL_CACHE_LINE) uint64_t tail;         /* next to read, the reader's own */
};

void               mpsc_ring_init(struct mpsc_ring *ring, size_t record_size, uint32_t capacity);
void               mpsc_ring_fini(struct mpsc_ring *ring);
LL_MUST_CHECK bool mpsc_ring_push(struct mpsc_ring *ring, const void *record);
LL_MUST_CHECK bool mpsc_ring_pop(struct mpsc_ring *ring, void *ret_record);

#endif
