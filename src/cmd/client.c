/* SPDX-License-Identifier: Apache-2.0
 *
 * limeload client: makes calls, prints who answered, and sums up.
 */
#include "base/alloc.h"
#include "cmd/call.h"
#include "cmd/cmd.h"
#include "cmd/host.h"
#include "cmd/tally.h"
#include "config/value.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to here there is a line per connection; beyond it nobody reads them. */
#define CLIENT_LINES_MAX 100u

/* Standard streams, epoll and signals. */
#define CLIENT_DESCRIPTORS_RESERVED UINT64_C(16)

struct client_values {
    struct address address;
    uint64_t       count;
    uint64_t       concurrency;
    const char    *message;
    uint64_t       timeout_ns;
    uint64_t       interval_ns;
    bool           json;
    bool           quiet;
};

struct client {
    struct caller               caller;
    const struct client_values *values;
    struct timer                timer; /* of the interval */
    uint64_t                    next_ns;
    struct tally                tally;
};

#define FIELD(name) .offset = offsetof(struct client_values, name)

static const struct args_option client_options[] = {
    {.name     = "address",
     .operand  = true,
     .required = true,
     .kind     = ARGS_ADDRESS,
     .value    = "ADDR",
     .help = "Whom to call: 127.0.0.1:8000, [::1]:8000, localhost:8000, :8000 for this machine, "
             "or unix:/path.",
     FIELD(address)},
    {.name    = "count",
     .letter  = 'n',
     .kind    = ARGS_NUMBER,
     .value   = "N",
     .initial = "10",
     .help    = "How many connections to make; 0: until it is interrupted.",
     FIELD(count)},
    {.name    = "concurrency",
     .letter  = 'c',
     .kind    = ARGS_NUMBER,
     .value   = "C",
     .initial = "1",
     .min     = 1,
     .max     = 100000,
     .help    = "How many of them at the same time.",
     FIELD(concurrency)},
    {.name    = "message",
     .letter  = 'm',
     .kind    = ARGS_TEXT,
     .value   = "TEXT",
     .initial = "ping",
     .help    = "What to send and to expect back.",
     FIELD(message)},
    {.name    = "timeout",
     .letter  = 't',
     .kind    = ARGS_DURATION,
     .value   = "D",
     .initial = "5s",
     .min     = VALUE_MS,
     .max     = VALUE_DAY,
     .help    = "How long a connection may take from its start to the end of the answer.",
     FIELD(timeout_ns)},
    {.name   = "interval",
     .letter = 'i',
     .kind   = ARGS_DURATION,
     .value  = "D",
     .max    = VALUE_DAY,
     .help   = "Starts connections no closer together than this.",
     FIELD(interval_ns)},
    {.name = "json", .kind = ARGS_FLAG, .help = "The summary as JSON, and no lines.", FIELD(json)},
    {.name   = "quiet",
     .letter = 'q',
     .kind   = ARGS_FLAG,
     .help   = "The summary only. Without it there is also a line per connection, unless there "
               "are more than 100.",
     FIELD(quiet)},
};

static bool client_more(const struct client *client)
{
    return client->values->count == 0 || client->caller.started < client->values->count;
}

/* Starts what may be started now. */
static void client_fill(struct client *client)
{
    const struct client_values *values = client->values;
    struct loop                *loop   = client->caller.loop;
    while (client_more(client) && client->caller.calls.live < values->concurrency) {
        if (values->interval_ns > 0) {
            if (loop->now_ns < client->next_ns) {
                timer_arm(&loop->timers, &client->timer, client->next_ns);
                return;
            }
            client->next_ns = loop->now_ns + values->interval_ns;
        }
        caller_start(&client->caller);
    }
    if (!client_more(client) && client->caller.calls.live == 0)
        loop_stop(loop);
}

static void client_interval_over(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    client_fill(LL_CONTAINER_OF(timer, struct client, timer));
}

static bool client_prints_lines(const struct client_values *values)
{
    return !values->quiet && !values->json && values->count <= CLIENT_LINES_MAX;
}

