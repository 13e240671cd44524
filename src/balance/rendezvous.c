/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendezvous hashing (Thaler and Ravishankar 1996): every server scores the key, the highest wins.
 *
 * The score of a server is weight / -ln(h), with h in (0, 1) the hash of key and id: shares are
 * exactly by weight, and a change of one server moves only its own keys. A server that cannot be
 * used leaves its keys to the second of each.
 * Cost: O(servers), some 2 ns each: for small pools that want the least disruption there is.
 */
#include "balance/algorithms.h"
#include "balance/fixed_math.h"

static void *rendezvous_build(struct balance_site *site, struct arena *arena,
                              const struct balance_site *old)
{
    (void)old;
    uint64_t *hashes = arena_alloc(arena, site->view->count, sizeof *hashes);
    for (uint32_t i = 0; i < site->view->count; i++)
        hashes[i] = site->view->servers[i]->hash;
    return hashes;
}

static struct choice rendezvous_pick(const struct balance_site *site,
                                     const struct pick_query   *query)
{
    const struct pool_view *view        = site->view;
    const uint64_t         *hashes      = site->table;
    uint32_t                best        = POOL_NO_INDEX;
    uint64_t                best_log    = 0; /* -log(h): less is better */
    uint64_t                best_weight = 1;
    uint64_t                key;
    if (!choice_key(site, query, &key))
        return choice_pass();
    for (uint32_t i = 0; i < view->count; i++) {
        uint64_t hash   = rng_mix(key ^ hashes[i]);
        uint64_t log    = view->equal_weights ? ~hash : fixed_log2_below(hash | 1);
        uint64_t weight = view->equal_weights ? 1 : view->weights[i];
        /* Logarithms are below 2^39 and weights below 2^16. */
        if ((best == POOL_NO_INDEX || log * best_weight < best_log * weight) &&
            choice_free(view, query, i) && choice_key_warm(view, query, i, key)) {
            best        = i;
            best_log    = log;
            best_weight = weight;
        }
    }
    return best == POOL_NO_INDEX ? choice_pass() : choice_pick(site, best);
}

const struct algorithm algorithm_rendezvous = {
    .name    = "rendezvous",
    .summary = "the same server for the same key, by highest score; for small pools",
    .key     = BALANCE_KEY_CLIENT_IP,
    .build   = rendezvous_build,
    .pick    = rendezvous_pick,
};
