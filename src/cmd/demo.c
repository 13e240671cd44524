/* SPDX-License-Identifier: Apache-2.0
 *
 * limeload demo: a balancer and three backends as child processes, gentle traffic through them, and
 * a backend that is killed and started again every few seconds.
 *
 * Everything is as a user would run it: the balancer is `limeload run` with a configuration, which
 * is shown; the backends are `limeload backend`. What is printed is in demo_show.c.
 */
#include "cmd/demo.h"

#include "base/alloc.h"
#include "cmd/cmd.h"
#include "config/value.h"
#include "net/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEMO_PORT          8000u
#define DEMO_BACKEND_PORT  9001u /* of the first one; the others follow */
#define DEMO_CALL_INTERVAL (50 * CLOCK_NS_PER_MS)
#define DEMO_CALL_TIMEOUT  (2 * CLOCK_NS_PER_S)
#define DEMO_CALLS_MAX     64u

/* A kill every so often, and how long the backend stays away; shorter where --for is short. */
#define DEMO_UP_NS   (4 * CLOCK_NS_PER_S)
#define DEMO_DOWN_NS (3 * CLOCK_NS_PER_S)

/* Children that are slower than this have a problem. */
#define DEMO_START_NS (10 * CLOCK_NS_PER_S)
#define DEMO_STOP_NS  (5 * CLOCK_NS_PER_S)

struct demo_values {
    uint64_t for_ns;
    uint64_t port;
    uint64_t admin;
};

#define FIELD(name) .offset = offsetof(struct demo_values, name)

static const struct args_option demo_options[] = {
    {.name  = "for",
     .kind  = ARGS_DURATION,
     .value = "D",
     .min   = VALUE_S,
     .max   = VALUE_DAY,
     .help  = "Ends by itself after this long; without it, Ctrl-C ends it.",
     FIELD(for_ns)},
    {.name   = "port",
     .letter = 'p',
     .kind   = ARGS_NUMBER,
     .value  = "N",
     .min    = 1,
     .max    = 65535,
     .help = "Where the balancer listens on 127.0.0.1. Without it 8000, or a free port where 8000 "
             "is taken.",
     FIELD(port)},
    {.name  = "admin",
     .kind  = ARGS_NUMBER,
     .value = "PORT",
     .min   = 1,
     .max   = 65535,
     .help  = "Where the dashboard will be. This version has none and only says so.",
     FIELD(admin)},
};

static void demo_fail(struct demo *demo, const char *what, const struct child *child)
{
    demo_show_failure(demo, what, child);
    demo->failed = true;
    loop_stop(&demo->host.loop);
}

/* Which of the four children it is; NULL for the balancer. */
static struct demo_backend *demo_backend_of(struct demo *demo, const struct child *child)
{
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        if (child == &demo->backends[i].child)
            return &demo->backends[i];
    return NULL;
}

/* Traffic */

static void demo_call(struct timer *timer, uint64_t now_ns)
{
    struct demo *demo = LL_CONTAINER_OF(timer, struct demo, traffic);
    if (demo->caller.calls.live < DEMO_CALLS_MAX)
        caller_start(&demo->caller);
    timer_arm(&demo->host.loop.timers, timer, now_ns + DEMO_CALL_INTERVAL);
}

static void demo_called(struct caller *caller, const struct call_result *result)
{
    struct demo *demo = LL_CONTAINER_OF(caller, struct demo, caller);
    tally_add(&demo->total, result);
    if (result->outcome != CALL_GOOD) {
        demo->second.failed++;
        return;
    }
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        if (strcmp(demo->backends[i].name, result->backend) == 0)
            demo->second.calls[i]++;
}

static void demo_tick(struct timer *timer, uint64_t now_ns)
{
    struct demo *demo = LL_CONTAINER_OF(timer, struct demo, tick);
    (void)now_ns;
    demo->seconds++;
    demo_show_second(demo);
    demo->second = (struct demo_second){0};
    timer_arm(&demo->host.loop.timers, timer,
              demo->start_ns + (demo->seconds + 1) * CLOCK_NS_PER_S);
}

