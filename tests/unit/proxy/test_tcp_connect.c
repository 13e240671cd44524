/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a server, waiting for one, and the bounds, in virtual time.
 */
#include "support/proxy_run.h"
#include "support/unit.h"

#include "net/clock.h"
#include "proxy/tcp_session.h"

#include <errno.h>

enum site_state { SITE_LISTENS, SITE_REFUSES, SITE_SILENT, SITE_UNREACHABLE };

/* Each server in any state: the first in turn that listens gets the session, those before it cost
 * what they must, and none is tried twice. */
static void the_first_server_that_answers_serves(void **state)
{
    (void)state;
    static struct run run;
    const uint64_t    timeout_ns = CLOCK_NS_PER_S / 2;
    for (uint32_t states = 0; states < 256; states++) {
        struct config *config               = rig_config();
        config->pools[0].connect_timeout_ns = timeout_ns;
        run_init(&run, states, &run_calm, config);
        run.server_plan    = plan_peaceful;
        uint32_t expected  = RIG_SERVERS; /* which server serves */
        uint64_t silent_ns = 0;
        for (uint32_t i = 0; i < RIG_SERVERS; i++) {
            enum site_state site = (enum site_state)(states >> (2 * i) & 3);
            if (site == SITE_LISTENS)
                run_open_site(&run, i);
            else if (site != SITE_REFUSES)
                fake_io_answer(&run.rig.fake, &config->pools[0].servers[i].address,
                               site == SITE_SILENT ? FAKE_SILENT : FAKE_UNREACHABLE);
            if (expected < RIG_SERVERS)
                continue;
            if (site == SITE_LISTENS)
                expected = i;
            silent_ns += site == SITE_SILENT ? timeout_ns : 0;
        }
        struct peer_plan plan = {
            .size = 100, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 100};
        struct peer *client = run_add_client(&run, &plan);
        run_to_the_end(&run);
        struct log_session line;
        assert_true(rig_next_log(&run.rig, &line));
        uint64_t took_ns = line.ended_ns - line.started_ns;
        if (expected == RIG_SERVERS) {
            assert_string_equal(line.reason, TCP_END_NO_SERVER);
            assert_int_equal(client->error, ECONNRESET);
            assert_int_equal(line.attempts, RIG_SERVERS);
        } else {
            assert_int_equal(run.server_site[0], expected);
            assert_int_equal(client->error, 0);
            assert_int_equal(line.attempts, expected + 1);
            assert_int_equal(run_check_streams(&run), 1);
            took_ns = line.connect_ns;
        }
        assert_true(took_ns >= silent_ns);
        assert_true(took_ns <= silent_ns + 20 * CLOCK_NS_PER_MS);
        run_fini(&run);
    }
}

/* A client that breaks off, or only talks, while nobody has answered yet. */
static void a_client_may_not_wait_for_the_connection(void **state)
{
    (void)state;
    static struct run run;
    for (uint32_t resets = 0; resets < 2; resets++) {
        struct config *config         = rig_config();
        config->pools[0].server_count = 1;
        run_init(&run, resets, &run_calm, config);
        fake_io_answer(&run.rig.fake, &config->pools[0].servers[0].address, FAKE_SILENT);
        struct peer_plan plan = {
            .size = 100000, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 100};
        struct peer *client = run_add_client(&run, &plan);
        run_for(&run, CLOCK_NS_PER_S);
        assert_false(list_empty(&run.rig.worker.sessions));
        if (resets) {
            peer_reset(client);
            run_for(&run, 10 * CLOCK_NS_PER_MS);
            assert_true(list_empty(&run.rig.worker.sessions)); /* not after the connect timeout */
            run_check_log(&run, TCP_END_CLIENT_RESET);
        } else {
            run_to_the_end(&run);
            run_check_log(&run, TCP_END_NO_SERVER);
        }
        run_fini(&run);
    }
}

/* Whenever the client breaks off, also just when the server has answered and nobody knows it yet:
 * the server is not told that the client has ended well. */
static void a_reset_while_connecting_is_not_an_end(void **state)
{
    (void)state;
    static struct run run;
    uint32_t          known = 0; /* runs in which the server knew of the connection */
    for (uint64_t seed = 70000; seed < 71000; seed++) {
        struct fake_weather weather = run_calm;
        weather.latency_min_ns      = 0;
        weather.latency_max_ns      = 3 * CLOCK_NS_PER_MS;
        run_init(&run, seed, &weather, rig_config());
        run.server_plan = plan_peaceful;
        run_open_site(&run, 0);
        struct peer_plan plan = plan_sitting(&run);
        plan.reset_after      = 1;
        struct peer *client   = run_add_client(&run, &plan);
        run_to_the_end(&run);
        assert_true(client->did_reset);
        for (uint32_t i = 0; i < run.server_count; i++, known++) {
            assert_false(run.servers[i].ended);
            assert_int_equal(run.servers[i].error, ECONNRESET);
        }
        run_fini(&run);
    }
    assert_true(known > 100);
}