static void client_done(struct caller *caller, const struct call_result *result)
{
    struct client *client = LL_CONTAINER_OF(caller, struct client, caller);
    tally_add(&client->tally, result);
    if (client_prints_lines(client->values)) {
        bool good = result->outcome == CALL_GOOD;
        printf("%5llu  %-20s %8.2f ms%s%s\n", (unsigned long long)result->number,
               result->backend[0] != '\0' ? result->backend
               : good                     ? "(nameless)"
                                          : "-",
               (double)result->latency_ns / 1e6, good ? "" : "  ", call_describe(result));
    }
    client_fill(client);
}

static void client_print_json(struct client *client, const char *address, double seconds)
{
    fputs("{\"address\":\"", stdout);
    for (const char *byte = address; *byte != '\0'; byte++) {
        if (*byte == '"' || *byte == '\\')
            putchar('\\');
        if ((unsigned char)*byte < ' ')
            printf("\\u%04x", (unsigned)*byte);
        else
            putchar(*byte);
    }
    printf("\",\"seconds\":%.6f,", seconds);
    tally_print_json(&client->tally, stdout);
    puts("}");
}

static void client_print(struct client *client, uint64_t took_ns)
{
    char        text[ADDRESS_TEXT_MAX];
    const char *address = address_format(&client->caller.address, text);
    double      seconds = (double)took_ns / 1e9;
    if (client->values->json) {
        client_print_json(client, address, seconds);
        return;
    }
    uint64_t total = client->tally.good + client->tally.failed;
    if (client_prints_lines(client->values) && total > 0)
        putchar('\n');
    printf("%llu connection%s to %s in %.3f s: %llu good, %llu failed\n", (unsigned long long)total,
           total == 1 ? "" : "s", address, seconds, (unsigned long long)client->tally.good,
           (unsigned long long)client->tally.failed);
    tally_print(&client->tally, stdout);
}

static int client_serve(struct loop *loop, const struct client_values *values)
{
    struct client *client     = alloc_zero(1, sizeof *client);
    client->values            = values;
    client->timer.on_expiry   = client_interval_over;
    client->caller.address    = values->address;
    client->caller.message    = slice_of(values->message);
    client->caller.timeout_ns = values->timeout_ns;
    client->caller.on_done    = client_done;
    tally_reset(&client->tally);
    caller_init(&client->caller, loop, (uint32_t)values->concurrency);

    uint64_t start_ns = loop->now_ns;
    client_fill(client);
    loop_run(loop);
    client_print(client, clock_now_ns() - start_ns);
    int code = client->tally.failed > 0 ? CMD_FAILED : CMD_OK;
    timer_cancel(&loop->timers, &client->timer);
    caller_fini(&client->caller);
    free(client);
    return code;
}

static int client_run(int argc, char **argv)
{
    struct client_values values = {0};
    int                  code;
    if (!args_parse(&verb_client, argc, argv, &values, &code))
        return code;
    uint64_t descriptors =
        socket_descriptor_limit(values.concurrency + CLIENT_DESCRIPTORS_RESERVED);
    if (descriptors < values.concurrency + CLIENT_DESCRIPTORS_RESERVED) {
        fprintf(stderr,
                "limeload client: --concurrency needs %llu descriptors, but this process may open "
                "only %llu (raise it with ulimit -n)\n",
                (unsigned long long)(values.concurrency + CLIENT_DESCRIPTORS_RESERVED),
                (unsigned long long)descriptors);
        return CMD_FAILED;
    }

    struct host host;
    int         error = host_init(&host);
    if (error != 0) {
        fprintf(stderr, "limeload client: cannot start: %s\n", strerror(-error));
        return CMD_FAILED;
    }
    code = client_serve(&host.loop, &values);
    host_fini(&host);
    return code;
}

const struct verb verb_client = {
    .name    = "client",
    .summary = "a test client that shows which backend answered",
    .text    = "Connects, sends a message, ends its side, reads to the end, and checks that the\n"
               "message came back whole. Backends of `limeload backend` and `limeload demo` greet\n"
               "with their name, and so the summary shows how connections are distributed. Ends\n"
               "with 0 where all went well and 1 where any connection failed.\n"
               "\n"
               "  limeload client :8000\n"
               "  limeload client :8000 --count 10000 --concurrency 100\n",
    .options = client_options,
    .option_count = LL_COUNT(client_options),
    .run          = client_run,
};
