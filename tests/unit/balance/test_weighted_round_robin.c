/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_help.h"

#include <string.h>

enum { COUNT_MAX = 60 };

/* The definition, one step at a time. */
struct naive {
    uint32_t count;
    int64_t  weights[COUNT_MAX];
    int64_t  gains[COUNT_MAX];
    int64_t  sum;
};

static uint32_t naive_pick(struct naive *naive)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < naive->count; i++) {
        naive->gains[i] += naive->weights[i];
        if (naive->gains[i] > naive->gains[best])
            best = i;
    }
    naive->gains[best] -= naive->sum;
    return best;
}

static void spreads_the_turns_of_the_heavy(void **state)
{
    (void)state;
    const uint32_t weights[] = {5, 1, 1};
    struct pool   *pool      = help_pool("weighted_round_robin", 3, weights);
    char           order[15] = "";
    for (uint32_t turn = 0; turn < 14; turn++)
        order[turn] = (char)('a' + help_pick(pool, turn));
    assert_string_equal(order, "aabacaaaabacaa");
    pool_free(pool);
}

static void follows_the_definition(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1, 0);
    for (uint32_t round = 0; round < 200; round++) {
        struct naive naive = {.count = 1 + (uint32_t)rng_below(&rng, COUNT_MAX)};
        uint32_t     weights[COUNT_MAX];
        uint64_t     high = 1 + rng_below(&rng, 200);
        for (uint32_t i = 0; i < naive.count; i++) {
            weights[i]       = 1 + (uint32_t)rng_below(&rng, high);
            naive.weights[i] = weights[i];
            naive.sum += weights[i];
        }
        struct pool *pool = help_pool("weighted_round_robin", naive.count, weights);
        for (uint32_t turn = 0; turn < 3000; turn++)
            assert_int_equal(help_pick(pool, turn), naive_pick(&naive));
        pool_free(pool);
    }
}

static struct pool *strided_pool(uint32_t count, const uint32_t *weights)
{
    struct pool          *pool             = help_pool("weighted_round_robin", count, weights);
    struct balance_config config           = balance_config_of("weighted_round_robin");
    config.steps[0].tunables.schedule_size = 0;
    balance_configure(pool, &config);
    pool_publish(pool, 1);
    return pool;
}

/* Whatever window of a full rotation, long ones that are computed included. */
static void shares_are_exact_in_every_window(void **state)
{
    (void)state;
    const uint32_t weights[] = {50, 7, 13, 1, 29};
    const uint32_t sum       = 100;
    for (uint32_t strided = 0; strided < 2; strided++) {
        struct pool *pool =
            strided ? strided_pool(5, weights) : help_pool("weighted_round_robin", 5, weights);
        uint32_t picks[1000];
        uint32_t counts[5] = {0};
        for (uint32_t turn = 0; turn < LL_COUNT(picks); turn++) {
            picks[turn] = help_pick(pool, turn);
            counts[picks[turn]]++;
            if (turn >= sum)
                counts[picks[turn - sum]]--;
            for (uint32_t i = 0; i < 5 && turn >= sum - 1; i++)
                assert_int_equal(counts[i], weights[i]);
        }
        pool_free(pool);
    }
}

/* No server is ever far from its share, even where the rotation never ends: the deviation grows
 * with the logarithm of the turns. */
static void long_rotations_stay_near_the_shares(void **state)
{
    (void)state;
    uint32_t weights[COUNT_MAX];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < COUNT_MAX; i++) {
        weights[i] = 1 + (uint32_t)(rng_mix(i) % SERVER_WEIGHT_MAX);
        sum += weights[i];
    }
    struct pool *pool              = help_pool("weighted_round_robin", COUNT_MAX, weights);
    double       counts[COUNT_MAX] = {0};
    for (uint32_t turn = 1; turn <= 100000; turn++) {
        counts[help_pick(pool, turn)]++;
        if (turn % 100 != 0)
            continue;
        for (uint32_t i = 0; i < COUNT_MAX; i++) {
            double share = (double)turn * weights[i] / (double)sum;
            assert_true(counts[i] - share < 8 && share - counts[i] < 8);
        }
    }
    pool_free(pool);
}

/* Adding and removing a light server all the time must not favour the heavy one. */
static void changes_do_not_restart_the_rotation(void **state)
{
    (void)state;
    const uint32_t weights[] = {10, 3, 3, 3, 1};
    struct pool   *pool      = help_pool("weighted_round_robin", 5, weights);
    double         counts[5] = {0};
    const uint32_t changes   = 3000;
    for (uint32_t change = 0; change < changes; change++) {
        pool_set_health(pool, pool_at(pool, 4), change % 2 == 0);
        pool_publish(pool, change + 2);
        for (uint32_t turn = 0; turn < 3; turn++)
            counts[help_pick(pool, turn)]++;
    }
    double heavy = counts[0] / (counts[0] + counts[1] + counts[2] + counts[3]);
    assert_true(heavy > 0.50 && heavy < 0.55); /* 10 of 19 is 0.526 */
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_the_turns_of_the_heavy),
        cmocka_unit_test(follows_the_definition),
        cmocka_unit_test(shares_are_exact_in_every_window),
        cmocka_unit_test(long_rotations_stay_near_the_shares),
        cmocka_unit_test(changes_do_not_restart_the_rotation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
