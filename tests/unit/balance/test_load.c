/* SPDX-License-Identifier: Apache-2.0
 *
 * Algorithms that look at load: least_connections in its forms, p2c, first.
 */
#include "pool_help.h"

#include <math.h>
#include <stdlib.h>

static void set_choices(struct pool *pool, const char *algorithm, uint64_t choices)
{
    struct balance_config config     = balance_config_of(algorithm);
    config.steps[0].tunables.choices = choices;
    balance_configure(pool, &config);
    pool_publish(pool, 1);
}

static struct pick pick_one(struct pool *pool, const struct tried *tried, uint64_t random)
{
    struct pick_query query = {.random = random, .now_ns = 1000, .tried = tried};
    return balance_pick(pool_view(pool), &query);
}

/* Leases at random, so that loads differ. */
static void load_pool(struct pool *pool, struct rng *rng, uint32_t leases)
{
    for (uint32_t i = 0; i < leases; i++) {
        uint64_t index = rng_below(rng, 1 + rng_below(rng, pool_count(pool)));
        atomic_fetch_add(&pool_at(pool, (uint32_t)index)->load.inflight, 1);
    }
    struct balance_config config = balance_config_of("round_robin");
    balance_configure(pool, &config); /* so that what follows begins with these loads */
    pool_publish(pool, 1);
}

/* No untried server with room has less than the one picked. */
static void expect_least(const struct pool *pool, const struct tried *tried, struct server *picked,
                         bool weighted)
{
    for (uint32_t i = 0; i < pool_count(pool); i++) {
        const struct server *other = pool_at(pool, i);
        if (other == picked || (tried != NULL && tried_has(tried, other->slot)) ||
            (other->settings.max_connections > 0 &&
             server_inflight(other) >= other->settings.max_connections))
            continue;
        uint64_t w_other  = weighted ? other->settings.weight : 1;
        uint64_t w_picked = weighted ? picked->settings.weight : 1;
        /* The one picked counts its new lease already. */
        assert_true(((uint64_t)server_inflight(other) + 1) * w_picked >=
                    (uint64_t)server_inflight(picked) * w_other);
    }
}

static void least_connections_picks_a_minimum(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (uint32_t round = 0; round < 60; round++) {
        bool         weighted  = round % 2 == 1;
        const char  *algorithm = weighted ? "weighted_least_connections" : "least_connections";
        uint32_t     count     = 1 + (uint32_t)rng_below(&rng, round < 40 ? 100 : 3000);
        struct pool *pool      = help_pool("round_robin", count, NULL);
        for (uint32_t i = 0; i < count; i++)
            help_settings(pool, i,
                          (struct server_settings){
                              .weight          = 1 + (uint32_t)rng_below(&rng, 1000),
                              .max_connections = rng_below(&rng, 4) == 0 ? 3 : 0,
                          });
        load_pool(pool, &rng, count * (1 + (uint32_t)rng_below(&rng, 6)));
        set_choices(pool, algorithm, 0);
        struct tried tried = {0};
        struct lease held[300];
        uint32_t     held_count = 0;
        for (uint32_t i = 0; i < 300; i++) {
            struct pick pick = pick_one(pool, &tried, rng_next(&rng));
            if (pick.status != PICK_OK)
                break;
            expect_least(pool, &tried, pick.lease.server, weighted);
            if (i % 5 == 0 && tried_count(&tried) < 10)
                tried_add(&tried, pick.lease.server);
            held[held_count++] = pick.lease;
            /* Ends another lease, so that loads fall below what was the least. */
            for (uint32_t ends = i % 3; ends > 0; ends--) {
                struct lease *lease = &held[rng_below(&rng, held_count)];
                balance_finish(lease, OUTCOME_OK, 2000);
                *lease = held[--held_count];
            }
        }
        pool_free(pool);
    }
}

/* Chi-square of counts that should be equal, in standard deviations from its mean. */
static double unevenness(const uint32_t *counts, uint32_t count)
{
    double sum = 0, square = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += counts[i];
    for (uint32_t i = 0; i < count; i++)
        square += (counts[i] - sum / count) * (counts[i] - sum / count) / (sum / count);
    return (square - (count - 1)) / sqrt(2.0 * (count - 1));
}

/* With everything idle, nobody is preferred for its place. */
static void ties_are_broken_at_random(void **state)
{
    (void)state;
    const char *algorithms[] = {"least_connections", "weighted_least_connections", "p2c"};
    for (size_t a = 0; a < LL_COUNT(algorithms); a++) {
        for (uint32_t count = 20; count <= 100; count += 80) {
            struct pool *pool        = help_pool(algorithms[a], count, NULL);
            uint32_t     counts[100] = {0};
            for (uint64_t i = 0; i < 1000 * count; i++)
                counts[help_pick(pool, rng_mix(i))]++;
            assert_true(fabs(unevenness(counts, count)) < 4);
            pool_free(pool);
        }
    }
}

