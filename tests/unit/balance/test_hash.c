/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash family against published and measured figures: evenness, keys moved when servers change,
 * bounded load.
 */
#include "balance/maglev.h"
#include "balance/ring.h"
#include "pool_help.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t owner(struct pool *pool, uint64_t key)
{
    struct pick_query query = {.now_ns = 1000};
    pick_query_set_key(&query, key);
    struct pick pick = balance_pick(pool_view(pool), &query);
    assert_int_equal(pick.status, PICK_OK);
    uint32_t number = help_number(pick.lease.server);
    balance_finish(&pick.lease, OUTCOME_OK, 2000);
    return number;
}

static const char *const consistent[] = {"maglev",    "ip_hash",    "uri_hash",    "header_hash",
                                         "ring_hash", "rendezvous", "cookie_hash", "bounded_hash"};

/* By id alone: neither the order of the configuration nor the process matters. */
static void a_key_has_the_same_server_everywhere(void **state)
{
    (void)state;
    for (size_t a = 0; a < LL_COUNT(consistent); a++) {
        struct pool *up   = help_pool(consistent[a], 0, NULL);
        struct pool *down = help_pool(consistent[a], 0, NULL);
        for (uint32_t i = 0; i < 30; i++) {
            help_add(up, i, 1 + i % 3);
            help_add(down, 29 - i, 1 + (29 - i) % 3);
        }
        pool_publish(up, 1);
        pool_publish(down, 1);
        for (uint64_t key = 0; key < 2000; key++)
            assert_int_equal(owner(up, rng_mix(key)), owner(down, rng_mix(key)));
        pool_free(up);
        pool_free(down);
    }
}

/* Keys of servers that stay mostly stay; with rendezvous and ring all of them do. */
static void few_keys_move(void **state)
{
    (void)state;
    enum { KEYS = 20000, COUNT = 50 };
    static uint32_t before[KEYS];
    for (size_t a = 0; a < LL_COUNT(consistent); a++) {
        struct pool *pool  = help_pool(consistent[a], COUNT, NULL);
        bool         exact = strcmp(consistent[a], "rendezvous") == 0 ||
                     strstr(consistent[a], "ring") != NULL ||
                     strcmp(consistent[a], "bounded_hash") == 0;
        for (uint64_t key = 0; key < KEYS; key++)
            before[key] = owner(pool, rng_mix(key));
        pool_set_health(pool, pool_at(pool, 17), false);
        pool_publish(pool, 2);
        uint32_t moved = 0;
        for (uint64_t key = 0; key < KEYS; key++) {
            uint32_t now = owner(pool, rng_mix(key));
            assert_int_not_equal(now, 17);
            moved += before[key] != 17 && now != before[key];
        }
        assert_true(exact ? moved == 0 : moved < KEYS / 50);
        pool_set_health(pool, pool_at(pool, 17), true);
        pool_publish(pool, 3);
        for (uint64_t key = 0; key < KEYS; key++)
            assert_int_equal(owner(pool, rng_mix(key)), before[key]);
        pool_free(pool);
    }
}

static void shares_follow_weights(void **state)
{
    (void)state;
    enum { KEYS = 200000 };
    const uint32_t weights[] = {1, 2, 3, 4, 10, 1, 1, 2};
    for (size_t a = 0; a < LL_COUNT(consistent); a++) {
        /* Points of a ring are themselves random: within some 10 %. */
        double slack =
            strncmp(consistent[a], "ring", 4) == 0 || strcmp(consistent[a], "bounded_hash") == 0
                ? 0.25
                : 0.03;
        struct pool *pool      = help_pool(consistent[a], LL_COUNT(weights), weights);
        double       counts[8] = {0};
        for (uint64_t key = 0; key < KEYS; key++)
            counts[owner(pool, rng_mix(key))]++;
        for (size_t i = 0; i < LL_COUNT(weights); i++) {
            double expected = KEYS * weights[i] / 24.0;
            assert_true(fabs(counts[i] - expected) < slack * expected);
        }
        pool_free(pool);
    }
}

static struct maglev *table_of(struct pool *pool, uint64_t size, struct arena *arena)
{
    return maglev_build(pool_view(pool), size, arena);
}

