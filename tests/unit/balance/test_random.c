/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/alias.h"
#include "pool_help.h"

#include <math.h>

/* Every column holds the sum, and what each server owns of all columns is its weight. */
static void the_alias_table_is_exact(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    uint32_t weights[COUNT];
    for (uint32_t seed = 0; seed < 20; seed++) {
        for (uint32_t i = 0; i < COUNT; i++)
            weights[i] = 1 + (uint32_t)(rng_mix(seed * COUNT + i) %
                                        (seed % 2 == 0 ? 10 : SERVER_WEIGHT_MAX));
        struct pool *pool = help_pool("random", COUNT, weights);
        struct arena arena;
        arena_init(&arena);
        const struct alias *alias       = alias_build(pool_view(pool), &arena);
        uint64_t            owns[COUNT] = {0};
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_true(alias->columns[i].keep <= alias->sum);
            owns[i] += alias->columns[i].keep;
            owns[alias->columns[i].other] += alias->sum - alias->columns[i].keep;
        }
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(owns[i], (uint64_t)weights[i] * COUNT);
        arena_fini(&arena);
        pool_free(pool);
    }
}

static void expect_shares(const char *algorithm, const uint32_t *weights, uint32_t count,
                          bool weighted)
{
    struct pool *pool       = help_pool(algorithm, count, weights);
    double       counts[32] = {0};
    double       sum        = 0;
    const double picks      = 200000;
    struct rng   rng;
    rng_seed(&rng, 11, 0);
    for (uint32_t i = 0; i < count; i++)
        sum += weighted ? weights[i] : 1;
    for (uint32_t i = 0; i < (uint32_t)picks; i++)
        counts[help_pick(pool, rng_next(&rng))]++;
    for (uint32_t i = 0; i < count; i++) {
        double share = (weighted ? weights[i] : 1) / sum;
        assert_true(fabs(counts[i] - picks * share) < 5 * sqrt(picks * share * (1 - share)) + 1);
    }
    pool_free(pool);
}

static void shares_are_as_defined(void **state)
{
    (void)state;
    const uint32_t weights[] = {1, 2, 3, 50, 7, 1, 100, 20};
    expect_shares("random", weights, LL_COUNT(weights), false);
    expect_shares("weighted_random", weights, LL_COUNT(weights), true);
    expect_shares("weighted_random", weights, 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_alias_table_is_exact),
        cmocka_unit_test(shares_are_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
