/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pool.h"
#include "pool_help.h"

#include <string.h>

static void prepare_nothing(struct pool_policy *policy, struct pool_view *view,
                            const struct pool_view *old)
{
    (void)policy;
    (void)view;
    (void)old;
}

static void published_nothing(struct pool_policy *policy, const struct pool_view *view)
{
    (void)policy;
    (void)view;
}

static struct pool *pool_plain(struct qsbr *qsbr, struct event_bus *bus)
{
    struct pool *pool = pool_new("plain", 7, qsbr, bus);
    struct arena arena;
    arena_init(&arena);
    struct pool_policy *policy = arena_alloc(&arena, 1, sizeof *policy);
    *policy                    = (struct pool_policy){arena, 1, prepare_nothing, published_nothing};
    pool_set_policy(pool, policy);
    return pool;
}

static void expect_view(struct pool *pool, const char *expected)
{
    char                    text[256] = "";
    const struct pool_view *view      = pool_view(pool);
    for (uint32_t i = 0; i < view->count; i++) {
        strcat(text, view->servers[i]->id);
        strcat(text, " ");
        assert_int_equal(pool_view_index(view, view->servers[i]), i);
    }
    assert_string_equal(text, expected);
}

static void finds_servers_by_id(void **state)
{
    (void)state;
    struct pool *pool = pool_plain(NULL, NULL);
    for (uint32_t i = 0; i < 1000; i++)
        help_add(pool, i, i + 1);
    for (uint32_t i = 0; i < 1000; i += 2)
        help_remove(pool, i);
    assert_int_equal(pool_count(pool), 500);
    for (uint32_t i = 0; i < 1000; i++) {
        char           text[16];
        struct server *server = pool_get(pool, help_id(i, text));
        assert_int_equal(server != NULL, i % 2 == 1);
        if (server != NULL)
            assert_int_equal(server->settings.weight, i + 1);
    }
    assert_string_equal(pool_at(pool, 1)->id, "s3");
    pool_free(pool);
}

static void expect_refused(struct pool *pool, struct server_spec spec, enum invalid_kind kind,
                           const char *field)
{
    struct invalid_server invalid;
    uint32_t              count = pool_count(pool);
    assert_null(pool_add(pool, &spec, &invalid));
    assert_int_equal(invalid.kind, kind);
    assert_string_equal(invalid.field, field);
    assert_true(strlen(invalid.why) > 0 && strlen(invalid.remedy) > 0);
    assert_int_equal(pool_count(pool), count);
}

static void refuses_invalid_servers_with_a_reason(void **state)
{
    (void)state;
    struct pool       *pool = pool_plain(NULL, NULL);
    struct server_spec good = help_spec(SLICE("a"), 1);
    char               long_id[300];
    memset(long_id, 'x', sizeof long_id);
    help_add(pool, 1, 1);

    struct server_spec spec = good;
    spec.id                 = SLICE("s1");
    expect_refused(pool, spec, INVALID_DUPLICATE, "id");
    spec.id = SLICE("");
    expect_refused(pool, spec, INVALID_VALUE, "id");
    spec.id = SLICE("a b");
    expect_refused(pool, spec, INVALID_VALUE, "id");
    spec.id = (struct slice){long_id, sizeof long_id};
    expect_refused(pool, spec, INVALID_VALUE, "id");
    spec                 = good;
    spec.settings.weight = SERVER_WEIGHT_MAX + 1;
    expect_refused(pool, spec, INVALID_VALUE, "weight");
    spec               = good;
    spec.settings.tier = SERVER_TIERS_MAX;
    expect_refused(pool, spec, INVALID_VALUE, "tier");
    spec                       = good;
    spec.address.endpoint.port = 0;
    expect_refused(pool, spec, INVALID_VALUE, "address");
    spec         = good;
    spec.address = (struct address){0};
    expect_refused(pool, spec, INVALID_VALUE, "address");
    spec.address.family = ADDRESS_UNIX;
    expect_refused(pool, spec, INVALID_VALUE, "address");

    struct invalid_server invalid;
    assert_false(pool_remove(pool, SLICE("nobody"), &invalid));
    assert_int_equal(invalid.kind, INVALID_UNKNOWN);
    assert_false(pool_update(pool, SLICE("nobody"), &good.settings, &invalid));
    struct server_settings heavy = {.weight = SERVER_WEIGHT_MAX + 1};
    assert_false(pool_update(pool, SLICE("s1"), &heavy, &invalid));
    assert_string_equal(invalid.field, "weight");
    assert_int_equal(pool_get(pool, SLICE("s1"))->settings.weight, 1);
    pool_free(pool);
}