/* Share, in percent, of the entries of those that stay that moved. */
static double maglev_moved(uint32_t removed, uint64_t size)
{
    enum { COUNT = 1000 };
    struct arena arena;
    arena_init(&arena);
    struct pool         *pool   = help_pool("round_robin", COUNT, NULL);
    const struct maglev *before = table_of(pool, size, &arena);
    struct server       *servers[COUNT];
    memcpy(servers, pool_view(pool)->servers, sizeof servers);
    for (uint32_t i = 0; i < removed; i++)
        pool_set_health(pool, servers[i * (COUNT / removed)], false);
    pool_publish(pool, 2);
    const struct maglev *after = table_of(pool, size, &arena);
    assert_int_equal(before->size, after->size);
    uint32_t stay = 0, moved = 0;
    for (uint32_t i = 0; i < before->size; i++) {
        const struct server *was = servers[before->indexes[i]];
        if (!was->healthy)
            continue;
        stay++;
        moved += pool_view(pool)->servers[after->indexes[i]] != was;
    }
    arena_fini(&arena);
    pool_free(pool);
    return 100.0 * moved / stay;
}

static void expect_near(double value, double expected, double part)
{
    if (fabs(value - expected) > part * expected) {
        print_error("%f is not near %f\n", value, expected);
        fail();
    }
}

/* Figure 12 of the paper, and this project's own simulation of it. */
static void maglev_disruption_is_as_published(void **state)
{
    (void)state;
    expect_near(maglev_moved(1, 65537), 0.58, 0.25);
    expect_near(maglev_moved(10, 65537), 2.36, 0.1);
    expect_near(maglev_moved(20, 65537), 2.64, 0.1);
    expect_near(maglev_moved(1, 655373), 0.32, 0.25);
    expect_near(maglev_moved(10, 655373), 0.58, 0.1);
    expect_near(maglev_moved(20, 655373), 0.71, 0.1);
}

static void maglev_is_even(void **state)
{
    (void)state;
    const struct {
        uint32_t servers;
        uint64_t size;
        uint32_t least;
        uint32_t most;
    } cases[] = {
        {1000, 65537, 65, 66}, {10000, 65537, 6, 7}, {10000, 655373, 65, 66}, {7, 0, 9362, 9363}};
    for (size_t c = 0; c < LL_COUNT(cases); c++) {
        struct arena arena;
        arena_init(&arena);
        struct pool         *pool   = help_pool("round_robin", cases[c].servers, NULL);
        const struct maglev *maglev = table_of(pool, cases[c].size, &arena);
        static uint32_t      counts[10000];
        memset(counts, 0, sizeof counts);
        assert_int_equal(maglev->size, cases[c].size != 0 ? cases[c].size : 65537);
        for (uint32_t i = 0; i < maglev->size; i++)
            counts[maglev->indexes[i]]++;
        for (uint32_t i = 0; i < cases[c].servers; i++)
            assert_in_range(counts[i], cases[c].least, cases[c].most);
        arena_fini(&arena);
        pool_free(pool);
    }
    /* Its own size: 100 per server, prime, and never too few for all to have one. */
    struct arena arena;
    arena_init(&arena);
    struct pool *pool = help_pool("round_robin", 10000, NULL);
    assert_int_equal(table_of(pool, 0, &arena)->size, 1000003);
    assert_true(table_of(pool, 3, &arena)->size > 20000);
    arena_fini(&arena);
    pool_free(pool);
}

/* Standard deviation of the servers' shares of the ring, of the mean share. */
static double ring_deviation(uint64_t points)
{
    enum { COUNT = 1000 };
    struct arena arena;
    arena_init(&arena);
    struct pool       *pool         = help_pool("round_robin", COUNT, NULL);
    const struct ring *ring         = ring_build(pool_view(pool), points, &arena);
    double             share[COUNT] = {0};
    double             square       = 0;
    assert_int_equal(ring->count, COUNT * points);
    for (uint32_t i = 0; i < ring->count; i++) {
        /* A point owns what lies between the one before and itself. */
        uint32_t before = ring->points[i == 0 ? ring->count - 1 : i - 1].place;
        share[ring->points[i].index] += (double)(ring->points[i].place - before) / 0x1p32 * COUNT;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        square += (share[i] - 1) * (share[i] - 1);
    arena_fini(&arena);
    pool_free(pool);
    return sqrt(square / COUNT);
}

/* Lamping and Veach 2014, figure 2. */
static void ring_evenness_is_as_published(void **state)
{
    (void)state;
    expect_near(ring_deviation(1), 0.9979, 0.1);
    expect_near(ring_deviation(10), 0.3152, 0.1);
    expect_near(ring_deviation(100), 0.0997, 0.1);
    expect_near(ring_deviation(160), 0.079, 0.1);
    expect_near(ring_deviation(1000), 0.0316, 0.1);
}

/* Every key is where a search through all points would put it. */
static void the_ring_finds_the_next_point(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct pool       *pool = help_pool("round_robin", 17, NULL);
    const struct ring *ring = ring_build(pool_view(pool), 20, &arena);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t key   = i == 0 ? UINT64_MAX : rng_mix(i);
        uint32_t naive = 0;
        while (naive < ring->count && ring->points[naive].place < key >> 32)
            naive++;
        assert_int_equal(ring_find(ring, key), naive % ring->count);
    }
    arena_fini(&arena);
    pool_free(pool);
}

