/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds for every algorithm of the registry, under random changes: whatever happens to a pool,
 * a pick offers an eligible, untried server with room, leases add up, and the same inputs give the
 * same picks, watched or not, under every compiler.
 */
#include "pool_help.h"

#include <string.h>

enum { SEEDS = 30, STEPS = 3000, SERVERS_MAX = 90, LEASES_MAX = 200 };

static const char *only_algorithm(size_t index)
{
    size_t             count;
    const char *const *names = balance_names(&count);
    return index < count ? names[index] : NULL;
}

struct world {
    struct rng       rng;
    struct pool     *pool;
    struct qsbr      qsbr;
    struct lease     leases[LEASES_MAX];
    uint32_t         lease_count;
    uint32_t         next_server;
    uint64_t         now_ns;
    uint64_t         digest;
    const char      *algorithm;
    uint64_t         seed;
    struct event_bus bus;
    bool             published; /* all changes are in the view */
};

#define EXPECT(world, condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("%s, seed %llu: %s\n", (world)->algorithm,                                 \
                        (unsigned long long)(world)->seed, #condition);                            \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static struct server_settings world_settings(struct world *world)
{
    return (struct server_settings){
        .weight = (uint32_t)rng_below(&world->rng, 8),
        .max_connections =
            rng_below(&world->rng, 3) == 0 ? 1 + (uint32_t)rng_below(&world->rng, 5) : 0,
        .tier  = rng_below(&world->rng, 10) == 0,
        .admin = rng_below(&world->rng, 10) == 0 ? SERVER_ADMIN_DRAIN : SERVER_ADMIN_UP,
    };
}

static void world_change(struct world *world)
{
    uint32_t count = pool_count(world->pool);
    uint64_t which = rng_below(&world->rng, 10);
    if (count < 3 || (which < 3 && count < SERVERS_MAX)) {
        help_add(world->pool, world->next_server, 1);
        help_settings(world->pool, world->next_server++, world_settings(world));
    } else {
        struct server *server = pool_at(world->pool, (uint32_t)rng_below(&world->rng, count));
        if (which < 5)
            help_remove(world->pool, help_number(server));
        else if (which < 8)
            pool_set_health(world->pool, server, rng_below(&world->rng, 4) != 0);
        else
            help_settings(world->pool, help_number(server), world_settings(world));
    }
    world->published = rng_below(&world->rng, 2) == 0;
    if (world->published)
        pool_publish(world->pool, world->now_ns);
}

/* What some servers have for a request: room, only the prospect of it, or nothing. */
static enum pick_status world_offer(struct server *const *servers, uint32_t count,
                                    const struct tried *tried)
{
    enum pick_status offer = PICK_NONE;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t max = servers[i]->settings.max_connections;
        if (tried_has(tried, servers[i]->slot))
            continue;
        if (max == 0 || server_inflight(servers[i]) < max)
            return PICK_OK;
        offer = PICK_QUEUE;
    }
    return offer;
}

/* The servers of the view, and after them those of the next tiers, one after the other. */
static enum pick_status world_expect(const struct pool_view *view, const struct tried *tried,
                                     bool *ret_reserve)
{
    enum pick_status offer = world_offer(view->servers, view->count, tried);
    *ret_reserve           = offer == PICK_NONE;
    for (uint32_t i = 0; i < view->reserve_count && offer == PICK_NONE; i = view->reserve_ends[i])
        offer = world_offer(view->reserves + i, view->reserve_ends[i] - i, tried);
    return offer;
}