/* Servers with max_connections: sessions wait for their turn, nobody is lost, and no server ever
 * has more than it may. */
static void sessions_wait_for_room_at_the_servers(void **state)
{
    (void)state;
    static struct run run;
    for (uint64_t seed = 30000; seed < 30100; seed++) {
        struct rng     rng;
        struct config *config = rig_config();
        rng_seed(&rng, seed, 23);
        uint32_t limit                              = 1 + (uint32_t)rng_below(&rng, 3);
        config->pools[0].server_count               = 2;
        config->pools[0].max_pending                = 1000;
        config->pools[0].queue_timeout_ns           = 500 * CLOCK_NS_PER_S;
        config->pools[0].servers[0].max_connections = limit;
        config->pools[0].servers[1].max_connections = limit;
        run_init(&run, seed, &run_calm, config);
        run.server_plan = plan_short;
        run_open_site(&run, 0);
        run_open_site(&run, 1);
        for (uint32_t i = 0; i < 20; i++) {
            struct peer_plan plan = plan_short(&run);
            (void)run_add_client(&run, &plan);
        }
        uint32_t most = 0;
        while (!run_over(&run)) {
            run_turn(&run);
            for (uint32_t i = 0; i < 2; i++) {
                uint32_t inflight = server_inflight(pool_at(run.rig.pool.pool, i));
                assert_true(inflight <= limit);
                most = LL_MAX(most, inflight);
            }
        }
        assert_int_equal(most, limit);
        run_check_peaceful(&run);
        run_fini(&run);
    }
}

static void who_came_first_is_served_first(void **state)
{
    (void)state;
    static struct run run;
    struct config    *config                    = rig_config();
    config->pools[0].server_count               = 1;
    config->pools[0].servers[0].max_connections = 1;
    run_init(&run, 1, &run_calm, config);
    run.server_plan = plan_peaceful;
    run_open_site(&run, 0);
    struct peer_plan plan = {
        .size = 100000, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 60000};
    for (uint32_t i = 0; i < 20; i++) {
        (void)run_add_client(&run, &plan);
        run_for(&run, CLOCK_NS_PER_MS);
    }
    assert_true(run.server_count < 10); /* the others wait */
    run_to_the_end(&run);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(run.servers[i].other_key, run.clients[i].key);
    run_check_peaceful(&run);
    run_fini(&run);
}

/* One server fails, at once or later, and the other is busy: the session waits for the other. */
static void a_failed_connect_may_lead_into_the_queue(void **state)
{
    (void)state;
    static struct run run;
    for (uint32_t at_once = 0; at_once < 2; at_once++) {
        struct config *config                       = rig_config();
        config->pools[0].server_count               = 2;
        config->pools[0].servers[0].max_connections = 1;
        run_init_sitting(&run, config);
        if (at_once)
            fake_io_answer(&run.rig.fake, &config->pools[0].servers[1].address, FAKE_UNREACHABLE);
        struct peer_plan plan = {
            .size = 100, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 100};
        struct peer *second = run_add_client(&run, &plan);
        run_for(&run, CLOCK_NS_PER_S / 2);
        assert_false(second->closed);
        run.server_plan = plan_peaceful;
        peer_reset(&run.clients[0]);
        run_to_the_end(&run);
        assert_int_equal(second->error, 0);
        assert_int_equal(run.servers[1].other_key, second->key);
        run_fini(&run);
    }
}

static void who_waits_too_long_or_finds_the_queue_full_is_reset(void **state)
{
    (void)state;
    static struct run run;
    struct config    *config                    = rig_config();
    config->pools[0].server_count               = 1;
    config->pools[0].max_pending                = 1;
    config->pools[0].queue_timeout_ns           = 3 * CLOCK_NS_PER_S;
    config->pools[0].servers[0].max_connections = 1;
    run_init_sitting(&run, config);
    struct peer_plan plan   = plan_sitting(&run);
    struct peer     *second = run_add_client(&run, &plan);
    run_for(&run, CLOCK_NS_PER_S);
    struct peer *third = run_add_client(&run, &plan);
    run_for(&run, CLOCK_NS_PER_S);
    assert_int_equal(third->error, ECONNRESET);
    run_check_log(&run, TCP_END_QUEUE_FULL);
    assert_false(second->closed);
    run_for(&run, 2 * CLOCK_NS_PER_S);
    assert_int_equal(second->error, ECONNRESET);
    run_check_log(&run, TCP_END_QUEUE_TIMEOUT);
    peer_reset(&run.clients[0]);
    run_to_the_end(&run);
    run_fini(&run);
}

