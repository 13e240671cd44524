/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/ring.h"

#include "base/assert.h"
#include "base/rng.h"

#include <string.h>

static uint32_t ring_points_of(const struct pool_view *view, uint64_t per_server, uint32_t index)
{
    uint64_t most   = LL_MAX(RING_POINTS_MAX / view->count, 1);
    uint64_t points = LL_MIN(per_server, most) * view->count;
    uint64_t share  = (points * view->weights[index] + view->weight_sum / 2) / view->weight_sum;
    return (uint32_t)LL_MAX(share, 1);
}

/* Sorts by place, a byte at a time from the last. Stable, so that points at the same place stay in
 * the order in which they came. */
static void ring_sort(struct ring_point *points, struct ring_point *spare, uint32_t count)
{
    for (unsigned byte = 0; byte < 4; byte++) {
        uint32_t ends[257] = {0};
        for (uint32_t i = 0; i < count; i++)
            ends[(points[i].place >> 8 * byte & 0xff) + 1]++;
        for (uint32_t i = 1; i < 256; i++)
            ends[i] += ends[i - 1];
        for (uint32_t i = 0; i < count; i++)
            spare[ends[points[i].place >> 8 * byte & 0xff]++] = points[i];
        struct ring_point *sorted = spare;
        spare                     = points;
        points                    = sorted;
    }
}

/* Of points at one place, the server with the least hash comes first, whatever the order of the
 * configuration. */
static void ring_settle_ties(struct ring_point *points, uint32_t count,
                             const struct pool_view *view)
{
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t k = i;
             k > 0 && points[k].place == points[k - 1].place &&
             view->servers[points[k].index]->hash < view->servers[points[k - 1].index]->hash;
             k--) {
            struct ring_point swap = points[k];
            points[k]              = points[k - 1];
            points[k - 1]          = swap;
        }
    }
}

struct ring *ring_build(const struct pool_view *view, uint64_t per_server, struct arena *arena)
{
    if (view->count == 0)
        return NULL;
    struct ring *ring = arena_alloc(arena, 1, sizeof *ring);
    for (uint32_t i = 0; i < view->count; i++)
        ring->count += ring_points_of(view, per_server, i);

    struct arena scratch;
    arena_init(&scratch);
    ring->points             = arena_alloc(arena, ring->count, sizeof *ring->points);
    struct ring_point *spare = arena_alloc(&scratch, ring->count, sizeof *spare);
    uint32_t           next  = 0;
    for (uint32_t i = 0; i < view->count; i++) {
        uint32_t points = ring_points_of(view, per_server, i);
        for (uint32_t k = 0; k < points; k++)
            ring->points[next++] = (struct ring_point){
                .place = (uint32_t)(rng_mix(view->servers[i]->hash + rng_mix(k)) >> 32),
                .index = (uint16_t)i,
            };
    }
    ring_sort(ring->points, spare, ring->count);
    ring_settle_ties(ring->points, ring->count, view);
    arena_fini(&scratch);

    /* About one point per bucket. */
    uint32_t bits = 1;
    while (bits < 31 && (UINT32_C(1) << bits) < ring->count)
        bits++;
    uint32_t buckets  = UINT32_C(1) << bits;
    ring->shift       = 32 - bits;
    ring->starts      = arena_alloc(arena, buckets, sizeof *ring->starts);
    uint32_t position = 0;
    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
        while (position < ring->count && ring->points[position].place >> ring->shift < bucket)
            position++;
        ring->starts[bucket] = position;
    }
    return ring;
}
