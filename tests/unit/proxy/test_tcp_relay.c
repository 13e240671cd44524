/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions of the real proxy in virtual time: thousands of seeded runs on a network that delivers
 * late and in pieces, cuts sends short, breaks and falls silent.
 */
#include "support/proxy_run.h"
#include "support/unit.h"

#include "net/clock.h"
#include "proxy/tcp_session.h"

#include <errno.h>

/* Some sessions at once, all of which end well. buffers: how many the worker may have; 0: enough.
 */
static void run_peacefully(uint64_t seed, uint32_t buffers)
{
    static struct run run;
    struct rng        rng;
    rng_seed(&rng, seed, 21);
    struct fake_weather weather = run_random_weather(&rng);
    run_init(&run, seed, &weather, rig_config());
    run.server_plan = plan_peaceful;
    if (buffers > 0) {
        buffer_pool_fini(&run.rig.worker.buffers);
        buffer_pool_init(&run.rig.worker.buffers, buffers);
    }
    for (uint32_t i = 0; i < RIG_SERVERS; i++)
        run_open_site(&run, i);
    for (uint64_t clients = 1 + rng_below(&rng, 5); clients > 0; clients--) {
        struct peer_plan plan = plan_peaceful(&run);
        plan.manner           = PEER_ENDS;
        (void)run_add_client(&run, &plan);
        if (rng_below(&rng, 2))
            run_turn(&run);
    }
    run_to_the_end(&run);
    run_check_peaceful(&run);
    run_fini(&run);
}

static void bytes_are_never_lost_reordered_or_doubled(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 800; seed++)
        run_peacefully(seed, 0);
}

static void nor_where_there_is_no_buffer_to_keep(void **state)
{
    (void)state;
    for (uint64_t seed = 10000; seed < 10300; seed++)
        run_peacefully(seed, 1 + (uint32_t)(seed % 3));
}

/* Windows that hold more than the largest read, so that bulk data takes its own way. */
static void nor_in_bulk(void **state)
{
    (void)state;
    static struct run run;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct fake_weather weather = {
            .latency_max_ns = 100000,
            .window_min     = 2000000,
            .window_max     = 3000000,
            .segment_max    = 1500000,
        };
        struct peer_plan plan = {.size        = 10000000 + seed,
                                 .manner      = PEER_ENDS,
                                 .reset_after = PEER_NEVER,
                                 .bit_max     = 60000};
        run_init(&run, seed, &weather, rig_config());
        run.server_plan = plan_peaceful;
        run_open_site(&run, 0);
        (void)run_add_client(&run, &plan);
        run_to_the_end(&run);
        run_check_peaceful(&run);
        run_fini(&run);
    }
}

/* Whoever resets, or closes while the other still talks: the other never sees an end that was not
 * meant, and nothing stays behind. */
static void breaks_are_passed_on(void **state)
{
    (void)state;
    static struct run run;
    uint32_t          errors = 0;
    for (uint64_t seed = 20000; seed < 21000; seed++) {
        struct rng rng;
        rng_seed(&rng, seed, 22);
        struct fake_weather weather = run_random_weather(&rng);
        run_init(&run, seed, &weather, rig_config());
        run.server_plan = plan_rude;
        for (uint32_t i = 0; i < RIG_SERVERS; i++)
            run_open_site(&run, i);
        for (uint64_t clients = 1 + rng_below(&rng, 3); clients > 0; clients--) {
            struct peer_plan plan = plan_rude(&run);
            (void)run_add_client(&run, &plan);
        }
        run_to_the_end(&run);
        (void)run_check_streams(&run);
        for (uint32_t i = 0; i < run.client_count; i++)
            errors += run.clients[i].error != 0;
        for (uint32_t i = 0; i < run.server_count; i++)
            errors += run.servers[i].error != 0;
        run_fini(&run);
    }
    assert_true(errors > 250);
}

static void a_reset_arrives_as_a_reset(void **state)
{
    (void)state;
    static struct run run;
    for (uint32_t by_client = 0; by_client < 2; by_client++) {
        run_init_sitting(&run, rig_config());
        struct peer *breaks = by_client ? &run.clients[0] : &run.servers[0];
        struct peer *other  = by_client ? &run.servers[0] : &run.clients[0];
        peer_reset(breaks);
        run_to_the_end(&run);
        assert_int_equal(other->error, ECONNRESET);
        assert_false(other->ended);
        run_check_log(&run, by_client ? TCP_END_CLIENT_RESET : TCP_END_SERVER_RESET);
        run_fini(&run);
    }
}

