/* SPDX-License-Identifier: Apache-2.0 */
#include "support/proxy_run.h"

#include "net/clock.h"
#include "proxy/tcp_session.h"

#define CLIENT_KEY UINT64_C(0xc000000000000000)
#define SERVER_KEY UINT64_C(0x5000000000000000)

/* Far longer than any run takes that is not stuck. */
#define RUN_MAX_NS (600 * CLOCK_NS_PER_S)

/* Which run failed, for who wants to look at it again. */
static uint64_t run_seed;
static bool     run_under_way;

int run_tell_seed(void **state)
{
    (void)state;
    if (run_under_way)
        print_message("it was the run with seed %llu\n", (unsigned long long)run_seed);
    run_under_way = false;
    return 0;
}

struct fake_weather run_random_weather(struct rng *rng)
{
    struct fake_weather weather = {
        .latency_min_ns = 0,
        .latency_max_ns = 1 + rng_below(rng, rng_below(rng, 2) ? 10000 : 10 * CLOCK_NS_PER_MS),
        .window_min     = 1,
        .window_max     = 1 + (uint32_t)rng_below(rng, 1u << rng_below(rng, 20)),
        .segment_max    = 1 + (uint32_t)rng_below(rng, 1u << rng_below(rng, 18)),
    };
    weather.window_min = LL_MAX(weather.window_max / 2, 1u);
    return weather;
}

const struct fake_weather run_calm = {
    .latency_min_ns = 100000,
    .latency_max_ns = 200000,
    .window_min     = 20000,
    .window_max     = 20000,
    .segment_max    = 20000,
};

struct peer_plan plan_random(struct run *run)
{
    struct rng      *rng     = &run->rng;
    uint64_t         window  = run->rig.fake.weather.window_max;
    uint64_t         segment = run->rig.fake.weather.segment_max;
    uint64_t         most    = LL_MIN(30 * window, 100 * segment);
    struct peer_plan plan    = {
           .size         = rng_below(rng, most),
           .manner       = PEER_WAITS,
           .reset_after  = PEER_NEVER,
           .pause_max_ns = rng_below(rng, 2) ? 0 : 1 + rng_below(rng, 5 * CLOCK_NS_PER_MS),
           .bit_max      = 1 + (uint32_t)rng_below(rng, 60000),
    };
    if (rng_below(rng, 5) == 0)
        plan.size = 0;
    else if (plan.size < PEER_KEY_SIZE)
        plan.size = PEER_KEY_SIZE;
    uint32_t least = (uint32_t)LL_MIN(most / (plan.pause_max_ns > 0 ? 100 : 1000), 50000) + 1;
    if (rng_below(rng, 2) || plan.bit_max < least)
        plan.bit_max = least;
    return plan;
}

static void site_ready(struct watch *watch, uint32_t ready)
{
    struct site    *site = LL_CONTAINER_OF(watch, struct site, watch);
    struct run     *run  = site->run;
    struct endpoint from;
    (void)ready;
    uint32_t limit        = run->rig.fake.fds_max;
    run->rig.fake.fds_max = FAKE_FDS_MAX; /* the balancer's shortage is not the server's */
    int fd                = run->rig.fake.io.ops->accept(&run->rig.fake.io, watch->fd, &from);
    run->rig.fake.fds_max = limit;
    assert_true(fd >= 0 && run->server_count < LL_COUNT(run->servers));
    uint32_t         number  = run->server_count++;
    struct peer_plan plan    = run->server_plan(run);
    run->server_site[number] = site->number;
    peer_start(&run->servers[number], &run->rig.worker.loop, fd, false, SERVER_KEY + number, &plan);
}

void run_open_site(struct run *run, uint32_t number)
{
    struct site *site = &run->sites[number];
    *site = (struct site){.watch = {.on_ready = site_ready}, .run = run, .number = number};
    site->watch.fd =
        fake_io_listen(&run->rig.fake, &run->rig.config->pools[0].servers[number].address);
    assert_true(site->watch.fd >= 0);
    assert_int_equal(run->rig.fake.io.ops->watch_listener(&run->rig.fake.io, &site->watch), 0);
}

static void run_close_site(struct run *run, uint32_t number)
{
    if (run->sites[number].watch.fd > 0)
        run->rig.fake.io.ops->close(&run->rig.fake.io, run->sites[number].watch.fd);
    run->sites[number].watch.fd = -1;
}

void run_init(struct run *run, uint64_t seed, const struct fake_weather *weather,
              struct config *config)
{
    memset(run, 0, sizeof *run);
    run_seed      = seed;
    run_under_way = true;
    rng_seed(&run->rng, seed, 9);
    rig_init(&run->rig, seed, weather, config);
    run->server_plan = plan_random;
    run->start_ns    = run->rig.fake.now_ns;
}

void run_fini(struct run *run)
{
    for (uint32_t i = 0; i < RIG_SERVERS; i++)
        run_close_site(run, i);
    rig_fini(&run->rig);
    run_under_way = false;
}

struct peer *run_add_client(struct run *run, const struct peer_plan *plan)
{
    struct io *io = &run->rig.fake.io;
    assert_true(run->client_count < RUN_CLIENTS_MAX);
    uint32_t     number = run->client_count++;
    struct peer *client = &run->clients[number];
    int          fd     = io->ops->connect(io, &run->rig.address);
    peer_start(client, &run->rig.worker.loop, fd, true, CLIENT_KEY + number, plan);
    return client;
}

