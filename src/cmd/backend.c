/* SPDX-License-Identifier: Apache-2.0
 *
 * limeload backend: the options of the demo server, and its start and end.
 */
#include "cmd/cmd.h"
#include "cmd/echo.h"
#include "cmd/host.h"
#include "config/value.h"
#include "net/loop.h"
#include "net/socket.h"

#include <stdio.h>
#include <string.h>

/* Beyond this a demo server on one thread would not be gentle to the machine. */
#define BACKEND_CONNECTIONS_MAX 100000u

/* Standard streams, listeners, epoll and signals. */
#define BACKEND_DESCRIPTORS_RESERVED UINT64_C(32)
_Static_assert(ARGS_ADDRESSES_MAX <= ECHO_LISTENERS_MAX, "every --listen finds its place");

struct backend_values {
    struct args_addresses listen;
    const char           *name;
    bool                  echo;
    bool                  http;
    bool                  no_greeting;
    uint64_t              delay_ns;
    double                fail;
    double                stall;
    uint64_t              close_after;
    uint64_t              refuse_ns;
    uint64_t              refuse_every_ns;
    uint64_t              seed;
    uint64_t              max_connections;
};

#define FIELD(name)  .offset = offsetof(struct backend_values, name)
#define MISBEHAVIOUR "Misbehaviour, to see how a balancer takes it"

static const struct args_option backend_options[] = {
    {.name     = "listen",
     .letter   = 'l',
     .required = true,
     .kind     = ARGS_LISTEN,
     .value    = "ADDR",
     .help     = "Where to listen: 127.0.0.1:9001, [::1]:9001, :9001 for every address, or "
                 "unix:/path. Port 0 lets the system choose. May be given several times.",
     FIELD(listen)},
    {.name     = "name",
     .letter   = 'n',
     .required = true,
     .kind     = ARGS_TEXT,
     .value    = "NAME",
     .help     = "What it calls itself: letters, digits and ._- without spaces.",
     FIELD(name)},
    {.name = "echo", .kind = ARGS_FLAG, .help = "TCP echo, which is the default.", FIELD(echo)},
    {.name = "http", .kind = ARGS_FLAG, .help = "HTTP; not in this version.", FIELD(http)},
    {.name = "no-greeting",
     .kind = ARGS_FLAG,
     .help = "Echoes without saying hello first.",
     FIELD(no_greeting)},
    {.name    = "max-connections",
     .kind    = ARGS_NUMBER,
     .value   = "N",
     .initial = "20000",
     .min     = 1,
     .max     = BACKEND_CONNECTIONS_MAX,
     .help    = "At this many it stops accepting until one ends; fewer where the system allows "
                "fewer descriptors.",
     FIELD(max_connections)},
    {.name  = "delay",
     .group = MISBEHAVIOUR,
     .kind  = ARGS_DURATION,
     .value = "D",
     .max   = VALUE_DAY,
     .help  = "The greeting and every echo come this much later.",
     FIELD(delay_ns)},
    {.name  = "fail",
     .group = MISBEHAVIOUR,
     .kind  = ARGS_SHARE,
     .value = "P",
     .help  = "This share of the connections is reset as soon as it is accepted: 0.1 or 10%.",
     FIELD(fail)},
    {.name  = "stall",
     .group = MISBEHAVIOUR,
     .kind  = ARGS_SHARE,
     .value = "P",
     .help  = "This share of the connections is accepted and then ignored: nothing is read, "
              "nothing is sent, and no end is noticed but a reset.",
     FIELD(stall)},
    {.name  = "close-after",
     .group = MISBEHAVIOUR,
     .kind  = ARGS_NUMBER,
     .value = "N",
     .min   = 1,
     .help  = "Closes every connection once it has echoed N bytes.",
     FIELD(close_after)},
    {.name  = "refuse",
     .group = MISBEHAVIOUR,
     .kind  = ARGS_DURATION,
     .value = "D",
     .min   = VALUE_MS,
     .max   = VALUE_DAY,
     .help  = "Refuses new connections for this long, again and again: at the end of every "
              "period of --refuse-every. Established ones go on.",
     FIELD(refuse_ns)},
    {.name    = "refuse-every",
     .group   = MISBEHAVIOUR,
     .kind    = ARGS_DURATION,
     .value   = "D",
     .initial = "10s",
     .max     = VALUE_DAY,
     .help    = "The period of --refuse.",
     FIELD(refuse_every_ns)},
    {.name    = "seed",
     .group   = MISBEHAVIOUR,
     .kind    = ARGS_NUMBER,
     .value   = "N",
     .initial = "1",
     .help    = "The same seed makes the same connections misbehave, counted by their arrival.",
     FIELD(seed)},
};

