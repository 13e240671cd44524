/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pool_build.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* The set to serve from: the first rank with a healthy server. Where a pool has healthy servers in
 * one rank only, and fewer of them than the panic threshold, the few would be crushed by the load
 * of all: then the whole rank serves, and each server gets the share it can bear at best. */
static const struct server_set *build_select(const struct pool_sets     *sets,
                                             const struct pool_settings *settings,
                                             uint32_t *ret_rank, bool *ret_panic)
{
    uint32_t rank    = POOL_RANKS; /* the first with a healthy server */
    uint32_t lowest  = POOL_RANKS; /* the first with any server */
    uint32_t serving = 0;
    for (uint32_t i = 0; i < POOL_RANKS; i++) {
        if (sets->members[i].count > 0)
            lowest = LL_MIN(lowest, i);
        if (sets->eligible[i].count > 0) {
            rank = LL_MIN(rank, i);
            serving++;
        }
    }
    *ret_panic = false;
    *ret_rank  = POOL_RANKS;
    if (lowest == POOL_RANKS)
        return &sets->eligible[0];
    if (rank == POOL_RANKS)
        rank = lowest;
    *ret_rank        = rank;
    uint64_t healthy = sets->eligible[rank].count;
    uint64_t total   = sets->members[rank].count;
    if (serving <= 1 && healthy * 100 < total * settings->panic_percent) {
        *ret_panic = true;
        return &sets->members[rank];
    }
    return &sets->eligible[rank];
}

struct subset_entry {
    uint64_t hash;
    uint32_t index;
};

static int subset_compare(const void *a, const void *b)
{
    const struct subset_entry *x = a;
    const struct subset_entry *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Keeps those whose hash with the seed is lowest: when one server comes or goes, at most one other
 * changes places with it. Configuration order is kept. */
static uint32_t build_subset(struct server **servers, uint32_t count, uint32_t keep, uint64_t seed)
{
    if (keep == 0 || keep >= count)
        return count;
    struct subset_entry *entries = alloc_zero(count, sizeof *entries);
    bool                *kept    = alloc_zero(count, sizeof *kept);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct subset_entry){rng_mix(servers[i]->hash ^ rng_mix(seed)), i};
    qsort(entries, count, sizeof *entries, subset_compare);
    for (uint32_t i = 0; i < keep; i++)
        kept[entries[i].index] = true;
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept[i])
            servers[used++] = servers[i];
    }
    free(entries);
    free(kept);
    return used;
}

/* Servers that were not there before warm up; at the start of the pool, and after an outage of all,
 * there is nobody to carry the load meanwhile. */
static void build_ramps(struct pool_view *view, const struct pool_settings *settings,
                        const struct pool_view *old, uint64_t now_ns)
{
    view->ramp_window_ns   = settings->slow_start_ns;
    view->ramp_min_percent = settings->slow_start_min_percent;
    for (uint32_t i = 0; i < view->count; i++) {
        struct server *server = view->servers[i];
        uint64_t from = atomic_load_explicit(&server->load.ramp_from_ns, memory_order_relaxed);
        if (old != NULL && old->count > 0 && pool_view_index(old, server) == POOL_NO_INDEX)
            from = settings->slow_start_ns > 0 ? LL_MAX(now_ns, 1) : 0;
        if (from != 0 && from + settings->slow_start_ns <= now_ns)
            from = 0;
        atomic_store_explicit(&server->load.ramp_from_ns, from, memory_order_relaxed);
        if (from != 0)
            view->ramp_until_ns = LL_MAX(view->ramp_until_ns, from + settings->slow_start_ns);
    }
}

static void build_facts(struct pool_view *view, uint32_t slot_count)
{
    uint32_t *weights       = arena_alloc(&view->arena, view->count, sizeof *weights);
    uint16_t *index_of_slot = arena_alloc(&view->arena, slot_count, sizeof *index_of_slot);
    memset(index_of_slot, 0xff, slot_count * sizeof *index_of_slot);
    view->equal_weights = true;
    for (uint32_t i = 0; i < view->count; i++) {
        const struct server *server = view->servers[i];
        LL_ASSERT(server->settings.weight > 0 && server->slot < slot_count);
        weights[i] = server->settings.weight;
        view->weight_sum += weights[i];
        view->equal_weights         = view->equal_weights && weights[i] == weights[0];
        view->limited               = view->limited || server->settings.max_connections > 0;
        index_of_slot[server->slot] = (uint16_t)i;
    }
    view->weights       = weights;
    view->index_of_slot = index_of_slot;
    view->slot_count    = slot_count;
}

/* A request that every server of the view has failed still has these. */
static void build_reserves(struct pool_view *view, const struct pool_sets *sets, uint32_t rank)
{
    uint32_t count = 0;
    for (uint32_t i = rank + 1; i < POOL_RANKS; i++)
        count += sets->eligible[i].count;
    struct server **servers = arena_alloc(&view->arena, count, sizeof *servers);
    uint32_t       *ends    = arena_alloc(&view->arena, count, sizeof *ends);
    uint32_t        used    = 0;
    for (uint32_t i = rank + 1; i < POOL_RANKS; i++) {
        uint32_t end = used + sets->eligible[i].count;
        for (uint32_t j = 0; used < end; j++) {
            servers[used] = sets->eligible[i].servers[j];
            ends[used++]  = end;
        }
    }
    view->reserves      = servers;
    view->reserve_ends  = ends;
    view->reserve_count = count;
}

struct pool_view *pool_build(const struct pool_sets *sets, const struct pool_settings *settings,
                             uint32_t slot_count, const struct pool_view *old, uint64_t now_ns)
{
    struct pool_view *view = alloc_zero(1, sizeof *view);
    arena_init(&view->arena);

    uint32_t                 rank;
    const struct server_set *set     = build_select(sets, settings, &rank, &view->panic);
    struct server          **servers = arena_alloc(&view->arena, set->count, sizeof *servers);
    if (set->count > 0)
        memcpy(servers, set->servers, set->count * sizeof *servers);
    view->servers = servers;
    view->count   = build_subset(servers, set->count, settings->subset, settings->subset_seed);

    struct server **returning = arena_alloc(&view->arena, sets->returning.count, sizeof *returning);
    if (sets->returning.count > 0)
        memcpy(returning, sets->returning.servers, sets->returning.count * sizeof *returning);
    view->returning       = returning;
    view->returning_count = sets->returning.count;

    build_reserves(view, sets, rank);
    build_facts(view, slot_count);
    build_ramps(view, settings, old, now_ns);
    return view;
}
