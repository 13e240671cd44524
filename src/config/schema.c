/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

#include "config/config.h"

#include <inttypes.h>
#include <stdio.h>

#define AT(type, member)      offsetof(struct type, member)
#define ROWS_AT(type, member) AT(type, member##s), .count_field = AT(type, member##_count)

static const struct schema_word schema_modes[] = {
    {"tcp", CONFIG_MODE_TCP, false, "passes bytes on, whatever they are"},
    {"http", 0, true, NULL},
    {.word = NULL},
};

static const struct schema_word schema_levels[] = {
    {"debug", CONFIG_LOG_DEBUG, false, "what is of use to who works on limeload"},
    {"info", CONFIG_LOG_INFO, false, "what happens in normal operation"},
    {"warn", CONFIG_LOG_WARN, false, "what somebody should look at"},
    {"error", CONFIG_LOG_ERROR, false, "what went wrong"},
    {.word = NULL},
};

static const struct schema_word schema_formats[] = {
    {"logfmt", CONFIG_FORMAT_LOGFMT, false, "key=value, for people"},
    {"json", CONFIG_FORMAT_JSON, false, "one JSON object per line, for programs"},
    {.word = NULL},
};

static const struct schema_word schema_outputs[] = {
    {"stdout", 0, false, "standard output"},
    {"stderr", 0, false, "standard error"},
    {"off", 0, false, "nowhere"},
    {.word = NULL},
};