static void demo_over(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    loop_stop(&LL_CONTAINER_OF(timer, struct demo, deadline)->host.loop);
}

/* Children */

static int demo_start_backend(struct demo_backend *backend)
{
    const char *argv[] = {"limeload", "backend",     "--listen", backend->address,
                          "--name",   backend->name, NULL};
    return child_start(&backend->child, argv);
}

static int demo_start_balancer(struct demo *demo)
{
    char        path[32];
    const char *argv[] = {"limeload", "run", "--config", path, NULL};
    (void)snprintf(path, sizeof path, "/dev/fd/%d", demo->config_fd);
    return child_start(&demo->balancer, argv);
}

/* Kills one, and starts it again after a while; the next time it is another one's turn. */
static void demo_strike(struct timer *timer, uint64_t now_ns)
{
    struct demo         *demo    = LL_CONTAINER_OF(timer, struct demo, strike);
    struct demo_backend *backend = &demo->backends[demo->victim];
    if (!backend->killed) {
        backend->killed = true;
        child_signal(&backend->child, SIGKILL);
        demo_show_killed(demo, backend);
        timer_arm(&demo->host.loop.timers, timer, now_ns + demo->down_ns);
        return;
    }
    int error = demo_start_backend(backend);
    if (error != 0) {
        demo_fail(demo, strerror(-error), &backend->child);
        return;
    }
    demo->victim = (demo->victim + 1) % DEMO_BACKENDS;
    timer_arm(&demo->host.loop.timers, timer, now_ns + demo->up_ns);
}

static void demo_begin(struct demo *demo)
{
    struct timers *timers = &demo->host.loop.timers;
    uint64_t       now_ns = demo->host.loop.now_ns;
    demo->running         = true;
    demo->start_ns        = now_ns;
    demo_show_start(demo);
    timer_cancel(timers, &demo->deadline);
    demo->deadline.on_expiry = demo_over;
    if (demo->for_ns > 0)
        timer_arm(timers, &demo->deadline, now_ns + demo->for_ns);
    timer_arm(timers, &demo->traffic, now_ns);
    timer_arm(timers, &demo->tick, now_ns + CLOCK_NS_PER_S);
    timer_arm(timers, &demo->strike, now_ns + demo->up_ns);
}

static void demo_listening(struct child *child)
{
    struct demo         *demo    = LL_CONTAINER_OF(child->loop, struct demo, host.loop);
    struct demo_backend *backend = demo_backend_of(demo, child);
    if (demo->running) {
        if (backend != NULL) {
            backend->killed = false;
            demo_show_back(demo, backend);
        }
        return;
    }
    bool ready = demo->balancer.listening;
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        ready = ready && demo->backends[i].child.listening;
    if (ready)
        demo_begin(demo);
}

static void demo_exited(struct child *child)
{
    struct demo         *demo    = LL_CONTAINER_OF(child->loop, struct demo, host.loop);
    struct demo_backend *backend = demo_backend_of(demo, child);
    if (demo->ending || (backend != NULL && backend->killed))
        return;
    demo_fail(demo, backend != NULL ? "a backend ended by itself" : "the balancer ended by itself",
              child);
}

static void demo_start_late(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct demo  *demo = LL_CONTAINER_OF(timer, struct demo, deadline);
    struct child *late = &demo->balancer;
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        if (!demo->backends[i].child.listening)
            late = &demo->backends[i].child;
    demo_fail(demo, "a process does not get ready", late);
}

/* Set-up */

static void demo_format_address(uint16_t port, char text[static DEMO_ADDRESS_MAX])
{
    (void)snprintf(text, DEMO_ADDRESS_MAX, "127.0.0.1:%u", port);
}

/* A port of 127.0.0.1 that nobody listens on, the wanted one if possible. The descriptor keeps
 * others away from it until all ports are found. Negative errno on failure. */