/* The definition: along the ring until one has fewer than its cap. */
static uint32_t naive_bounded(const struct ring *ring, uint64_t key, const uint32_t *loads,
                              uint64_t cap, bool *ret_forwarded)
{
    uint32_t position = ring_find(ring, key);
    *ret_forwarded    = loads[ring->points[position].index] >= cap;
    while (loads[ring->points[position].index] >= cap)
        position = (position + 1) % ring->count;
    return ring->points[position].index;
}

static void bounded_hash_follows_the_definition(void **state)
{
    (void)state;
    enum { COUNT = 20, KEYS = 100 * COUNT };
    for (uint64_t factor = 101; factor <= 150; factor += 7) {
        struct arena          arena;
        struct pool          *pool              = help_pool("round_robin", COUNT, NULL);
        struct balance_config config            = balance_config_of("bounded_hash");
        config.steps[0].tunables.balance_factor = factor;
        uint32_t            loads[COUNT]        = {0};
        static struct lease leases[KEYS];
        arena_init(&arena);
        balance_configure(pool, &config);
        pool_publish(pool, 1);
        const struct ring *ring = ring_build(pool_view(pool), 160, &arena);
        for (uint64_t key = 0; key < KEYS; key++) {
            struct pick_query query = {.now_ns = 1000};
            bool              forwarded;
            uint64_t          cap      = (factor * (key + 1) + 100 * COUNT - 1) / (100 * COUNT);
            uint32_t          expected = naive_bounded(ring, rng_mix(key), loads, cap, &forwarded);
            pick_query_set_key(&query, rng_mix(key));
            leases[key] = balance_pick(pool_view(pool), &query).lease;
            assert_int_equal(help_number(leases[key].server), expected);
            loads[expected]++;
        }
        for (uint64_t key = 0; key < KEYS; key++)
            balance_finish(&leases[key], OUTCOME_OK, 2000);
        arena_fini(&arena);
        pool_free(pool);
    }
}

/* Filling up 100 keys per server under a fixed cap: this project's simulation of the method. */
static void few_keys_are_forwarded(void **state)
{
    (void)state;
    enum { COUNT = 200, KEYS = 100 * COUNT };
    const struct {
        uint64_t cap;
        double   forwarded; /* percent */
    } cases[] = {{105, 3.64}, {111, 1.62}, {125, 0.18}};
    struct arena arena;
    struct pool *pool = help_pool("round_robin", COUNT, NULL);
    arena_init(&arena);
    const struct ring *ring = ring_build(pool_view(pool), 160, &arena);
    for (size_t c = 0; c < LL_COUNT(cases); c++) {
        uint32_t forwarded_count = 0;
        for (uint64_t seed = 0; seed < 5; seed++) {
            uint32_t loads[COUNT] = {0};
            for (uint64_t key = 0; key < KEYS; key++) {
                bool forwarded;
                loads[naive_bounded(ring, rng_mix(seed << 32 | key), loads, cases[c].cap,
                                    &forwarded)]++;
                forwarded_count += forwarded;
            }
        }
        expect_near(100.0 * forwarded_count / (5 * KEYS), cases[c].forwarded, 0.35);
    }
    arena_fini(&arena);
    pool_free(pool);
}

/* Caps in integers: 110 % of 100,000 over 1,000 is 110. */
static void caps_are_exact(void **state)
{
    (void)state;
    const uint32_t    weights[] = {1, 3};
    struct pool      *pool      = help_pool("bounded_hash", 2, weights);
    struct pick_query query     = {.now_ns = 1000};
    struct lease      leases[40];
    pick_query_set_key(&query, 12345);
    for (uint32_t i = 0; i < 40; i++) {
        leases[i] = balance_pick(pool_view(pool), &query).lease;
        for (uint32_t s = 0; s < 2; s++)
            assert_true(server_inflight(pool_at(pool, s)) <=
                        (125 * (i + 1) * weights[s] + 399) / 400);
    }
    for (uint32_t i = 0; i < 40; i++)
        balance_finish(&leases[i], OUTCOME_OK, 2000);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_same_server_everywhere),
        cmocka_unit_test(few_keys_move),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(maglev_disruption_is_as_published),
        cmocka_unit_test(maglev_is_even),
        cmocka_unit_test(ring_evenness_is_as_published),
        cmocka_unit_test(the_ring_finds_the_next_point),
        cmocka_unit_test(bounded_hash_follows_the_definition),
        cmocka_unit_test(few_keys_are_forwarded),
        cmocka_unit_test(caps_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
