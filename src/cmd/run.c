/* SPDX-License-Identifier: Apache-2.0
 *
 * `limeload run`: the load balancer in the foreground, from start to the last signal.
 */
#include "base/error.h"
#include "cmd/cmd.h"
#include "cmd/load_config.h"
#include "net/clock.h"
#include "net/epoll_io.h"
#include "net/loop.h"
#include "proxy/proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How often a stopping proxy is asked whether its last session has ended. */
#define RUN_DRAIN_LOOK_NS (10 * CLOCK_NS_PER_MS)

struct run_options {
    const char *config;
    bool        test;
    const char *log_format;
};

/* The control thread's view of the running process. */
struct run {
    struct config  *config;
    struct proxy   *proxy;
    struct epoll_io epoll_io;
    struct loop     loop;
    struct watch    signals;
    struct timer    drain_look;
    uint64_t        drain_until_ns; /* 0 while it is not stopping */
    bool            aborted;
    int             exit;
};

static void run_abort(struct run *run, enum cmd_exit exit, const char *why)
{
    struct log_number sessions;
    if (run->aborted)
        return;
    log_event(run->proxy->log, CONFIG_LOG_WARN, run->loop.now_ns, "resetting sessions", "why", why,
              "sessions", log_u64(proxy_sessions(run->proxy), &sessions), NULL);
    run->aborted = true;
    run->exit    = (int)exit;
    proxy_abort(run->proxy);
}

static void run_on_drain_look(struct timer *timer, uint64_t now_ns)
{
    struct run *run = LL_CONTAINER_OF(timer, struct run, drain_look);
    if (proxy_drained(run->proxy)) {
        loop_stop(&run->loop);
        return;
    }
    if (now_ns >= run->drain_until_ns)
        run_abort(run, CMD_UNCLEAN, "drain deadline");
    timer_arm(&run->loop.timers, timer, now_ns + RUN_DRAIN_LOOK_NS);
}

static void run_stop(struct run *run, const char *signal_name)
{
    if (run->drain_until_ns != 0) {
        run_abort(run, CMD_FORCED, "second signal");
        return;
    }
    struct log_number sessions;
    log_event(run->proxy->log, CONFIG_LOG_INFO, run->loop.now_ns, "draining", "signal", signal_name,
              "sessions", log_u64(proxy_sessions(run->proxy), &sessions), NULL);
    run->drain_until_ns = run->loop.now_ns + run->config->drain_ns;
    proxy_drain(run->proxy);
    timer_arm(&run->loop.timers, &run->drain_look, run->loop.now_ns);
}

static void run_on_signal(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct run             *run = LL_CONTAINER_OF(watch, struct run, signals);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof info) != sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGTERM:
        run_stop(run, "TERM");
        break;
    case SIGINT:
        run_stop(run, "INT");
        break;
    case SIGQUIT:
        run_stop(run, "QUIT");
        break;
    case SIGUSR1:
        logger_reopen(run->proxy->logger);
        log_event(run->proxy->log, CONFIG_LOG_INFO, run->loop.now_ns, "logs reopened", NULL);
        break;
    default:
        log_event(run->proxy->log, CONFIG_LOG_WARN, run->loop.now_ns,
                  "signal not supported by this version", "signal",
                  info.ssi_signo == SIGHUP ? "HUP" : "USR2", "remedy",
                  "restart to change the configuration or the program", NULL);
        break;
    }
}

/* Blocked in every thread and read by the control loop instead. */
static int run_open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < LL_COUNT(signals); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int run_serve(struct run *run)
{
    run->signals = (struct watch){.on_ready = run_on_signal, .fd = run_open_signals()};
    if (run->signals.fd < 0 || epoll_io_init(&run->epoll_io) != 0) {
        fprintf(stderr, "limeload: cannot start: %s (raise the descriptor limit, ulimit -n)\n",
                strerror(errno));
        return CMD_FAILED;
    }
    loop_init(&run->loop, &run->epoll_io.io);
    run->drain_look.on_expiry = run_on_drain_look;
    run->exit                 = CMD_FAILED;
    run->proxy                = proxy_start(run->config, &run->loop);
    if (run->proxy != NULL) {
        struct io *io = &run->epoll_io.io;
        run->exit     = CMD_OK;
        if (io->ops->watch_listener(io, &run->signals) == 0) {
            loop_run(&run->loop);
            log_event(run->proxy->log, CONFIG_LOG_INFO, run->loop.now_ns, "stopped", NULL);
        } else {
            run->exit = CMD_FAILED;
            proxy_abort(run->proxy);
        }
        proxy_stop(run->proxy);
    }
    close(run->signals.fd);
    loop_fini(&run->loop);
    epoll_io_fini(&run->epoll_io);
    return run->exit;
}

static int run_main(int argc, char **argv)
{
    struct run_options options = {0};
    int                exit;
    if (!args_parse(&verb_run, argc, argv, &options, &exit))
        return exit;
    bool json = options.log_format != NULL && strcmp(options.log_format, "json") == 0;
    if (options.log_format != NULL && !json && strcmp(options.log_format, "logfmt") != 0)
        return args_usage_error(&verb_run, "--log-format is %s (write logfmt or json)",
                                options.log_format);
    if (options.test)
        return cmd_check_config(options.config);

    struct run run = {.config = cmd_load_config(options.config)};
    if (run.config == NULL)
        return CMD_FAILED;
    if (options.log_format != NULL) {
        run.config->log.format        = json ? CONFIG_FORMAT_JSON : CONFIG_FORMAT_LOGFMT;
        run.config->log.access_format = run.config->log.format;
    }
    exit = run_serve(&run);
    config_free(run.config);
    return exit;
}

static const struct args_option run_rows[] = {
    {.name   = "config",
     .letter = 'c',
     .kind   = ARGS_TEXT,
     .value  = "FILE",
     .help   = "The configuration. Without it ./limeload.yaml is used if it exists, else the "
               "built-in default.",
     .offset = offsetof(struct run_options, config)},
    {.name   = "test",
     .letter = 't',
     .kind   = ARGS_FLAG,
     .help   = "Only checks the configuration, as `limeload check` does.",
     .offset = offsetof(struct run_options, test)},
    {.name   = "log-format",
     .kind   = ARGS_TEXT,
     .value  = "FORMAT",
     .help   = "logfmt (for people) or json (for machines), whatever the configuration says.",
     .offset = offsetof(struct run_options, log_format)},
};

const struct verb verb_run = {
    .name         = "run",
    .summary      = "runs the load balancer in the foreground",
    .text         = "Listens, balances and logs until it is told to stop.\n"
                    "\n"
                    "The built-in default listens on port 8000 and hands TCP connections to\n"
                    "127.0.0.1:9001, 9002 and 9003 in turn.\n"
                    "\n"
                    "Signals: TERM, INT and QUIT stop gracefully: no new connections, sessions may\n"
                    "end by themselves until timeouts.drain has passed; a second one stops at once.\n"
                    "USR1 reopens the access log.\n"
                    "\n"
                    "Exit status: 0 stopped cleanly, 1 bad configuration or failed start,\n"
                    "2 cut short by a second signal, 3 sessions were reset at the drain deadline,\n"
                    "64 wrong command line.",
    .options      = run_rows,
    .option_count = LL_COUNT(run_rows),
    .run          = run_main,
};
