/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_help.h"

#include <math.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

static uint64_t now = 1000 * MS;

static struct pool *prequal_pool(uint32_t count, struct balance_tunables tunables)
{
    struct pool          *pool   = help_pool("round_robin", count, NULL);
    struct balance_config config = balance_config_of("prequal");
    config.steps[0].tunables     = tunables;
    balance_configure(pool, &config);
    pool_publish(pool, 1);
    return pool;
}

static struct pick pick_next(struct pool *pool, uint64_t random)
{
    struct pick_query query = {.random = rng_mix(random), .now_ns = now};
    struct pick       pick  = balance_pick(pool_view(pool), &query);
    assert_int_equal(pick.status, PICK_OK);
    return pick;
}

static uint32_t serve(struct pool *pool, uint64_t random, enum outcome outcome)
{
    struct pick pick   = pick_next(pool, random);
    uint32_t    number = help_number(pick.lease.server);
    balance_finish(&pick.lease, outcome, now);
    return number;
}

static void answer(struct pool *pool, uint32_t number, uint32_t rif, uint64_t latency_ns)
{
    balance_probe_answer(pool_view(pool), pool_at(pool, number), rif, latency_ns, 0, now);
}

/* No removal, and the denominator of the reuse formula not positive: answers stay. */
static struct balance_tunables lasting(uint64_t hot)
{
    struct balance_tunables tunables = balance_tunables_default();
    tunables.probe_rate              = 0;
    tunables.probe_remove            = 0;
    tunables.probe_hot               = hot;
    return tunables;
}

static void asks_three_servers_per_pick(void **state)
{
    (void)state;
    uint32_t                asked[50] = {0};
    uint32_t                total     = 0;
    struct balance_tunables tunables  = balance_tunables_default();
    for (tunables.probe_rate = 50; tunables.probe_rate <= 300; tunables.probe_rate += 250) {
        struct pool *pool = prequal_pool(50, tunables);
        total             = 0;
        for (uint64_t i = 0; i < 10000; i++) {
            serve(pool, i, OUTCOME_OK);
            for (struct server *server; (server = balance_take_probe(pool_view(pool))) != NULL;) {
                asked[help_number(server)]++;
                total++;
            }
        }
        double expected = 10000.0 * (double)tunables.probe_rate / 100;
        assert_true(total <= expected && total > 0.9 * expected);
        pool_free(pool);
    }
    for (uint32_t i = 0; i < 50; i++)
        assert_true(asked[i] > 500 && asked[i] < 900);
}

static void nobody_taking_probes_costs_nothing(void **state)
{
    (void)state;
    struct pool *pool = prequal_pool(50, balance_tunables_default());
    for (uint64_t i = 0; i < 1000; i++)
        serve(pool, i, OUTCOME_OK);
    uint32_t waiting = 0;
    while (balance_take_probe(pool_view(pool)) != NULL)
        waiting++;
    assert_int_equal(waiting, 64);
    pool_free(pool);
}

static void cold_ones_go_by_latency_hot_ones_by_load(void **state)
{
    (void)state;
    struct pool *pool = prequal_pool(10, lasting(50));
    /* Median of requests in flight: 5. */
    answer(pool, 0, 1, 90 * MS);
    answer(pool, 1, 9, 1 * MS);
    answer(pool, 2, 5, 30 * MS);
    answer(pool, 3, 8, 2 * MS);
    answer(pool, 4, 2, 70 * MS);
    struct pick pick = pick_next(pool, 1); /* fastest of the cold: 2, 4, 0 */
    assert_int_equal(help_number(pick.lease.server), 2);
    balance_finish(&pick.lease, OUTCOME_OK, now);
    /* That made 2 hot, with 6 in flight. */
    assert_int_equal(serve(pool, 2, OUTCOME_OK), 4);
    assert_int_equal(serve(pool, 3, OUTCOME_OK), 4);
    assert_int_equal(serve(pool, 3, OUTCOME_OK), 4);
    assert_int_equal(serve(pool, 3, OUTCOME_OK), 4); /* 2 + 4 is hot now */
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(serve(pool, 4, OUTCOME_OK), 0);
    /* All are hot: 0, 2 and 4 have 6, the others more. */
    uint32_t number = serve(pool, 5, OUTCOME_OK);
    assert_true(number == 0 || number == 2 || number == 4);
    pool_free(pool);
}

