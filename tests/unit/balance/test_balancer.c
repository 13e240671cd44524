/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/balancer.h"
#include "pool_help.h"

#include <string.h>

static struct pick pick_with(struct pool *pool, const struct tried *tried, uint64_t random)
{
    struct pick_query query = {.random = random, .now_ns = 100, .tried = tried};
    return balance_pick(pool_view(pool), &query);
}

static void nothing_to_pick(void **state)
{
    (void)state;
    struct pool *pool = help_pool("round_robin", 0, NULL);
    assert_int_equal(pick_with(pool, NULL, 1).status, PICK_NONE);
    pool_free(pool);
}

static void counts_leases(void **state)
{
    (void)state;
    struct pool   *pool   = help_pool("round_robin", 1, NULL);
    struct server *server = pool_at(pool, 0);
    struct pick    a      = pick_with(pool, NULL, 1);
    struct pick    b      = pick_with(pool, NULL, 2);
    assert_ptr_equal(a.lease.server, server);
    assert_int_equal(server_inflight(server), 2);
    balance_first_byte(&a.lease, 150);
    balance_finish(&a.lease, OUTCOME_OK, 300);
    assert_null(a.lease.server);
    assert_int_equal(server_inflight(server), 1);
    balance_finish(&b.lease, OUTCOME_RESET, 300);
    assert_int_equal(server_inflight(server), 0);
    assert_int_equal(server->stats->finished[OUTCOME_OK], 1);
    assert_int_equal(server->stats->finished[OUTCOME_RESET], 1);
    assert_int_equal(server->stats->latency_sum_ns, 200);
    pool_free(pool);
}

static void never_more_than_max_connections(void **state)
{
    (void)state;
    struct pool *pool = help_pool("round_robin", 2, NULL);
    for (uint32_t i = 0; i < 2; i++)
        help_settings(pool, i, (struct server_settings){.weight = 1, .max_connections = 2});
    pool_publish(pool, 1);
    struct pick picks[4];
    for (uint32_t i = 0; i < 4; i++) {
        picks[i] = pick_with(pool, NULL, i);
        assert_int_equal(picks[i].status, PICK_OK);
    }
    assert_int_equal(server_inflight(pool_at(pool, 0)), 2);
    assert_int_equal(pick_with(pool, NULL, 9).status, PICK_QUEUE);
    balance_finish(&picks[1].lease, OUTCOME_OK, 200);
    struct pick next = pick_with(pool, NULL, 9);
    assert_int_equal(next.status, PICK_OK);
    assert_int_equal(help_number(next.lease.server), 1);
    /* A tried server that is full is no reason to wait. */
    struct tried tried = {0};
    tried_add(&tried, pool_at(pool, 0));
    tried_add(&tried, pool_at(pool, 1));
    assert_int_equal(pick_with(pool, &tried, 9).status, PICK_NONE);
    balance_finish(&next.lease, OUTCOME_OK, 200);
    for (uint32_t i = 0; i < 4; i++) {
        if (picks[i].lease.server != NULL)
            balance_finish(&picks[i].lease, OUTCOME_OK, 200);
    }
    pool_free(pool);
}

static void tried_servers_are_remembered(void **state)
{
    (void)state;
    struct tried tried = {0};
    for (uint32_t slot = 0; slot < 64; slot++) {
        struct server server = {.slot = (uint16_t)slot};
        assert_false(tried_has(&tried, server.slot));
        tried_add(&tried, &server);
        assert_true(tried_has(&tried, server.slot));
    }
    for (uint32_t i = 0; i < TRIED_LISTED_MAX; i++) {
        struct server server = {.slot = (uint16_t)(1000 + 64 * i)};
        assert_false(tried_full(&tried));
        assert_false(tried_has(&tried, server.slot));
        tried_add(&tried, &server);
        assert_true(tried_has(&tried, server.slot));
    }
    assert_true(tried_full(&tried));
    assert_int_equal(tried_count(&tried), 64 + TRIED_LISTED_MAX);
}

