/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_help.h"

static void takes_turns(void **state)
{
    (void)state;
    struct pool *pool = help_pool("round_robin", 5, NULL);
    for (uint32_t turn = 0; turn < 23; turn++)
        assert_int_equal(help_pick(pool, turn), turn % 5);
    pool_free(pool);
}

/* A change of the servers does not restart the rotation. */
static void goes_on_with_the_successor(void **state)
{
    (void)state;
    struct pool *pool = help_pool("round_robin", 5, NULL);
    help_pick(pool, 0);
    help_pick(pool, 0);
    assert_int_equal(help_pick(pool, 0), 2);
    pool_set_health(pool, pool_at(pool, 3), false);
    pool_publish(pool, 2);
    assert_int_equal(help_pick(pool, 0), 4);
    pool_set_health(pool, pool_at(pool, 3), true);
    pool_publish(pool, 3);
    for (uint32_t turn = 0; turn < 10; turn++)
        assert_int_equal(help_pick(pool, 0), turn % 5);
    help_remove(pool, 4); /* the last picked */
    help_add(pool, 7, 1);
    pool_publish(pool, 4);
    assert_int_equal(help_pick(pool, 0), 7);
    assert_int_equal(help_pick(pool, 0), 0);
    /* All gone and back again. */
    struct pool_settings settings = pool_settings_default();
    settings.panic_percent        = 0;
    pool_configure(pool, &settings);
    for (uint32_t i = 0; i < pool_count(pool); i++)
        pool_set_health(pool, pool_at(pool, i), false);
    pool_publish(pool, 5);
    for (uint32_t i = 0; i < pool_count(pool); i++)
        pool_set_health(pool, pool_at(pool, i), true);
    pool_publish(pool, 6);
    assert_int_equal(help_pick(pool, 0), 1);
    pool_free(pool);
}

static void skips_what_it_cannot_use(void **state)
{
    (void)state;
    struct pool *pool  = help_pool("round_robin", 3, NULL);
    struct tried tried = {0};
    tried_add(&tried, pool_at(pool, 1));
    uint32_t counts[3] = {0};
    for (uint32_t i = 0; i < 300; i++) {
        struct pick_query query = {.random = i, .now_ns = 1, .tried = &tried};
        struct pick       pick  = balance_pick(pool_view(pool), &query);
        counts[help_number(pick.lease.server)]++;
        balance_finish(&pick.lease, OUTCOME_OK, 2);
    }
    assert_int_equal(counts[0], 150);
    assert_int_equal(counts[2], 150);
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_turns),
        cmocka_unit_test(goes_on_with_the_successor),
        cmocka_unit_test(skips_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