static int demo_find_port(uint16_t wanted, bool only_that, uint16_t *ret_port)
{
    struct address address = {
        .family   = ADDRESS_IPV4,
        .endpoint = {.family = ADDRESS_IPV4, .port = wanted, .ip = {127, 0, 0, 1}},
    };
    struct address bound;
    int            fd = socket_listen(&address, false, &bound);
    if (fd < 0 && !only_that) {
        address.endpoint.port = 0;
        fd                    = socket_listen(&address, false, &bound);
    }
    if (fd >= 0)
        *ret_port = bound.endpoint.port;
    return fd;
}

static int demo_find_ports(struct demo *demo, const struct demo_values *values)
{
    int      held[DEMO_BACKENDS + 1];
    uint32_t count       = 0;
    uint16_t port        = 0;
    uint16_t want        = values->port != 0 ? (uint16_t)values->port : DEMO_PORT;
    int      fd          = demo_find_port(want, values->port != 0, &port);
    demo->caller.address = (struct address){
        .family   = ADDRESS_IPV4,
        .endpoint = {.family = ADDRESS_IPV4, .port = port, .ip = {127, 0, 0, 1}},
    };
    demo_format_address(fd >= 0 ? port : want, demo->address);
    demo->moved = port != want;
    while (fd >= 0) {
        held[count++] = fd;
        if (count == DEMO_BACKENDS + 1)
            break;
        struct demo_backend *backend = &demo->backends[count - 1];
        fd = demo_find_port((uint16_t)(DEMO_BACKEND_PORT + count - 1), false, &port);
        if (fd >= 0)
            demo_format_address(port, backend->address);
    }
    for (uint32_t i = 0; i < count; i++)
        close(held[i]);
    return fd < 0 ? fd : 0;
}

/* The configuration is a file without a name, so nothing has to be cleaned up. */
static int demo_write_config(struct demo *demo)
{
    int size = snprintf(demo->config, sizeof demo->config,
                        "listeners:\n"
                        "  - bind: \"%s\"\n"
                        "    pool: demo\n"
                        "pools:\n"
                        "  demo:\n"
                        "    balance: round_robin\n"
                        "    servers:\n"
                        "      - {id: B1, address: \"%s\"}\n"
                        "      - {id: B2, address: \"%s\"}\n"
                        "      - {id: B3, address: \"%s\"}\n"
                        "log: {access: off}\n"
                        "timeouts: {drain: 1s}\n",
                        demo->address, demo->backends[0].address, demo->backends[1].address,
                        demo->backends[2].address);
    LL_ASSERT(size < (int)sizeof demo->config);
    demo->config_fd = memfd_create("limeload-demo.yaml", 0);
    if (demo->config_fd < 0 || write(demo->config_fd, demo->config, (size_t)size) != size)
        return -errno;
    return 0;
}

static int demo_start_children(struct demo *demo)
{
    int error = demo_write_config(demo);
    for (uint32_t i = 0; i < DEMO_BACKENDS && error == 0; i++)
        error = demo_start_backend(&demo->backends[i]);
    return error != 0 ? error : demo_start_balancer(demo);
}

static void demo_init(struct demo *demo, const struct demo_values *values)
{
    struct loop *loop = &demo->host.loop;
    demo->config_fd   = -1;
    demo->for_ns      = values->for_ns;
    demo->up_ns       = DEMO_UP_NS;
    demo->down_ns     = DEMO_DOWN_NS;
    demo->victim      = 1;
    demo->terminal    = isatty(STDOUT_FILENO) == 1;
    if (demo->for_ns > 0) {
        demo->up_ns   = LL_MIN(demo->up_ns, demo->for_ns / 3);
        demo->down_ns = LL_MIN(demo->down_ns, demo->for_ns / 3);
    }
    demo->traffic.on_expiry  = demo_call;
    demo->tick.on_expiry     = demo_tick;
    demo->strike.on_expiry   = demo_strike;
    demo->deadline.on_expiry = demo_start_late;
    demo->caller.message     = SLICE("How do you do?\n");
    demo->caller.timeout_ns  = DEMO_CALL_TIMEOUT;
    demo->caller.on_done     = demo_called;
    tally_reset(&demo->total);
    caller_init(&demo->caller, loop, DEMO_CALLS_MAX);
    child_init(&demo->balancer, loop, demo_listening, demo_exited);
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++) {
        (void)snprintf(demo->backends[i].name, sizeof demo->backends[i].name, "B%u", i + 1);
        child_init(&demo->backends[i].child, loop, demo_listening, demo_exited);
    }
}

