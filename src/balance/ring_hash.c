/* SPDX-License-Identifier: Apache-2.0
 *
 * Ring hash: the server of a key on a ring of points; bounded hash: the same, but no server gets
 * much more than its share of the load (Mirrokni, Thorup and Zadimoghaddam 2018).
 *
 * Bounded: a server takes a new request only while it has fewer than
 *     cap = ceil(factor * (all leases + 1) * weight / all weights), at least 1
 * leases, else the next one along the ring is asked. Caps are in whole percents and integers: in
 * floating point, 1.1 times 100,000 over 1,000 rounds up to 111. All leases are those that began
 * under this algorithm, and those that the view's servers had when it was chosen.
 *
 * A server that cannot be used leaves its keys to the next along the ring.
 * Cost: O(1), two or three cache misses; bounded_hash also one more word that all workers write.
 */
#include "balance/algorithms.h"
#include "balance/ring.h"

/* Points to walk along the ring, before every server is asked in turn. */
#define RING_HASH_WALK 64u

static void *ring_hash_build(struct balance_site *site, struct arena *arena,
                             const struct balance_site *old)
{
    (void)old;
    return ring_build(site->view, site->step->tunables.ring_points, arena);
}

typedef bool ring_admit_fn(const struct balance_site *site, uint32_t index, int64_t total);

static struct choice ring_walk(const struct balance_site *site, const struct ring *ring,
                               const struct pick_query *query, ring_admit_fn *admit, int64_t total)
{
    uint64_t key;
    if (!choice_key(site, query, &key))
        return choice_pass();
    uint32_t position = ring_find(ring, key);
    uint32_t index    = ring->points[position].index;
    for (uint32_t i = 0; i < RING_HASH_WALK; i++) {
        index = ring->points[position].index;
        if (LL_LIKELY(choice_free(site->view, query, index) && admit(site, index, total) &&
                      choice_key_warm(site->view, query, index, key)))
            return choice_pick(site, index);
        position = position + 1 == ring->count ? 0 : position + 1;
    }
    for (uint32_t i = 0; i < site->view->count; i++) {
        index = index + 1 == site->view->count ? 0 : index + 1;
        if (choice_free(site->view, query, index) && admit(site, index, total))
            return choice_pick(site, index);
    }
    return choice_pass();
}

static bool ring_admit_all(const struct balance_site *site, uint32_t index, int64_t total)
{
    (void)site;
    (void)index;
    (void)total;
    return true;
}

static struct choice ring_hash_pick(const struct balance_site *site, const struct pick_query *query)
{
    return ring_walk(site, site->table, query, ring_admit_all, 0);
}

struct bounded_state {
    _Atomic int64_t total; /* of leases */
};

static size_t bounded_state_size(const struct balance_tunables *tunables)
{
    (void)tunables;
    return sizeof(struct bounded_state);
}

static void *bounded_build(struct balance_site *site, struct arena *arena,
                           const struct balance_site *old)
{
    struct bounded_state *state = site->step->state;
    if (old == NULL) {
        int64_t total = 0;
        for (uint32_t i = 0; i < site->view->count; i++)
            total += server_inflight(site->view->servers[i]);
        atomic_store_explicit(&state->total, total, memory_order_relaxed);
    }
    return ring_build(site->view, site->step->tunables.ring_points, arena);
}

static bool bounded_admit(const struct balance_site *site, uint32_t index, int64_t total)
{
    const struct pool_view *view = site->view;
    rng_wide share = (rng_wide)site->step->tunables.balance_factor * ((uint64_t)total + 1) *
                     view->weights[index];
    rng_wide whole = (rng_wide)view->weight_sum * 100;
    uint64_t cap   = (uint64_t)((share + whole - 1) / whole);
    return server_inflight(view->servers[index]) < LL_MAX(cap, 1);
}

static struct choice bounded_pick(const struct balance_site *site, const struct pick_query *query)
{
    const struct bounded_state *state = site->step->state;
    int64_t                     total = atomic_load_explicit(&state->total, memory_order_relaxed);
    return ring_walk(site, site->table, query, bounded_admit, LL_MAX(total, 0));
}

static void bounded_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    struct bounded_state *state = site->step->state;
    atomic_fetch_add_explicit(&state->total, feedback->type == FEEDBACK_START ? 1 : -1,
                              memory_order_relaxed);
}

const struct algorithm algorithm_ring_hash = {
    .name    = "ring_hash",
    .summary = "the same server for the same key, from a ring of points",
    .key     = BALANCE_KEY_CLIENT_IP,
    .build   = ring_hash_build,
    .pick    = ring_hash_pick,
};

const struct algorithm algorithm_bounded_hash = {
    .name       = "bounded_hash",
    .summary    = "ring_hash, but no server gets much more than its share",
    .key        = BALANCE_KEY_CLIENT_IP,
    .wants      = FEEDBACK_MASK(FEEDBACK_START) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .state_size = bounded_state_size,
    .build      = bounded_build,
    .pick       = bounded_pick,
    .feedback   = bounded_feedback,
};