const struct schema_row schema_rows[] = {
    {SCHEMA_ROOT, "workers", SCHEMA_COUNT, AT(config, workers), .fallback = "auto", .zero = "auto",
     .min = 1, .max = 256, .restart = true, .example = "4",
     .help = "Threads that carry traffic; `auto` is one per core that the process may use."},
    {SCHEMA_ROOT, "cpu_affinity", SCHEMA_BOOL, AT(config, cpu_affinity), .fallback = "false",
     .restart = true, .example = "true",
     .help =
         "Ties each worker to a core of its own. Worth it where nothing else uses the machine."},
    {SCHEMA_ROOT, "timeouts.drain", SCHEMA_DURATION, AT(config, drain_ns), .fallback = "30s",
     .min = 0, .max = VALUE_DAY, .example = "30s",
     .help = "How long a graceful stop waits for connections to end before it cuts them."},
    {SCHEMA_ROOT, "log.level", SCHEMA_WORD, AT(config, log.level), .fallback = "info",
     .words = schema_levels, .example = "info",
     .help = "The least important messages that are written."},
    {SCHEMA_ROOT, "log.format", SCHEMA_WORD, AT(config, log.format), .fallback = "logfmt",
     .words = schema_formats, .example = "json",
     .help = "The form of limeload's own messages, which go to standard error."},
    {SCHEMA_ROOT, "log.access.path", SCHEMA_TEXT, AT(config, log.access_path), .fallback = "stderr",
     .words = schema_outputs, .alone = "log.access", .example = "stdout",
     .help = "Where the line per connection goes: one of the words, or the path of a file."},
    {SCHEMA_ROOT, "log.access.format", SCHEMA_WORD, AT(config, log.access_format),
     .fallback = "logfmt", .words = schema_formats, .example = "json",
     .help = "The form of the line per connection."},
    {SCHEMA_ROOT, "include", SCHEMA_FILES, .fallback_help = "nothing", .example = "conf.d/*.yaml",
     .help = "More files with `listeners`, `pools` and `include`: a path or a list of paths, "
             "relative to this file, with `*`, `?` and `[...]` in them if you like. Files are read "
             "in the order of their names."},
    {SCHEMA_ROOT, "listeners", SCHEMA_LIST, ROWS_AT(config, listener), .of = SCHEMA_LISTENER,
     .example = "[{bind: \":8000\", pool: NAME}]", .help = "Where clients connect."},
    {SCHEMA_ROOT, "pools", SCHEMA_MAP, ROWS_AT(config, pool), .of = SCHEMA_POOL,
     .example = "{NAME: {servers: [\"127.0.0.1:9001\"]}}",
     .help    = "Groups of servers that do the same work, by name."},

    {SCHEMA_LISTENER, "name", SCHEMA_NAME, AT(config_listener, name),
     .fallback_help = "the first address of `bind`", .example = "web",
     .help = "What logs call it."},
    {SCHEMA_LISTENER, "bind", SCHEMA_BINDS, AT(config_listener, binds),
     .count_field = AT(config_listener, bind_count), .restart = true, .example = "\":8000\"",
     .help =
         "The address to listen on, or a list of them: `\":8000\"` and `\"[::]:8000\"` are port "
         "8000 of every address, IPv4 and IPv6; `\"127.0.0.1:8000\"`, `\"[::1]:8000\"`, "
         "`\"localhost:8000\"`, `\"unix:/run/app.sock\"`. Port 0 lets the system choose."},
    {SCHEMA_LISTENER, "mode", SCHEMA_WORD, AT(config_listener, mode), .fallback = "tcp",
     .words = schema_modes, .restart = true, .example = "tcp",
     .help = "What limeload understands of the traffic."},
    {SCHEMA_LISTENER, "pool", SCHEMA_POOL_NAME, AT(config_listener, pool), .example = "NAME",
     .help = "The pool whose servers get the connections."},
    {SCHEMA_LISTENER, "limits.max_connections", SCHEMA_COUNT, AT(config_listener, max_connections),
     .fallback = "auto", .zero = "auto", .min = 1, .max = 10000000, .example = "10000",
     .help = "Connections at one time. `auto` is as many as the descriptors of the process allow. "
             "At the limit no more are accepted; clients wait in the kernel's queue."},
    {SCHEMA_LISTENER, "timeouts.tunnel_idle", SCHEMA_DURATION, AT(config_listener, tunnel_idle_ns),
     .fallback = "1h", .min = VALUE_MS, .max = 365 * VALUE_DAY, .example = "1h",
     .help = "A connection on which no byte moves either way for so long is closed."},

    {SCHEMA_POOL, "balance", SCHEMA_BALANCE, AT(config_pool, balance),
     .fallback = "least_connections", .example = "round_robin",
     .help = "How a server is chosen for each connection: the name of an algorithm, a map with the "
             "name and tunables, `{algorithm: least_connections, choices: 4}`, or a list of up to "
             "four of these, of which the first that has an answer counts: `[sticky_ip, "
             "round_robin]`."},
    {SCHEMA_POOL, "servers", SCHEMA_LIST, ROWS_AT(config_pool, server), .of = SCHEMA_SERVER,
     .example = "[\"127.0.0.1:9001\"]",
     .help    = "Plain addresses, or maps where they need more than that."},
    {SCHEMA_POOL, "zone", SCHEMA_NAME, AT(config_pool, zone), .fallback_help = "none",
     .example = "east",
     .help = "Where limeload runs. Servers of this zone come first; the others are used as backups "
             "are, but before those."},
    {SCHEMA_POOL, "subset.size", SCHEMA_COUNT, AT(config_pool, subset), .alone = "subset",
     .fallback = "all", .zero = "all", .min = 1, .max = 65535, .example = "20",
     .help = "Use only so many of the servers, so that many balancers in front of many servers do "
             "not all connect to all. A server that goes is replaced by one other."},
    {SCHEMA_POOL, "subset.seed", SCHEMA_COUNT, AT(config_pool, subset_seed), .fallback = "auto",
     .zero = "auto", .min = 1, .max = 4294967295, .example = "7",
     .help = "Which ones. Should differ between balancers; `auto` takes it from the host's name."},
    {SCHEMA_POOL, "timeouts.connect", SCHEMA_DURATION, AT(config_pool, connect_timeout_ns),
     .fallback = "2s", .min = VALUE_MS, .max = VALUE_HOUR, .example = "2s",
     .help = "A server that has not accepted the connection by then is passed over for the next."},
    {SCHEMA_POOL, "timeouts.queue", SCHEMA_DURATION, AT(config_pool, queue_timeout_ns),
     .fallback = "5s", .min = VALUE_MS, .max = VALUE_HOUR, .example = "5s",
     .help = "How long a client waits where all servers are at their `max_connections`; then it is "
             "turned away."},
    {SCHEMA_POOL, "breaker.max_pending", SCHEMA_COUNT, AT(config_pool, max_pending),
     .fallback = "1000", .min = 0, .max = 1000000, .example = "1000",
     .help = "How many clients may wait for a server at one time; more are turned away at once."},

    {SCHEMA_SERVER, "id", SCHEMA_NAME, AT(config_server, id), .fallback_help = "the address",
     .example = "b1", .help = "What logs call it; unique in its pool."},
    {SCHEMA_SERVER, "address", SCHEMA_ADDRESS, AT(config_server, address), .alone = "",
     .example = "\"127.0.0.1:9001\"",
     .help = "`\"10.0.0.11:9001\"`, `\"[2001:db8::1]:9001\"`, `\"unix:/run/app.sock\"` or a host "
             "name with a port. Names are looked up once, when the configuration is loaded: IPv4 "
             "first, the first address counts."},
    {SCHEMA_SERVER, "weight", SCHEMA_COUNT, AT(config_server, weight), .fallback = "1", .min = 0,
     .max = 65535, .example = "1",
     .help = "Its share where the algorithm heeds weights; 0 gets no new connections."},
    {SCHEMA_SERVER, "backup", SCHEMA_BOOL, AT(config_server, backup), .fallback = "false",
     .example = "true",
     .help =
         "Gets connections only where no other server can take them: none is healthy, or all "
         "have just failed for this client. It does not help out servers that are merely full."},
    {SCHEMA_SERVER, "zone", SCHEMA_NAME, AT(config_server, zone), .fallback_help = "none",
     .example = "east", .help = "Where it runs; see `zone` of the pool."},
    {SCHEMA_SERVER, "max_connections", SCHEMA_COUNT, AT(config_server, max_connections),
     .fallback = "none", .zero = "none", .min = 1, .max = 10000000, .example = "500",
     .help = "Connections at one time, from all clients together. A server at its limit is not "
             "chosen; where all are, clients wait for the first that has room."},
};
const size_t schema_row_count = LL_COUNT(schema_rows);