/* The end, in order: the last answers, the balancer, the backends. A second signal cuts it short.
 */

static bool demo_children_run(const struct demo *demo)
{
    bool run = demo->balancer.pid != 0;
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        run = run || demo->backends[i].child.pid != 0;
    return run;
}

static void demo_end(struct demo *demo)
{
    struct loop *loop     = &demo->host.loop;
    uint64_t     until_ns = loop->now_ns + DEMO_STOP_NS;
    demo->ending          = true;
    demo->host.signal     = 0;
    timer_cancel(&loop->timers, &demo->traffic);
    timer_cancel(&loop->timers, &demo->tick);
    timer_cancel(&loop->timers, &demo->strike);
    timer_cancel(&loop->timers, &demo->deadline);
    while (demo->caller.calls.live > 0 && demo->host.signal == 0 && !demo->failed)
        loop_run_once(loop, -1);

    child_signal(&demo->balancer, SIGTERM);
    while (demo->balancer.pid != 0 && demo->host.signal == 0 && loop->now_ns < until_ns)
        loop_run_once(loop, 100);
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        child_signal(&demo->backends[i].child, SIGTERM);
    while (demo_children_run(demo) && demo->host.signal == 0 && loop->now_ns < until_ns)
        loop_run_once(loop, 100);
}

static int demo_serve(struct demo *demo, const struct demo_values *values)
{
    int error = demo_find_ports(demo, values);
    if (error != 0) {
        fprintf(stderr, "limeload demo: cannot listen on %s: %s (choose another --port)\n",
                demo->address, strerror(-error));
        return CMD_FAILED;
    }
    timer_arm(&demo->host.loop.timers, &demo->deadline, demo->host.loop.now_ns + DEMO_START_NS);
    error = demo_start_children(demo);
    if (error != 0) {
        fprintf(stderr, "limeload demo: cannot start: %s\n", strerror(-error));
        demo->failed = true;
    } else {
        loop_run(&demo->host.loop);
    }
    demo_end(demo);
    if (demo->running)
        demo_show_end(demo);
    return demo->failed ? CMD_FAILED : CMD_OK;
}

static int demo_run(int argc, char **argv)
{
    struct demo_values values = {0};
    int                code;
    if (!args_parse(&verb_demo, argc, argv, &values, &code))
        return code;
    struct demo *demo  = alloc_zero(1, sizeof *demo);
    int          error = host_init(&demo->host);
    if (error != 0) {
        fprintf(stderr, "limeload demo: cannot start: %s\n", strerror(-error));
        free(demo);
        return CMD_FAILED;
    }
    if (values.admin != 0)
        fprintf(stderr, "limeload demo: this version has no dashboard, so nothing will listen on "
                        "the --admin port\n");
    demo_init(demo, &values);
    code = demo_serve(demo, &values);

    caller_fini(&demo->caller);
    child_fini(&demo->balancer);
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        child_fini(&demo->backends[i].child);
    if (demo->config_fd >= 0)
        close(demo->config_fd);
    timer_cancel(&demo->host.loop.timers, &demo->deadline);
    host_fini(&demo->host);
    free(demo);
    return code;
}

const struct verb verb_demo = {
    .name    = "demo",
    .summary = "a load balancer at work, to look at and to play with",
    .text    = "Starts a balancer, three backends and gentle traffic, all on 127.0.0.1, and shows\n"
               "each second which backend answered how often. Every few seconds a backend is\n"
               "killed, and comes back a little later. It says which addresses to try by hand.\n"
               "Where a usual port is taken, a free one is used.\n",
    .options = demo_options,
    .option_count = LL_COUNT(demo_options),
    .run          = demo_run,
};