/* What one row of the table cannot see. 0, or an exit code. */
static int backend_check(const struct backend_values *values)
{
    if (values->http)
        return args_usage_error(&verb_backend, "--http is not in this version, which balances TCP "
                                               "only (leave it out for an echo server)");
    if (!echo_name_valid(values->name))
        return args_usage_error(&verb_backend,
                                "--name: '%s' is not a name (write up to %u letters, digits and "
                                "._-)",
                                values->name, ECHO_NAME_MAX);
    if (values->fail + values->stall > 1)
        return args_usage_error(&verb_backend, "--fail and --stall are more than 100%% together "
                                               "(a connection can only do one of them)");
    if (values->refuse_ns > 0 && values->refuse_every_ns <= values->refuse_ns)
        return args_usage_error(&verb_backend, "--refuse is not shorter than --refuse-every "
                                               "(give it a longer period)");
    return 0;
}

static uint32_t backend_connection_limit(const struct backend_values *values)
{
    uint64_t wanted      = values->max_connections + BACKEND_DESCRIPTORS_RESERVED;
    uint64_t descriptors = socket_descriptor_limit(wanted);
    uint64_t room        = descriptors > 2 * BACKEND_DESCRIPTORS_RESERVED
                               ? descriptors - BACKEND_DESCRIPTORS_RESERVED
                               : BACKEND_DESCRIPTORS_RESERVED;
    return (uint32_t)LL_MIN(room, values->max_connections);
}

static bool backend_listen(struct echo_server *server, const struct backend_values *values)
{
    for (uint32_t i = 0; i < values->listen.count; i++) {
        char           text[ADDRESS_TEXT_MAX];
        struct address bound;
        int            error = echo_server_listen(server, &values->listen.items[i], &bound);
        if (error != 0) {
            fprintf(stderr, "limeload backend: cannot listen on %s: %s\n",
                    address_format(&values->listen.items[i], text), strerror(-error));
            return false;
        }
        fprintf(stderr, "level=info msg=listening name=%s address=%s\n", values->name,
                address_format(&bound, text));
    }
    return true;
}

static int backend_serve(struct loop *loop, const struct backend_values *values)
{
    struct echo_config config = {
        .name            = values->name,
        .max_connections = backend_connection_limit(values),
        .seed            = values->seed,
        .greeting        = !values->no_greeting,
        .delay_ns        = values->delay_ns,
        .fail            = values->fail,
        .stall           = values->stall,
        .close_after     = values->close_after,
        .refuse_ns       = values->refuse_ns,
        .refuse_every_ns = values->refuse_ns > 0 ? values->refuse_every_ns : 0,
    };
    struct echo_server *server = echo_server_new(loop, &config);
    bool                good   = backend_listen(server, values);
    if (good) {
        loop_run(loop);
        struct echo_totals totals = echo_server_totals(server);
        fprintf(stderr, "level=info msg=stopped name=%s connections=%llu bytes=%llu\n",
                values->name, (unsigned long long)totals.connections,
                (unsigned long long)totals.bytes);
    }
    echo_server_free(server);
    return good ? CMD_OK : CMD_FAILED;
}

static int backend_run(int argc, char **argv)
{
    struct backend_values values = {0};
    int                   code;
    if (!args_parse(&verb_backend, argc, argv, &values, &code))
        return code;
    code = backend_check(&values);
    if (code != 0)
        return code;

    struct host host;
    int         error = host_init(&host);
    if (error != 0) {
        fprintf(stderr, "limeload backend: cannot start: %s\n", strerror(-error));
        return CMD_FAILED;
    }
    code = backend_serve(&host.loop, &values);
    host_fini(&host);
    return code;
}

const struct verb verb_backend = {
    .name    = "backend",
    .summary = "a demo server that greets, echoes, and misbehaves on request",
    .text    = "Sends `Hello from NAME` and a line feed on connect, then echoes every byte until\n"
               "the client ends its side, then closes. It logs a line to stderr when it listens,\n"
               "and ends with 0 on TERM, INT or QUIT.\n"
               "\n"
               "  limeload backend --listen 127.0.0.1:9001 --name B1\n"
               "  limeload backend --listen :0 --name slow --delay 200ms --fail 10%\n",
    .options = backend_options,
    .option_count = LL_COUNT(backend_options),
    .run          = backend_run,
};