static void quantile_zero_is_least_loaded(void **state)
{
    (void)state;
    struct pool *pool = prequal_pool(10, lasting(0));
    answer(pool, 0, 4, 1 * MS);
    answer(pool, 1, 3, 90 * MS);
    answer(pool, 2, 2, 80 * MS);
    assert_int_equal(serve(pool, 1, OUTCOME_OK), 2); /* 2 */
    uint32_t number = serve(pool, 1, OUTCOME_OK);    /* 3 */
    assert_true(number == 1 || number == 2);
    pool_free(pool);
}

static uint32_t distinct_in(struct pool *pool, uint32_t picks)
{
    uint64_t seen = 0;
    for (uint64_t i = 0; i < picks; i++)
        seen |= UINT64_C(1) << serve(pool, i + 7, OUTCOME_OK);
    return (uint32_t)__builtin_popcountll(seen);
}

static void with_too_few_answers_it_is_random(void **state)
{
    (void)state;
    struct pool *pool = prequal_pool(10, lasting(84));
    assert_int_equal(distinct_in(pool, 200), 10);
    answer(pool, 3, 0, MS);
    assert_int_equal(distinct_in(pool, 200), 10);
    answer(pool, 4, 0, 2 * MS);
    assert_true(distinct_in(pool, 200) <= 2);
    /* Answers grow old, */
    now += 1100 * MS;
    assert_int_equal(distinct_in(pool, 200), 10);
    /* and do not come back to life when stamps wrap. */
    answer(pool, 3, 0, MS);
    answer(pool, 4, 0, MS);
    now += UINT64_C(17179) * MS + 869184; /* 2^34 ns */
    assert_int_equal(distinct_in(pool, 200), 10);
    pool_free(pool);
}

static void answers_are_used_up(void **state)
{
    (void)state;
    /* 100 servers, pool 16: 2 / ((1 - 0.16) * 3 - 1) = 1.316, by random rounding 1 or 2. */
    struct balance_tunables tunables = balance_tunables_default();
    tunables.probe_age               = 8000 * MS;
    struct pool *pool                = prequal_pool(100, tunables);
    double       sum                 = 0;
    const double rounds              = 4000;
    for (uint32_t round = 0; round < (uint32_t)rounds; round++) {
        /* The newest is the best, so that removal takes others. */
        struct rng rng;
        rng_seed(&rng, round, 0);
        for (uint32_t i = 20; i < 35; i++)
            balance_probe_answer(pool_view(pool), pool_at(pool, i), 5, 500 * MS, rng_next(&rng),
                                 now);
        now += 10 * MS;
        balance_probe_answer(pool_view(pool), pool_at(pool, 7), 0, 0, rng_next(&rng), now);
        uint32_t uses = 0;
        while (serve(pool, round, OUTCOME_OK) == 7)
            uses++;
        sum += uses;
        assert_true(uses >= 1 && uses <= 2);
        now += 9000 * MS; /* forget all */
    }
    assert_true(fabs(sum / rounds - 1.316) < 0.03);
    pool_free(pool);
}

static void failures_are_no_magnet(void **state)
{
    (void)state;
    struct pool *pool = prequal_pool(10, lasting(84));
    answer(pool, 1, 0, MS);
    answer(pool, 2, 0, 5 * MS);
    answer(pool, 3, 0, 9 * MS);
    now += 10 * MS;
    assert_int_equal(serve(pool, 1, OUTCOME_CONNECT_REFUSED), 1);
    assert_int_equal(serve(pool, 1, OUTCOME_OK), 2);
    /* It answers probes as fast as ever, and is the last choice until it does well. */
    answer(pool, 1, 0, MS);
    assert_int_equal(serve(pool, 1, OUTCOME_OK), 3);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_three_servers_per_pick),
        cmocka_unit_test(nobody_taking_probes_costs_nothing),
        cmocka_unit_test(cold_ones_go_by_latency_hot_ones_by_load),
        cmocka_unit_test(quantile_zero_is_least_loaded),
        cmocka_unit_test(with_too_few_answers_it_is_random),
        cmocka_unit_test(answers_are_used_up),
        cmocka_unit_test(failures_are_no_magnet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