/* One request, with some attempts. */
static void world_request(struct world *world)
{
    const struct pool_view *view  = pool_view(world->pool);
    struct tried            tried = {0};
    for (uint64_t attempts = 1 + rng_below(&world->rng, 4); attempts > 0; attempts--) {
        struct pick_query query = {
            .random = rng_next(&world->rng),
            .now_ns = world->now_ns,
            .tried  = &tried,
        };
        uint64_t key = rng_below(&world->rng, 1000);
        if (key > 0)
            pick_query_set_key(&query, rng_mix(key));
        bool             reserve;
        enum pick_status offer = world_expect(view, &tried, &reserve);
        struct pick      pick  = balance_pick(view, &query);
        bool             back  = pick.status == PICK_OK && pick.reason == PICK_REASON_STICKY;
        EXPECT(world, back || (pick.status == PICK_OK) == (offer == PICK_OK));
        EXPECT(world, offer == PICK_OK || back || pick.status == offer || offer == PICK_NONE);
        if (pick.status != PICK_OK)
            break;
        struct server *server = pick.lease.server;
        EXPECT(world, back || reserve == (pick.reason == PICK_REASON_RESERVE));
        EXPECT(world, back || reserve || pool_view_index(view, server) != POOL_NO_INDEX);
        EXPECT(world, !back || server->settings.admin != SERVER_ADMIN_DOWN || !world->published);
        EXPECT(world, !tried_has(&tried, server->slot));
        EXPECT(world, view->panic || server->healthy || !world->published);
        for (struct server *asked; (asked = balance_take_probe(view)) != NULL;)
            balance_probe_answer(view, asked, server_inflight(asked),
                                 rng_mix(asked->serial) % 1000000, query.random, world->now_ns);
        world->digest = rng_mix(world->digest ^ (server->serial + 1));
        tried_add(&tried, server);
        bool hold = attempts == 1 && world->lease_count < LEASES_MAX;
        if (hold)
            world->leases[world->lease_count++] = pick.lease;
        else
            balance_finish(&pick.lease, OUTCOME_CONNECT_REFUSED, world->now_ns);
    }
}

static void world_finish(struct world *world)
{
    if (world->lease_count == 0)
        return;
    uint32_t     index   = (uint32_t)rng_below(&world->rng, world->lease_count);
    struct lease lease   = world->leases[index];
    world->leases[index] = world->leases[--world->lease_count];
    if (rng_below(&world->rng, 2) == 0)
        balance_first_byte(&lease, world->now_ns);
    balance_finish(&lease, (enum outcome)rng_below(&world->rng, OUTCOME_COUNT), world->now_ns);
}

static void world_check_counts(struct world *world)
{
    for (uint32_t i = 0; i < pool_count(world->pool); i++) {
        const struct server *server = pool_at(world->pool, i);
        uint32_t             leases = 0;
        for (uint32_t l = 0; l < world->lease_count; l++)
            leases += world->leases[l].server == server;
        EXPECT(world, server_inflight(server) == leases);
    }
}

static uint64_t world_run(const char *algorithm, uint64_t seed, bool watched)
{
    struct world          world    = {.algorithm = algorithm, .seed = seed, .now_ns = 1};
    struct balance_config config   = balance_config_of(algorithm);
    struct pool_settings  settings = pool_settings_default();
    struct event_bus     *bus      = NULL;
    if (watched) {
        event_bus_init(&world.bus);
        bus = &world.bus;
        assert_non_null(event_subscribe(bus, EVENT_MASK_ALL, 1024)); /* soon full */
    }
    rng_seed(&world.rng, seed, 0);
    qsbr_init(&world.qsbr, 1);
    world.pool = pool_new("world", 0, &world.qsbr, bus);
    if (seed % 3 == 1)
        config.steps[0].tunables.choices = 2 + seed % 5;
    config.steps[0].tunables.table_size    = 1009; /* small, as views change all the time */
    config.steps[0].tunables.ring_points   = 20;
    config.steps[0].tunables.sticky_size   = 1024;
    config.steps[0].tunables.schedule_size = seed % 2 == 0 ? 16 : 100000;
    balance_configure(world.pool, &config);
    settings.slow_start_ns = seed % 2 == 0 ? 0 : 20000;
    pool_configure(world.pool, &settings);
    for (uint32_t i = (uint32_t)rng_below(&world.rng, 60); i > 0; i--)
        world_change(&world);
    pool_publish(world.pool, world.now_ns);
    world.published = true;
    qsbr_online(&world.qsbr, 0);
    for (uint32_t step = 0; step < STEPS; step++) {
        world.now_ns += rng_below(&world.rng, 100);
        uint64_t what = rng_below(&world.rng, 100);
        if (what < 3)
            world_change(&world);
        else if (what < 55)
            world_request(&world);
        else
            world_finish(&world);
        if (step % 100 == 0) {
            world_check_counts(&world);
            qsbr_pass(&world.qsbr, 0);
            (void)pool_reclaim(world.pool);
        }
    }
    while (world.lease_count > 0)
        world_finish(&world);
    world_check_counts(&world);
    pool_publish(world.pool, world.now_ns);
    for (int i = 0; i < 3; i++) {
        qsbr_pass(&world.qsbr, 0);
        (void)pool_reclaim(world.pool);
    }
    EXPECT(&world, pool_reclaim(world.pool) == 0);
    qsbr_offline(&world.qsbr, 0);
    pool_free(world.pool);
    qsbr_fini(&world.qsbr);
    if (watched)
        event_bus_fini(&world.bus);
    return world.digest;
}