/* Backups serve a request that has failed on all others, nearest tier first, each at most once. */
static void backups_take_what_all_others_have_failed(void **state)
{
    (void)state;
    struct pool        *pool    = help_pool("round_robin", 5, NULL);
    static const int8_t tiers[] = {1, 0, 2, 0, 1};
    for (uint32_t i = 0; i < 5; i++)
        help_settings(pool, i, (struct server_settings){.weight = 1, .tier = (uint8_t)tiers[i]});
    pool_publish(pool, 1);
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct tried tried       = {0};
        int          lowest_tier = 0;
        for (uint32_t attempt = 0; attempt < 5; attempt++) {
            struct pick pick = pick_with(pool, &tried, rng_mix(seed * 8 + attempt));
            assert_int_equal(pick.status, PICK_OK);
            assert_int_equal(pick.reason,
                             attempt < 2 ? PICK_REASON_ALGORITHM : PICK_REASON_RESERVE);
            struct server *server = pick.lease.server;
            int            tier   = tiers[help_number(server)];
            assert_false(tried_has(&tried, server->slot));
            assert_true(tier >= lowest_tier);
            lowest_tier = tier;
            balance_finish(&pick.lease, OUTCOME_CONNECT_REFUSED, 200);
            tried_add(&tried, server);
        }
        assert_int_equal(pick_with(pool, &tried, seed).status, PICK_NONE);
    }
    /* Where a server of the first tier is only full, a request waits for it. */
    help_settings(pool, 1, (struct server_settings){.weight = 1, .max_connections = 1});
    help_settings(pool, 3, (struct server_settings){.weight = 1, .max_connections = 1});
    pool_publish(pool, 2);
    struct pick first  = pick_with(pool, NULL, 1);
    struct pick second = pick_with(pool, NULL, 2);
    assert_int_equal(pick_with(pool, NULL, 3).status, PICK_QUEUE);
    balance_finish(&first.lease, OUTCOME_OK, 300);
    balance_finish(&second.lease, OUTCOME_OK, 300);
    pool_free(pool);
}

static void the_algorithm_changes_under_way(void **state)
{
    (void)state;
    struct pool          *pool   = help_pool("round_robin", 3, NULL);
    struct pick           pick   = pick_with(pool, NULL, 1);
    struct balance_config config = balance_config_of("round_robin");
    balance_configure(pool, &config);
    pool_publish(pool, 2);
    assert_int_equal(server_inflight(pick.lease.server), 1);
    balance_finish(&pick.lease, OUTCOME_OK, 200);
    assert_int_equal(server_inflight(pool_at(pool, 0)), 0);
    pool_free(pool);
}

static void configurations_are_checked(void **state)
{
    (void)state;
    uint32_t                   step;
    const struct balance_knob *knob;
    struct balance_config      config = balance_config_of("round_robin");
    assert_int_equal(balance_config_check(&config, &step, &knob), BALANCE_CONFIG_OK);
    config.count = 0;
    assert_int_equal(balance_config_check(&config, &step, &knob), BALANCE_CONFIG_COUNT);
    config.count              = 2;
    config.steps[1].algorithm = "round_robbin";
    assert_int_equal(balance_config_check(&config, &step, &knob), BALANCE_CONFIG_UNKNOWN);
    assert_int_equal(step, 1);
    config.steps[1]                  = config.steps[0];
    config.steps[1].tunables.choices = 17;
    assert_int_equal(balance_config_check(&config, &step, &knob), BALANCE_CONFIG_RANGE);
    assert_string_equal(knob->name, "choices");

    size_t             count;
    const char *const *names = balance_names(&count);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(names[i - 1], names[i]) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_pick),
        cmocka_unit_test(counts_leases),
        cmocka_unit_test(never_more_than_max_connections),
        cmocka_unit_test(tried_servers_are_remembered),
        cmocka_unit_test(backups_take_what_all_others_have_failed),
        cmocka_unit_test(the_algorithm_changes_under_way),
        cmocka_unit_test(configurations_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