/* Even where the other side does not read: the news must not wait behind bytes that nobody takes.
 */
static void a_reset_does_not_wait_for_a_slow_reader(void **state)
{
    (void)state;
    static struct run run;
    run_init_sitting(&run, rig_config());
    run.servers[0].deaf      = true;
    run.clients[0].plan.size = 10000000;
    peer_hear(&run.clients[0]); /* goes on sending, until nothing more is taken */
    run_for(&run, CLOCK_NS_PER_S);
    uint64_t stuck = run.clients[0].sent;
    run_for(&run, CLOCK_NS_PER_S);
    assert_int_equal(run.clients[0].sent, stuck);
    peer_reset(&run.clients[0]);
    run_for(&run, CLOCK_NS_PER_S);
    assert_true(list_empty(&run.rig.worker.sessions));
    run.servers[0].deaf = false;
    peer_hear(&run.servers[0]);
    assert_int_equal(run.servers[0].error, ECONNRESET);
    run_fini(&run);
}

/* What the balancer holds for a reader that does not read is bounded; the sender is slowed down,
 * nobody else is; and nothing is lost. */
static void a_slow_reader_slows_its_sender_only(void **state)
{
    (void)state;
    static struct run run;
    run_init_sitting(&run, rig_config());
    struct peer *sender = &run.clients[0];
    struct peer *reader = &run.servers[0];
    reader->deaf        = true;
    sender->plan.size   = 10000000;
    sender->plan.manner = PEER_ENDS;
    peer_hear(sender);
    run_for(&run, CLOCK_NS_PER_S);
    assert_true(sender->sent <= 100 + 2 * run_calm.window_max + BUFFER_SIZE);
    assert_true(run.rig.worker.buffers.live - run.rig.worker.buffers.cached_count <= 2);

    run_open_site(&run, 1);
    run.server_plan       = plan_peaceful;
    struct peer_plan plan = {
        .size = 1000000, .manner = PEER_ENDS, .reset_after = PEER_NEVER, .bit_max = 60000};
    struct peer *fast = run_add_client(&run, &plan);
    while (!fast->closed)
        run_turn(&run);
    assert_int_equal(fast->error, 0);

    reader->plan.manner = PEER_WAITS;
    peer_hear(reader);
    run_to_the_end(&run);
    assert_int_equal(reader->received, 10000000);
    assert_int_equal(run_check_streams(&run), 2);
    run_fini(&run);
}

/* Just more than the reader's window holds: the sender has no more to say, so there is no news but
 * the room that the reader makes. */
static void what_was_kept_for_a_slow_reader_goes_out(void **state)
{
    (void)state;
    static struct run run;
    for (uint32_t extra = 1; extra < 2000; extra += 37) {
        bool by_client = extra % 2 == 0;
        run_init_sitting(&run, rig_config());
        struct peer *sender = by_client ? &run.clients[0] : &run.servers[0];
        struct peer *reader = by_client ? &run.servers[0] : &run.clients[0];
        uint64_t     size   = 100 + run_calm.window_max + extra;
        reader->deaf        = true;
        sender->plan.size   = size;
        peer_hear(sender);
        run_for(&run, CLOCK_NS_PER_S);
        assert_int_equal(sender->sent, size);
        peer_hear(reader);
        run_for(&run, CLOCK_NS_PER_S);
        assert_int_equal(reader->received, size);
        peer_reset(sender);
        run_to_the_end(&run);
        run_fini(&run);
    }
}

#define IDLE_NS (50 * CLOCK_NS_PER_S)

/* Waits for the idle session's end, and checks when it came. */
static void check_idle_end(struct run *run, uint64_t last_ns)
{
    run->clients[0].plan.manner = run->servers[0].plan.manner = PEER_WAITS;
    run_to_the_end(run);
    run_check_log(run, TCP_END_IDLE);
    uint64_t idle_ns = run->rig.fake.now_ns - last_ns;
    assert_true(idle_ns >= IDLE_NS);
    assert_true(idle_ns <= IDLE_NS + 10 * CLOCK_NS_PER_MS);
    assert_true(run->clients[0].ended && run->servers[0].ended);
    run_fini(run);
}