static void the_view_holds_who_may_be_picked(void **state)
{
    (void)state;
    struct pool *pool = pool_plain(NULL, NULL);
    for (uint32_t i = 0; i < 6; i++)
        help_add(pool, i, 1);
    pool_publish(pool, 1);
    expect_view(pool, "s0 s1 s2 s3 s4 s5 ");

    pool_set_health(pool, pool_get(pool, SLICE("s2")), false);
    help_settings(pool, 4, (struct server_settings){.weight = 0});
    help_settings(pool, 5, (struct server_settings){.weight = 1, .admin = SERVER_ADMIN_DRAIN});
    expect_view(pool, "s0 s1 s2 s3 s4 s5 "); /* until published */
    pool_publish(pool, 2);
    expect_view(pool, "s0 s1 s3 ");
    /* Clients that stick may return to those that drain, and to no one that is down. */
    assert_int_equal(pool_view(pool)->returning_count, 5);

    help_remove(pool, 1);
    pool_set_health(pool, pool_get(pool, SLICE("s2")), true);
    help_settings(pool, 5, (struct server_settings){.weight = 3});
    help_add(pool, 6, 1);
    pool_publish(pool, 3);
    expect_view(pool, "s0 s2 s3 s5 s6 ");
    assert_int_equal(pool_view(pool)->weights[3], 3);
    assert_int_equal(pool_view(pool)->weight_sum, 7);
    assert_false(pool_view(pool)->equal_weights);
    pool_free(pool);
}

static void backups_serve_when_no_primary_can(void **state)
{
    (void)state;
    struct pool *pool = pool_plain(NULL, NULL);
    for (uint32_t i = 0; i < 4; i++)
        help_add(pool, i, 1);
    help_settings(pool, 3, (struct server_settings){.weight = 1, .tier = 1});
    pool_publish(pool, 1);
    expect_view(pool, "s0 s1 s2 ");
    for (uint32_t i = 0; i < 3; i++)
        pool_set_health(pool, pool_at(pool, i), false);
    pool_publish(pool, 2);
    expect_view(pool, "s3 ");
    assert_false(pool_view(pool)->panic);
    pool_set_health(pool, pool_at(pool, 1), true);
    pool_publish(pool, 3);
    expect_view(pool, "s1 ");
    pool_free(pool);
}

static void servers_of_the_own_zone_come_first(void **state)
{
    (void)state;
    struct pool         *pool     = pool_plain(NULL, NULL);
    struct pool_settings settings = pool_settings_default();
    for (uint32_t i = 0; i < 4; i++) {
        help_add(pool, i, 1);
        help_settings(pool, i, (struct server_settings){.weight = 1, .zone = (uint8_t)(1 + i % 2)});
    }
    settings.zone = 2;
    pool_configure(pool, &settings);
    pool_publish(pool, 1);
    expect_view(pool, "s1 s3 ");
    pool_set_health(pool, pool_at(pool, 1), false);
    pool_set_health(pool, pool_at(pool, 3), false);
    pool_publish(pool, 2);
    expect_view(pool, "s0 s2 ");
    pool_free(pool);
}

static void panic_uses_all_when_few_are_healthy(void **state)
{
    (void)state;
    struct pool *pool = pool_plain(NULL, NULL);
    for (uint32_t i = 0; i < 4; i++)
        help_add(pool, i, 1);
    pool_set_health(pool, pool_at(pool, 0), false);
    pool_set_health(pool, pool_at(pool, 1), false);
    pool_publish(pool, 1);
    expect_view(pool, "s2 s3 ");
    pool_set_health(pool, pool_at(pool, 2), false);
    pool_publish(pool, 1);
    assert_true(pool_view(pool)->panic);
    expect_view(pool, "s0 s1 s2 s3 ");
    struct pool_settings settings = pool_settings_default();
    settings.panic_percent        = 0;
    pool_configure(pool, &settings);
    pool_publish(pool, 1);
    expect_view(pool, "s3 ");
    pool_set_health(pool, pool_at(pool, 3), false);
    pool_publish(pool, 1);
    expect_view(pool, "");
    pool_free(pool);
}

/* One server more or less changes at most one other. */
static void a_subset_is_stable(void **state)
{
    (void)state;
    struct pool         *pool     = pool_plain(NULL, NULL);
    struct pool_settings settings = pool_settings_default();
    settings.subset               = 8;
    settings.subset_seed          = 42;
    pool_configure(pool, &settings);
    for (uint32_t i = 0; i < 40; i++)
        help_add(pool, i, 1);
    pool_publish(pool, 1);
    for (uint32_t gone = 0; gone < 30; gone++) {
        uint64_t before = 0, after = 0;
        for (uint32_t i = 0; i < 8; i++)
            before |= UINT64_C(1) << help_number(pool_view(pool)->servers[i]);
        help_remove(pool, gone);
        pool_publish(pool, 1);
        assert_int_equal(pool_view(pool)->count, 8);
        for (uint32_t i = 0; i < 8; i++)
            after |= UINT64_C(1) << help_number(pool_view(pool)->servers[i]);
        bool was_in = (before >> gone & 1) != 0;
        assert_int_equal(__builtin_popcountll(after & ~before), was_in);
    }
    pool_free(pool);
}

