/* SPDX-License-Identifier: Apache-2.0
 *
 * Power of two choices: two different servers are drawn at random, the one with fewer leases gets
 * the request (Mitzenmacher 2001).
 *
 * Servers are drawn with the probability of their weights, and leases then compared as they are:
 * to weigh again would count the weight twice. A tie goes to the one drawn first.
 * Cost: O(1). See least_connections with choices for more than two.
 */
#include "balance/algorithms.h"
#include "balance/alias.h"

/* Draws for the two, where some cannot be used. */
#define P2C_DRAWS 8u

static void *p2c_build(struct balance_site *site, struct arena *arena,
                       const struct balance_site *old)
{
    (void)old;
    return site->view->equal_weights || site->view->count == 0 ? NULL
                                                               : alias_build(site->view, arena);
}

static uint32_t p2c_draw(const struct balance_site *site, uint64_t random)
{
    return site->table == NULL ? (uint32_t)rng_scale(random, site->view->count)
                               : alias_draw(site->table, random);
}

static struct choice p2c_pick(const struct balance_site *site, const struct pick_query *query)
{
    const struct pool_view *view  = site->view;
    uint32_t                first = POOL_NO_INDEX;
    for (uint32_t i = 0; i < P2C_DRAWS; i++) {
        uint32_t index = p2c_draw(site, i == 0 ? query->random : choice_random(query, i));
        if (index == first && view->count > 1) {
            /* Any other, so that two are compared even where one is drawn nearly always. */
            index += 1 + (uint32_t)rng_scale(choice_random(query, P2C_DRAWS + i), view->count - 1);
            index = index >= view->count ? index - view->count : index;
        }
        if (index == first || !choice_usable(view, query, index, i))
            continue;
        if (first != POOL_NO_INDEX) {
            uint32_t a = server_inflight(view->servers[first]);
            uint32_t b = server_inflight(view->servers[index]);
            return choice_pick(site, b < a ? index : first);
        }
        first = index;
    }
    return first == POOL_NO_INDEX ? choice_pass() : choice_pick(site, first);
}

const struct algorithm algorithm_p2c = {
    .name    = "p2c",
    .summary = "the less loaded of two random servers",
    .build   = p2c_build,
    .pick    = p2c_pick,
};