/* A version that supports one deletes its row. */
const struct schema_later schema_laters[] = {
    {SCHEMA_ROOT, .key = "admin", .warning = "this version opens no admin listener"},
    {SCHEMA_ROOT, .key = "analytics"},
    {SCHEMA_LISTENER, .key = "proxy_protocol"},
    {SCHEMA_LISTENER, .key = "tls"},
    {SCHEMA_LISTENER, .key = "redirect_https", .http = true},
    {SCHEMA_LISTENER, .key = "http2", .http = true},
    {SCHEMA_LISTENER, .key = "routes", .http = true},
    {SCHEMA_LISTENER, .key = "rate_limit", .http = true},
    {SCHEMA_LISTENER, .key = "cache", .http = true},
    {SCHEMA_LISTENER, .key = "headers", .http = true},
    {SCHEMA_LISTENER, .key = "limits.header_size", .http = true},
    {SCHEMA_LISTENER, .key = "limits.body_size", .http = true},
    {SCHEMA_LISTENER, .key = "timeouts.client_header", .http = true},
    {SCHEMA_LISTENER, .key = "timeouts.client_idle", .http = true},
    {SCHEMA_LISTENER, .key = "timeouts.request", .http = true},
    {SCHEMA_POOL, .key = "sticky"},
    {SCHEMA_POOL, .key = "health"},
    {SCHEMA_POOL, .key = "outlier"},
    {SCHEMA_POOL, .key = "breaker.max_requests"},
    {SCHEMA_POOL, .key = "breaker.open_for"},
    {SCHEMA_POOL, .key = "breaker.half_open"},
    {SCHEMA_POOL, .key = "slow_start"},
    {SCHEMA_POOL, .key = "retry"},
    {SCHEMA_POOL, .key = "tls"},
    {SCHEMA_POOL, .key = "protocol", .http = true},
    {SCHEMA_POOL, .key = "keepalive", .http = true},
    {SCHEMA_POOL, .key = "timeouts.response", .http = true},
    {SCHEMA_POOL, .key = "timeouts.idle", .http = true},
    {SCHEMA_SERVER, .key = "dns"},
};
const size_t schema_later_count = LL_COUNT(schema_laters);

static const struct {
    const char *name;
    size_t      size;
} schema_sections[SCHEMA_SECTIONS] = {
    [SCHEMA_ROOT]     = {"the configuration", sizeof(struct config)},
    [SCHEMA_LISTENER] = {"a listener", sizeof(struct config_listener)},
    [SCHEMA_POOL]     = {"a pool", sizeof(struct config_pool)},
    [SCHEMA_SERVER]   = {"a server", sizeof(struct config_server)},
};

size_t schema_section_size(enum schema_section section)
{
    return schema_sections[section].size;
}

const char *schema_section_name(enum schema_section section)
{
    return schema_sections[section].name;
}

const char *schema_format(enum schema_type type, uint64_t number, char text[static VALUE_TEXT_MAX])
{
    if (type == SCHEMA_DURATION)
        return value_format_duration(number, text);
    if (type == SCHEMA_SIZE)
        return value_format_size(number, text);
    (void)snprintf(text, VALUE_TEXT_MAX, "%" PRIu64 "%s", number,
                   type == SCHEMA_PERCENT ? "%" : "");
    return text;
}

const struct schema_row *schema_find(enum schema_section section, struct slice key)
{
    for (size_t i = 0; i < schema_row_count; i++)
        if (schema_rows[i].section == section && slice_equal(slice_of(schema_rows[i].key), key))
            return &schema_rows[i];
    return NULL;
}

const struct schema_row *schema_find_alone(enum schema_section section, struct slice group)
{
    for (size_t i = 0; i < schema_row_count; i++)
        if (schema_rows[i].section == section && schema_rows[i].alone != NULL &&
            slice_equal(slice_of(schema_rows[i].alone), group))
            return &schema_rows[i];
    return NULL;
}

bool schema_is_group(enum schema_section section, struct slice key)
{
    for (size_t i = 0; i < schema_row_count; i++) {
        struct slice row = slice_of(schema_rows[i].key);
        if (schema_rows[i].section == section && row.size > key.size && row.data[key.size] == '.' &&
            slice_starts_with(row, key))
            return true;
    }
    return false;
}

const struct schema_later *schema_find_later(enum schema_section section, struct slice key)
{
    for (size_t i = 0; i < schema_later_count; i++)
        if (schema_laters[i].section == section && slice_equal(slice_of(schema_laters[i].key), key))
            return &schema_laters[i];
    return NULL;
}