static void keeps_the_contract_under_change(void **state)
{
    (void)state;
    for (size_t a = 0; only_algorithm(a) != NULL; a++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            world_run(only_algorithm(a), seed, false);
    }
}

static void watching_changes_nothing(void **state)
{
    (void)state;
    for (size_t a = 0; only_algorithm(a) != NULL; a++) {
        for (uint64_t seed = 0; seed < 5; seed++)
            assert_true(world_run(only_algorithm(a), seed, false) ==
                        world_run(only_algorithm(a), seed, true));
    }
}

/* A request that fails everywhere visits every server once and is then turned away. */
static void tries_each_server_once(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    for (size_t a = 0; only_algorithm(a) != NULL; a++) {
        struct pool *pool = help_pool(only_algorithm(a), COUNT, NULL);
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct tried      tried = {0};
            struct pick_query query = {.now_ns = 1, .tried = &tried};
            pick_query_set_key(&query, rng_mix(seed));
            for (uint32_t attempt = 0; attempt < COUNT; attempt++) {
                query.random     = rng_mix(seed * COUNT + attempt);
                struct pick pick = balance_pick(pool_view(pool), &query);
                assert_int_equal(pick.status, PICK_OK);
                assert_false(tried_has(&tried, pick.lease.server->slot));
                tried_add(&tried, pick.lease.server);
                balance_finish(&pick.lease, OUTCOME_CONNECT_REFUSED, 2);
            }
            assert_int_equal(balance_pick(pool_view(pool), &query).status, PICK_NONE);
        }
        pool_free(pool);
    }
}

/* The same picks whatever compiled them. After a deliberate change of an algorithm, take over what
 * the test prints. */
static void digests_are_what_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm;
        uint64_t    digest;
    } golden[] = {
#include "golden_digests.h"
    };
    bool   same = true;
    size_t a    = 0;
    for (; only_algorithm(a) != NULL; a++) {
        uint64_t digest = 0;
        for (uint64_t seed = 100; seed < 106; seed++)
            digest = rng_mix(digest ^ world_run(only_algorithm(a), seed, false));
        if (a >= LL_COUNT(golden) || strcmp(golden[a].algorithm, only_algorithm(a)) != 0 ||
            golden[a].digest != digest) {
            print_message("{\"%s\", UINT64_C(0x%016llx)},\n", only_algorithm(a),
                          (unsigned long long)digest);
            same = false;
        }
    }
    assert_true(same);
    assert_int_equal(a, LL_COUNT(golden));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_contract_under_change),
        cmocka_unit_test(watching_changes_nothing),
        cmocka_unit_test(tries_each_server_once),
        cmocka_unit_test(digests_are_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