bool run_over(const struct run *run)
{
    for (uint32_t i = 0; i < run->client_count; i++)
        if (!run->clients[i].closed)
            return false;
    for (uint32_t i = 0; i < run->server_count; i++)
        if (!run->servers[i].closed)
            return false;
    return list_empty(&run->rig.worker.sessions);
}

void run_turn(struct run *run)
{
    rig_turn(&run->rig);
    assert_true(run->rig.fake.now_ns - run->start_ns < RUN_MAX_NS);
}

void run_to_the_end(struct run *run)
{
    while (!run_over(run))
        run_turn(run);
}

void run_for(struct run *run, uint64_t ns)
{
    uint64_t end_ns = run->rig.fake.now_ns + ns;
    while (run->rig.fake.now_ns < end_ns) {
        uint64_t left_ms = (end_ns - run->rig.fake.now_ns) / CLOCK_NS_PER_MS + 1;
        worker_turn(&run->rig.worker, (int)left_ms);
    }
}

/* Whom a server was connected with, as far as their bytes tell. */
static struct peer *run_partner(struct run *run, const struct peer *server)
{
    for (uint32_t i = 0; i < run->client_count; i++) {
        struct peer *client = &run->clients[i];
        if (server->received >= PEER_KEY_SIZE   ? server->other_key == client->key
            : client->received >= PEER_KEY_SIZE ? client->other_key == server->key
                                                : run->client_count == 1 && run->server_count == 1)
            return client;
    }
    return NULL;
}

uint32_t run_check_streams(struct run *run)
{
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < run->server_count; i++) {
        struct peer *client = run_partner(run, &run->servers[i]);
        if (client == NULL)
            continue;
        pairs++;
        peer_check(client, &run->servers[i]);
        peer_check(&run->servers[i], client);
    }
    return pairs;
}

struct peer_plan plan_peaceful(struct run *run)
{
    struct peer_plan plan = plan_random(run);
    plan.manner           = rng_below(&run->rng, 2) ? PEER_ENDS : PEER_WAITS;
    plan.size = LL_MAX(plan.size, (uint64_t)PEER_KEY_SIZE); /* partners know each other */
    return plan;
}

/* What the log says of a session is what its peers have seen. */
static void check_log_of(struct run *run, const struct log_session *line)
{
    for (uint32_t i = 0; i < run->server_count; i++) {
        const struct peer *server = &run->servers[i];
        const struct peer *client = run_partner(run, server);
        if (client != NULL && line->bytes_in == server->received &&
            line->bytes_out == client->received)
            return;
    }
    fail_msg("no session moved %llu and %llu bytes", (unsigned long long)line->bytes_in,
             (unsigned long long)line->bytes_out);
}

void run_check_peaceful(struct run *run)
{
    assert_int_equal(run->server_count, run->client_count);
    assert_int_equal(run_check_streams(run), run->client_count);
    for (uint32_t i = 0; i < run->client_count; i++) {
        assert_int_equal(run->clients[i].error, 0);
        assert_int_equal(run->servers[i].error, 0);
        assert_true(run->clients[i].ended && run->servers[i].ended);
    }
    struct log_session line;
    uint32_t           lines = 0;
    while (rig_next_log(&run->rig, &line)) {
        lines++;
        check_log_of(run, &line);
        assert_true(strcmp(line.reason, TCP_END_CLIENT_CLOSED) == 0 ||
                    strcmp(line.reason, TCP_END_SERVER_CLOSED) == 0);
        assert_int_equal(line.attempts, 1);
    }
    assert_int_equal(lines, run->client_count);
}

struct peer_plan plan_sitting(struct run *run)
{
    (void)run;
    return (struct peer_plan){
        .size = 100, .manner = PEER_SITS, .reset_after = PEER_NEVER, .bit_max = 60000};
}

void run_init_sitting(struct run *run, struct config *config)
{
    struct peer_plan plan = plan_sitting(run);
    run_init(run, 1, &run_calm, config);
    run->server_plan = plan_sitting;
    run_open_site(run, 0);
    (void)run_add_client(run, &plan);
    while (run->server_count == 0 || run->servers[0].received < 100 ||
           run->clients[0].received < 100)
        run_turn(run);
}

void run_check_log(struct run *run, const char *reason)
{
    struct log_session line;
    assert_true(rig_next_log(&run->rig, &line));
    assert_string_equal(line.reason, reason);
    assert_false(rig_next_log(&run->rig, &line));
}

struct peer_plan plan_short(struct run *run)
{
    struct peer_plan plan = plan_peaceful(run);
    plan.manner           = PEER_ENDS;
    plan.size             = PEER_KEY_SIZE + plan.size % 20000;
    return plan;
}

struct peer_plan plan_rude(struct run *run)
{
    struct rng      *rng  = &run->rng;
    struct peer_plan plan = plan_random(run);
    plan.manner           = rng_below(rng, 3) == 0 ? PEER_QUITS : PEER_ENDS;
    if (rng_below(rng, 2))
        plan.reset_after = rng_below(rng, 2 * plan.size + 1);
    return plan;
}
