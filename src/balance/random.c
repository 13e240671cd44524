/* SPDX-License-Identifier: Apache-2.0
 *
 * Random: every server with the same probability, or with that of its weight.
 *
 * Needs no state that workers share, which is its point: nothing is contended. Loads spread like
 * coin flips, with a standard deviation of the square root of the mean.
 * Cost: O(1). Ignores load; see p2c for the cheap cure.
 */
#include "balance/algorithms.h"
#include "balance/alias.h"

/* Draws before the rest is left to the wrapper, whose random start is nearly as good. */
#define RANDOM_DRAWS 16u

static struct choice random_pick(const struct balance_site *site, const struct pick_query *query)
{
    uint64_t random = query->random;
    for (uint32_t i = 0; i < RANDOM_DRAWS; i++) {
        uint32_t index = (uint32_t)rng_scale(random, site->view->count);
        if (LL_LIKELY(choice_usable(site->view, query, index, i)))
            return choice_pick(site, index);
        random = choice_random(query, i + 1);
    }
    return choice_pass();
}

static void *weighted_random_build(struct balance_site *site, struct arena *arena,
                                   const struct balance_site *old)
{
    (void)old;
    return site->view->count > 0 ? alias_build(site->view, arena) : NULL;
}

static struct choice weighted_random_pick(const struct balance_site *site,
                                          const struct pick_query   *query)
{
    uint64_t random = query->random;
    for (uint32_t i = 0; i < RANDOM_DRAWS; i++) {
        uint32_t index = alias_draw(site->table, random);
        if (LL_LIKELY(choice_usable(site->view, query, index, i)))
            return choice_pick(site, index);
        random = choice_random(query, i + 1);
    }
    return choice_pass();
}

const struct algorithm algorithm_random = {
    .name    = "random",
    .summary = "a random server",
    .pick    = random_pick,
};

const struct algorithm algorithm_weighted_random = {
    .name    = "weighted_random",
    .summary = "a random server, as likely as its weight says",
    .build   = weighted_random_build,
    .pick    = weighted_random_pick,
};