/* At the listener's bound clients wait in the kernel's queue, and all are served in the end. */
static void clients_wait_at_the_listeners_bound(void **state)
{
    (void)state;
    static struct run run;
    for (uint64_t seed = 40000; seed < 40100; seed++) {
        struct config *config = rig_config();
        uint32_t       limit  = 1 + (uint32_t)(seed % 4);
        bool           all    = seed % 8 >= 4; /* the bound of all listeners together */
        if (!all)
            config->listeners[0].max_connections = limit;
        run_init(&run, seed, &run_calm, config);
        if (all)
            run.rig.proxy.admission.max = limit;
        run.server_plan = plan_short;
        for (uint32_t i = 0; i < RIG_SERVERS; i++)
            run_open_site(&run, i);
        for (uint32_t i = 0; i < 20; i++) {
            struct peer_plan plan = plan_short(&run);
            (void)run_add_client(&run, &plan);
        }
        while (!run_over(&run)) {
            run_turn(&run);
            assert_true(admission_active(&run.rig.listener.admission) <= limit);
        }
        run_check_peaceful(&run);
        run_fini(&run);
    }
}

/* Without descriptors for both sides a session ends; without any, accepting waits and goes on. */
static void shortage_of_descriptors_is_survived(void **state)
{
    (void)state;
    static struct run run;
    uint32_t          served = 0, short_of = 0;
    for (uint64_t seed = 50000; seed < 50200; seed++) {
        run_init(&run, seed, &run_calm, rig_config());
        run.server_plan = plan_short;
        for (uint32_t i = 0; i < RIG_SERVERS; i++)
            run_open_site(&run, i);
        for (uint32_t i = 0; i < 10; i++) {
            struct peer_plan plan = plan_short(&run);
            (void)run_add_client(&run, &plan);
        }
        run.rig.fake.fds_max = fake_io_open_count(&run.rig.fake) + 3 + (uint32_t)(seed % 12);
        run_to_the_end(&run);
        struct log_session line;
        while (rig_next_log(&run.rig, &line)) {
            assert_int_equal(line.attempts, 1); /* no other server would help */
            short_of += strcmp(line.reason, TCP_END_RESOURCES) == 0;
        }
        for (uint32_t i = 0; i < run.client_count; i++)
            served += run.clients[i].error == 0;
        (void)run_check_streams(&run);
        run_fini(&run);
    }
    assert_true(served > 200 && short_of > 200);
    assert_true(served + short_of == 2000);
}

/* Nobody's end tells that there are descriptors again. */
static void accepting_goes_on_after_a_shortage(void **state)
{
    (void)state;
    static struct run run;
    run_init(&run, 1, &run_calm, rig_config());
    run.server_plan = plan_peaceful;
    run_open_site(&run, 0);
    struct peer_plan plan = {
        .size = 100, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 100};
    struct peer *client  = run_add_client(&run, &plan);
    run.rig.fake.fds_max = fake_io_open_count(&run.rig.fake);
    run_for(&run, CLOCK_NS_PER_S);
    assert_true(list_empty(&run.rig.worker.sessions));
    run.rig.fake.fds_max = FAKE_FDS_MAX;
    run_for(&run, CLOCK_NS_PER_S);
    assert_int_equal(client->received, run.servers[0].sent);
    run_to_the_end(&run);
    assert_int_equal(client->error, 0);
    run_fini(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(the_first_server_that_answers_serves),
        RUN_TEST(a_client_may_not_wait_for_the_connection),
        RUN_TEST(a_reset_while_connecting_is_not_an_end),
        RUN_TEST(sessions_wait_for_room_at_the_servers),
        RUN_TEST(who_came_first_is_served_first),
        RUN_TEST(a_failed_connect_may_lead_into_the_queue),
        RUN_TEST(who_waits_too_long_or_finds_the_queue_full_is_reset),
        RUN_TEST(clients_wait_at_the_listeners_bound),
        RUN_TEST(shortage_of_descriptors_is_survived),
        RUN_TEST(accepting_goes_on_after_a_shortage),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_shared_fini();
    return failed;
}
