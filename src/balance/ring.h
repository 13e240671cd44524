/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of points on which keys and servers are placed by hash: consistent hashing (Karger et al.
 * 1997).
 *
 * Points are the servers' own, from their ids, in number proportional to their weights. A key
 * belongs to the first point at or after it (ketama's choice): unlike the nearer of both
 * neighbours, that lets the ring be walked on from there in an order that all balancers agree on.
 * Threading: immutable once built. Memory: from the arena given.
 */
#ifndef LL_BALANCE_RING_H
#define LL_BALANCE_RING_H

#include "base/arena.h"
#include "model/pool_view.h"

#include <stdint.h>

/* More points than that cost more memory than evenness is worth; with many servers each then has
 * fewer, and never none. */
#define RING_POINTS_MAX 4194304u

struct ring_point {
    uint32_t place;
    uint16_t index;
};

struct ring {
    uint32_t           count;
    uint32_t           shift;  /* of a place, to its bucket */
    struct ring_point *points; /* by place, then by the hash of the server */
    uint32_t          *starts; /* by bucket: its first point */
};

/* per_server: points of a server of average weight. NULL for an empty view. */
struct ring *ring_build(const struct pool_view *view, uint64_t per_server, struct arena *arena);

/* Position of the point that a key belongs to. The low half of the key is not used. */
static inline uint32_t ring_find(const struct ring *ring, uint64_t key)
{
    uint32_t place    = (uint32_t)(key >> 32);
    uint32_t position = ring->starts[place >> ring->shift];
    while (position < ring->count && ring->points[position].place < place)
        position++;
    return position == ring->count ? 0 : position;
}

#endif