static void idle_sessions_end_in_time(void **state)
{
    (void)state;
    static struct run run;
    for (uint64_t alive_s = 0; alive_s < 50; alive_s += 7) {
        struct config *config               = rig_config();
        config->listeners[0].tunnel_idle_ns = IDLE_NS;
        run_init_sitting(&run, config);
        run_for(&run, alive_s * CLOCK_NS_PER_S);
        run.clients[0].plan.size += 100; /* a sign of life */
        peer_hear(&run.clients[0]);
        check_idle_end(&run, run.rig.fake.now_ns);
    }
}

static struct peer_plan plan_silent(struct run *run)
{
    (void)run;
    return (struct peer_plan){.manner = PEER_SITS, .reset_after = PEER_NEVER, .bit_max = 1};
}

static void sessions_that_never_said_anything_end_in_time(void **state)
{
    (void)state;
    static struct run run;
    struct config    *config            = rig_config();
    config->listeners[0].tunnel_idle_ns = IDLE_NS;
    run_init(&run, 1, &run_calm, config);
    run.server_plan = plan_silent;
    run_open_site(&run, 0);
    struct peer_plan plan = plan_silent(&run);
    (void)run_add_client(&run, &plan);
    while (run.server_count == 0)
        run_turn(&run);
    check_idle_end(&run, run.rig.fake.now_ns);
}

static void draining_lets_sessions_end_and_aborting_does_not(void **state)
{
    (void)state;
    static struct run run;
    run_init_sitting(&run, rig_config());
    worker_order(&run.rig.worker, WORKER_DRAIN);
    run_for(&run, 10 * CLOCK_NS_PER_S);
    assert_false(run.clients[0].closed);
    struct peer_plan plan = plan_sitting(&run);
    struct peer     *late = run_add_client(&run, &plan);
    run_for(&run, CLOCK_NS_PER_S);
    assert_int_equal(late->error, ECONNREFUSED);
    worker_order(&run.rig.worker, WORKER_ABORT);
    run_to_the_end(&run);
    assert_int_equal(run.clients[0].error, ECONNRESET);
    assert_int_equal(run.servers[0].error, ECONNRESET);
    run_check_log(&run, TCP_END_ABORTED);
    run_fini(&run);
}

/* In whatever state sessions are. */
static void aborting_at_any_moment_leaves_nothing(void **state)
{
    (void)state;
    static struct run run;
    for (uint64_t seed = 60000; seed < 60500; seed++) {
        struct rng rng;
        rng_seed(&rng, seed, 24);
        struct fake_weather weather                 = run_random_weather(&rng);
        struct config      *config                  = rig_config();
        config->pools[0].servers[0].max_connections = 1;
        config->pools[0].servers[1].max_connections = 1;
        config->pools[0].server_count               = 3;
        run_init(&run, seed, &weather, config);
        run.server_plan = plan_rude;
        run_open_site(&run, 0);
        run_open_site(&run, 1);
        if (rng_below(&rng, 2))
            fake_io_answer(&run.rig.fake, &config->pools[0].servers[2].address, FAKE_SILENT);
        for (uint32_t i = 0; i < 8; i++) {
            struct peer_plan plan = plan_rude(&run);
            (void)run_add_client(&run, &plan);
        }
        for (uint64_t turns = rng_below(&rng, 400); turns > 0 && !run_over(&run); turns--)
            run_turn(&run);
        worker_order(&run.rig.worker, WORKER_ABORT);
        run_to_the_end(&run);
        (void)run_check_streams(&run);
        run_fini(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(bytes_are_never_lost_reordered_or_doubled),
        RUN_TEST(nor_where_there_is_no_buffer_to_keep),
        RUN_TEST(nor_in_bulk),
        RUN_TEST(breaks_are_passed_on),
        RUN_TEST(a_reset_arrives_as_a_reset),
        RUN_TEST(a_reset_does_not_wait_for_a_slow_reader),
        RUN_TEST(a_slow_reader_slows_its_sender_only),
        RUN_TEST(what_was_kept_for_a_slow_reader_goes_out),
        RUN_TEST(idle_sessions_end_in_time),
        RUN_TEST(sessions_that_never_said_anything_end_in_time),
        RUN_TEST(draining_lets_sessions_end_and_aborting_does_not),
        RUN_TEST(aborting_at_any_moment_leaves_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_shared_fini();
    return failed;
}