static void newcomers_start_slowly(void **state)
{
    (void)state;
    struct pool         *pool     = pool_plain(NULL, NULL);
    struct pool_settings settings = pool_settings_default();
    settings.slow_start_ns        = 1000;
    pool_configure(pool, &settings);
    struct server *first = help_add(pool, 0, 1);
    pool_publish(pool, 5000);
    assert_int_equal(pool_view_ramp(pool_view(pool), first, 5000), POOL_RAMP_FULL);
    struct server *second = help_add(pool, 1, 1);
    pool_publish(pool, 6000);
    const struct pool_view *view = pool_view(pool);
    assert_int_equal(pool_view_ramp(view, first, 6000), POOL_RAMP_FULL);
    assert_int_equal(pool_view_ramp(view, second, 6000), POOL_RAMP_FULL / 10);
    assert_int_equal(pool_view_ramp(view, second, 6500), POOL_RAMP_FULL / 2);
    assert_int_equal(pool_view_ramp(view, second, 7000), POOL_RAMP_FULL);
    /* A change of somebody else in between does not begin it again; an outage does. */
    help_add(pool, 2, 1);
    pool_publish(pool, 6500);
    assert_int_equal(pool_view_ramp(pool_view(pool), second, 6500), POOL_RAMP_FULL / 2);
    pool_set_health(pool, second, false);
    pool_publish(pool, 9000);
    pool_set_health(pool, second, true);
    pool_publish(pool, 10000);
    assert_int_equal(pool_view_ramp(pool_view(pool), second, 10500), POOL_RAMP_FULL / 2);
    pool_free(pool);
}

/* A removed server stays while a lease counts on it, and its slot with it. */
static void removed_servers_outlive_their_leases(void **state)
{
    (void)state;
    struct qsbr qsbr;
    qsbr_init(&qsbr, 1);
    struct pool   *pool   = pool_plain(&qsbr, NULL);
    struct server *server = help_add(pool, 0, 1);
    help_add(pool, 1, 1);
    pool_publish(pool, 1);

    qsbr_online(&qsbr, 0);
    atomic_fetch_add(&server->load.inflight, 1);
    help_remove(pool, 0);
    pool_publish(pool, 2);
    for (int i = 0; i < 5; i++) {
        qsbr_pass(&qsbr, 0);
        assert_int_equal(pool_reclaim(pool), 1);
    }
    assert_string_equal(server->id, "s0");
    assert_int_not_equal(help_add(pool, 2, 1)->slot, server->slot);
    uint16_t slot = server->slot;
    atomic_fetch_sub(&server->load.inflight, 1);
    pool_publish(pool, 3);
    for (int i = 0; i < 3; i++) {
        qsbr_pass(&qsbr, 0);
        (void)pool_reclaim(pool);
    }
    assert_int_equal(pool_reclaim(pool), 0);
    assert_int_equal(help_add(pool, 3, 1)->slot, slot);
    qsbr_offline(&qsbr, 0);
    pool_free(pool);
    qsbr_fini(&qsbr);
}

static void tells_what_changes(void **state)
{
    (void)state;
    struct event_bus bus;
    struct event     event;
    event_bus_init(&bus);
    struct event_subscriber *all  = event_subscribe(&bus, EVENT_MASK_ALL, 16);
    struct event_subscriber *tiny = event_subscribe(&bus, EVENT_MASK(EVENT_SERVER_ADDED), 2);
    struct pool             *pool = pool_plain(NULL, &bus);
    for (uint32_t i = 0; i < 3; i++)
        help_add(pool, i, 5);
    help_settings(pool, 1, (struct server_settings){.weight = 6});
    pool_set_health(pool, pool_at(pool, 2), false);
    pool_set_health(pool, pool_at(pool, 2), false); /* no news */
    pool_publish(pool, 1);
    help_remove(pool, 0);

    const enum event_type expected[] = {
        EVENT_SERVER_ADDED,  EVENT_SERVER_ADDED, EVENT_SERVER_ADDED,  EVENT_SERVER_WEIGHT,
        EVENT_SERVER_STATUS, EVENT_PUBLISHED,    EVENT_SERVER_REMOVED};
    for (size_t i = 0; i < LL_COUNT(expected); i++) {
        assert_true(event_take(all, &event));
        assert_int_equal(event.type, expected[i]);
        assert_int_equal(event.pool, 7);
    }
    assert_false(event_take(all, &event));
    assert_int_equal(event_dropped(all), 0);
    assert_true(event_take(tiny, &event) && event_take(tiny, &event));
    assert_false(event_take(tiny, &event));
    assert_int_equal(event_dropped(tiny), 1);
    pool_free(pool);
    event_bus_fini(&bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_servers_by_id),
        cmocka_unit_test(refuses_invalid_servers_with_a_reason),
        cmocka_unit_test(the_view_holds_who_may_be_picked),
        cmocka_unit_test(backups_serve_when_no_primary_can),
        cmocka_unit_test(servers_of_the_own_zone_come_first),
        cmocka_unit_test(panic_uses_all_when_few_are_healthy),
        cmocka_unit_test(a_subset_is_stable),
        cmocka_unit_test(newcomers_start_slowly),
        cmocka_unit_test(removed_servers_outlive_their_leases),
        cmocka_unit_test(tells_what_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
