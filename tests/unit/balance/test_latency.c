/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/latency.h"
#include "pool_help.h"

#include <math.h>

#define MS       UINT64_C(1000000)
#define SECOND   UINT64_C(1000000000)
#define DECAY_NS (10 * SECOND)

static double mean_ms(const struct server *server, uint64_t now_ns)
{
    return (double)(latency_read(server, DECAY_NS, now_ns) * 1024) / 1e6;
}

static void the_mean_follows_the_definition(void **state)
{
    (void)state;
    struct server server = {0};
    double        naive  = 0;
    uint64_t      last   = 0;
    uint64_t      now    = SECOND;
    assert_true(mean_ms(&server, now) == 0);
    for (uint64_t i = 0; i < 1000; i++) {
        double sample = 1 + (double)(rng_mix(i) % 100);
        double keep   = exp(-(double)(now - last) / (double)DECAY_NS);
        naive         = i == 0 ? sample : naive * keep + sample * (1 - keep);
        last          = now;
        latency_sample(&server, LATENCY_MEAN, (uint64_t)(sample * 1e6), DECAY_NS, now);
        assert_true(fabs(mean_ms(&server, now) - naive) < 0.03 * naive);
        now += 300 * MS;
    }
    /* Alone, it fades. */
    assert_true(fabs(mean_ms(&server, last + DECAY_NS) - naive / exp(1)) < 0.03 * naive);
}

static void many_samples_in_a_moment_count(void **state)
{
    (void)state;
    struct server server = {0};
    uint64_t      now    = SECOND;
    latency_sample(&server, LATENCY_MEAN, 100 * MS, DECAY_NS, now);
    /* 100,000 a second for 20 s: far less than a unit of time apart. */
    for (uint64_t i = 0; i < 2000000; i++)
        latency_sample(&server, LATENCY_MEAN, 10 * MS, DECAY_NS, now += 10000);
    assert_true(mean_ms(&server, now) < 30);
}

static void peaks_are_taken_at_once(void **state)
{
    (void)state;
    struct server server = {0};
    latency_sample(&server, LATENCY_PEAK, 10 * MS, DECAY_NS, SECOND);
    latency_sample(&server, LATENCY_PEAK, 500 * MS, DECAY_NS, SECOND);
    assert_true(fabs(mean_ms(&server, SECOND) - 500) < 1);
    latency_sample(&server, LATENCY_PEAK, 10 * MS, DECAY_NS, 2 * SECOND);
    assert_true(fabs(mean_ms(&server, 2 * SECOND) - (10 + 490 * exp(-0.1))) < 1);
}

/* A server that is slow, or fails fast, gets little; one that is merely unknown is tried. */
static void the_slow_and_the_failing_are_avoided(void **state)
{
    (void)state;
    const char *algorithms[] = {"least_time", "peak_ewma"};
    for (size_t a = 0; a < LL_COUNT(algorithms); a++) {
        struct pool *pool       = help_pool(algorithms[a], 10, NULL);
        uint32_t     counts[10] = {0};
        uint64_t     now        = SECOND;
        struct rng   rng;
        rng_seed(&rng, 1, 0);
        for (uint32_t i = 0; i < 20000; i++) {
            struct pick_query query  = {.random = rng_next(&rng), .now_ns = now};
            struct pick       pick   = balance_pick(pool_view(pool), &query);
            uint32_t          number = help_number(pick.lease.server);
            counts[number]++;
            if (number == 0)
                balance_finish(&pick.lease, OUTCOME_CONNECT_REFUSED, now + 10000);
            else if (number == 1)
                balance_finish(&pick.lease, OUTCOME_OK, now + 800 * MS);
            else
                balance_finish(&pick.lease, OUTCOME_OK, now + 20 * MS + rng_below(&rng, MS));
            now += MS;
        }
        for (uint32_t i = 0; i < 10; i++) {
            assert_true(counts[i] > 0);
            /* Of two random ones, both are bad once in 45 times. */
            assert_true(i >= 2 || counts[i] < 20000 / 45 * 3 / 2);
        }
        pool_free(pool);
    }
}

static void the_first_byte_counts_where_there_is_one(void **state)
{
    (void)state;
    struct pool      *pool   = help_pool("least_time", 1, NULL);
    struct pick_query query  = {.now_ns = SECOND};
    struct pick       pick   = balance_pick(pool_view(pool), &query);
    struct server    *server = pick.lease.server;
    balance_first_byte(&pick.lease, SECOND + 20 * MS);
    balance_first_byte(&pick.lease, SECOND + 90 * MS);
    balance_finish(&pick.lease, OUTCOME_OK, 60 * SECOND);
    assert_true(fabs(mean_ms(server, SECOND + 20 * MS) - 20) < 0.1);
    /* Going away soon says nothing, going away late says that it takes at least so long. */
    query.now_ns = SECOND + 30 * MS;
    pick         = balance_pick(pool_view(pool), &query);
    balance_finish(&pick.lease, OUTCOME_CANCELLED, SECOND + 31 * MS);
    assert_true(fabs(mean_ms(server, SECOND + 31 * MS) - 20) < 0.5);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_follows_the_definition),
        cmocka_unit_test(many_samples_in_a_moment_count),
        cmocka_unit_test(peaks_are_taken_at_once),
        cmocka_unit_test(the_slow_and_the_failing_are_avoided),
        cmocka_unit_test(the_first_byte_counts_where_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
