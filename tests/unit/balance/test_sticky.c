/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_help.h"

static struct pool *chain_pool(const char *sticky, const char *then, uint32_t count)
{
    struct pool          *pool   = help_pool("round_robin", count, NULL);
    struct balance_config config = balance_config_of(sticky);
    config.steps[1]              = balance_config_of(then).steps[0];
    config.count                 = 2;
    balance_configure(pool, &config);
    pool_publish(pool, 1);
    return pool;
}

static struct pick pick_for(struct pool *pool, bool known, uint64_t key, const struct tried *tried,
                            uint64_t now_ns)
{
    struct pick_query query = {
        .random   = rng_mix(now_ns),
        .now_ns   = now_ns,
        .tried    = tried,
        .key_mask = known,
        .keys     = {key},
    };
    struct pick pick = balance_pick(pool_view(pool), &query);
    assert_int_equal(pick.status, PICK_OK);
    return pick;
}

static uint32_t serve(struct pick pick, enum pick_reason reason)
{
    assert_int_equal(pick.reason, reason);
    assert_int_equal(pick.step, reason == PICK_REASON_STICKY ? 0 : 1);
    uint32_t number = help_number(pick.lease.server);
    balance_finish(&pick.lease, OUTCOME_OK, pick.lease.start_ns + 1);
    return number;
}

static void cookies_name_the_server(void **state)
{
    (void)state;
    struct pool *pool = chain_pool("sticky_cookie", "round_robin", 20);
    assert_int_equal(balance_step_key(pool_view(pool), 0), BALANCE_KEY_SERVER);
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t hash = pool_at(pool, i)->hash;
        assert_int_equal(serve(pick_for(pool, true, hash, NULL, 10), PICK_REASON_STICKY), i);
    }
    /* No cookie, and one that means nothing. */
    assert_int_equal(serve(pick_for(pool, false, 0, NULL, 10), PICK_REASON_ALGORITHM), 0);
    assert_int_equal(serve(pick_for(pool, true, 12345, NULL, 10), PICK_REASON_ALGORITHM), 1);
    pool_free(pool);
}

static void draining_servers_keep_their_clients(void **state)
{
    (void)state;
    struct pool *pool = chain_pool("sticky_cookie", "round_robin", 3);
    uint64_t     hash = pool_at(pool, 1)->hash;
    help_settings(pool, 1, (struct server_settings){.weight = 0});
    pool_publish(pool, 2);
    assert_int_equal(serve(pick_for(pool, true, hash, NULL, 10), PICK_REASON_STICKY), 1);
    assert_int_equal(serve(pick_for(pool, false, 0, NULL, 10), PICK_REASON_ALGORITHM), 0);
    assert_int_equal(serve(pick_for(pool, false, 0, NULL, 10), PICK_REASON_ALGORITHM), 2);
    /* But not once they are down, tried, or full. */
    struct tried tried = {0};
    tried_add(&tried, pool_at(pool, 1));
    assert_int_not_equal(serve(pick_for(pool, true, hash, &tried, 10), PICK_REASON_ALGORITHM), 1);
    help_settings(pool, 1, (struct server_settings){.weight = 0, .max_connections = 1});
    struct pick held = pick_for(pool, true, hash, NULL, 10);
    assert_int_equal(held.reason, PICK_REASON_STICKY);
    assert_int_not_equal(serve(pick_for(pool, true, hash, NULL, 10), PICK_REASON_ALGORITHM), 1);
    serve(held, PICK_REASON_STICKY);
    pool_set_health(pool, pool_at(pool, 1), false);
    pool_publish(pool, 3);
    assert_int_not_equal(serve(pick_for(pool, true, hash, NULL, 10), PICK_REASON_ALGORITHM), 1);
    pool_free(pool);
}

static void addresses_are_remembered(void **state)
{
    (void)state;
    enum { CLIENTS = 1000 };
    struct pool *pool = chain_pool("sticky_ip", "round_robin", 7);
    uint32_t     had[CLIENTS];
    for (uint64_t i = 0; i < CLIENTS; i++)
        had[i] = serve(pick_for(pool, true, rng_mix(i), NULL, 10), PICK_REASON_ALGORITHM);
    for (uint64_t i = 0; i < CLIENTS; i++)
        assert_int_equal(serve(pick_for(pool, true, rng_mix(i), NULL, 11), PICK_REASON_STICKY),
                         had[i]);
    /* A client whose server is gone gets another and stays there. */
    pool_set_health(pool, pool_at(pool, 3), false);
    pool_publish(pool, 2);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        uint32_t now = serve(pick_for(pool, true, rng_mix(i), NULL, 12),
                             had[i] == 3 ? PICK_REASON_ALGORITHM : PICK_REASON_STICKY);
        assert_true(now == had[i] || had[i] == 3);
        assert_int_equal(serve(pick_for(pool, true, rng_mix(i), NULL, 13), PICK_REASON_STICKY),
                         now);
    }
    /* Half an hour later nobody is known any more. */
    const uint64_t later = UINT64_C(1900000000000);
    serve(pick_for(pool, true, rng_mix(1), NULL, later), PICK_REASON_ALGORITHM);
    pool_free(pool);
}

static void the_table_is_bounded(void **state)
{
    (void)state;
    struct pool          *pool           = help_pool("round_robin", 7, NULL);
    struct balance_config config         = balance_config_of("sticky_ip");
    config.steps[0].tunables.sticky_size = 64;
    balance_configure(pool, &config);
    pool_publish(pool, 1);
    uint32_t known = 0;
    uint64_t now   = 10;
    for (uint64_t i = 0; i < 10000; i++) {
        struct pick pick = pick_for(pool, true, rng_mix(i), NULL, now += UINT64_C(2000000000));
        balance_finish(&pick.lease, OUTCOME_OK, now);
    }
    for (uint64_t i = 0; i < 10000; i++) {
        struct pick pick = pick_for(pool, true, rng_mix(i), NULL, now);
        known += pick.reason == PICK_REASON_STICKY;
        balance_finish(&pick.lease, OUTCOME_OK, now);
    }
    assert_true(known <= 64);
    /* The latest are there. */
    struct pick pick = pick_for(pool, true, rng_mix(9999), NULL, now);
    assert_int_equal(pick.reason, PICK_REASON_STICKY);
    balance_finish(&pick.lease, OUTCOME_OK, now);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_name_the_server),
        cmocka_unit_test(draining_servers_keep_their_clients),
        cmocka_unit_test(addresses_are_remembered),
        cmocka_unit_test(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