/* Best of d: the more choices, the nearer to the minimum; as many as servers find it always. */
static void choices_are_distinct(void **state)
{
    (void)state;
    struct pool *pool = help_pool("round_robin", 4, NULL);
    for (uint32_t i = 1; i < 4; i++)
        atomic_fetch_add(&pool_at(pool, i)->load.inflight, 1);
    set_choices(pool, "least_connections", 4);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(help_pick(pool, rng_mix(i)), 0);
    /* Two of four different ones hold a given one with probability 1/2, three with 3/4. */
    for (uint32_t choices = 2; choices <= 3; choices++) {
        set_choices(pool, "least_connections", choices);
        uint32_t hits = 0;
        for (uint64_t i = 0; i < 40000; i++)
            hits += help_pick(pool, rng_mix(i)) == 0;
        assert_true(abs((int)hits - (int)choices * 10000) < 500);
    }
    pool_free(pool);
}

static void p2c_takes_the_less_loaded(void **state)
{
    (void)state;
    struct pool *pool = help_pool("p2c", 2, NULL);
    atomic_fetch_add(&pool_at(pool, 0)->load.inflight, 1);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(help_pick(pool, rng_mix(i)), 1);
    pool_free(pool);
    /* Weights: drawn by weight, so an idle pool serves by weight but for the distinct pairs. */
    const uint32_t weights[10] = {1, 1, 1, 1, 1, 3, 3, 3, 3, 3};
    uint32_t       light = 0, heavy = 0;
    pool = help_pool("p2c", 10, weights);
    for (uint64_t i = 0; i < 100000; i++)
        *(help_pick(pool, rng_mix(i)) < 5 ? &light : &heavy) += 1;
    assert_true(fabs((double)heavy / light - 3) < 0.1);
    pool_free(pool);
}

static void first_fills_one_after_the_other(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct pool *pool = help_pool("first", COUNT, NULL);
    assert_int_equal(help_pick(pool, 1), 0);
    assert_int_equal(help_pick(pool, 2), 0);
    for (uint32_t i = 0; i < COUNT; i++)
        help_settings(pool, i, (struct server_settings){.weight = 1, .max_connections = 2});
    pool_publish(pool, 1);
    struct lease leases[2 * COUNT];
    for (uint32_t i = 0; i < 2 * COUNT; i++) {
        leases[i] = pick_one(pool, NULL, i).lease;
        assert_int_equal(help_number(leases[i].server), i / 2);
    }
    assert_int_equal(pick_one(pool, NULL, 1).status, PICK_QUEUE);
    balance_finish(&leases[77], OUTCOME_OK, 2000);
    leases[77] = pick_one(pool, NULL, 1).lease;
    assert_int_equal(help_number(leases[77].server), 38);
    for (uint32_t i = 0; i < 2 * COUNT; i++)
        balance_finish(&leases[i], OUTCOME_OK, 2000);
    pool_free(pool);
}

/* A server that starts slowly gets a tenth of a share, not everything. */
static void slow_start_holds_back_newcomers(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"least_connections", "weighted_least_connections",
                                             "round_robin", "weighted_round_robin", "random"};
    for (size_t a = 0; a < LL_COUNT(algorithms); a++) {
        for (uint32_t count = 10; count <= 50; count += 40) {
            struct pool         *pool     = help_pool("round_robin", count, NULL);
            struct pool_settings settings = pool_settings_default();
            struct rng           rng;
            rng_seed(&rng, 5, 0);
            settings.slow_start_ns = 10000000;
            pool_configure(pool, &settings);
            for (uint32_t i = 0; i < count; i++)
                atomic_fetch_add(&pool_at(pool, i)->load.inflight, 20);
            help_add(pool, count, 1);
            set_choices(pool, algorithms[a], 0);
            /* Each pick holds its lease; the newcomer stops at a tenth of what others have. */
            uint32_t newcomer = 0;
            for (uint64_t i = 0; i < 10 * count; i++)
                newcomer += help_number(pick_one(pool, NULL, rng_next(&rng)).lease.server) == count;
            assert_true(newcomer <= 5);
            pool_free(pool);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_connections_picks_a_minimum),
        cmocka_unit_test(ties_are_broken_at_random),
        cmocka_unit_test(choices_are_distinct),
        cmocka_unit_test(p2c_takes_the_less_loaded),
        cmocka_unit_test(first_fills_one_after_the_other),
        cmocka_unit_test(slow_start_holds_back_newcomers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
