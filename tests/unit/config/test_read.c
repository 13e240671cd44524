/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read.h"

#include "config/read_value.h"
#include "config/value.h"
#include "support/config_world.h"

static void test_defaults(void **state)
{
    (void)state;
    struct config *config = world_load(NULL, WORLD_ROOT(""), "");
    assert_non_null(config);
    assert_string_equal(config->source, "f.yaml");
    assert_int_equal(config->workers, 0);
    assert_false(config->cpu_affinity);
    assert_int_equal(config->drain_ns, 30 * VALUE_S);
    assert_int_equal(config->log.level, CONFIG_LOG_INFO);
    assert_int_equal(config->log.format, CONFIG_FORMAT_LOGFMT);
    assert_string_equal(config->log.access_path, "stderr");
    assert_int_equal(config->log.access_format, CONFIG_FORMAT_LOGFMT);

    const struct config_listener *listener = &config->listeners[0];
    assert_string_equal(listener->name, ":8000");
    assert_int_equal(listener->mode, CONFIG_MODE_TCP);
    assert_int_equal(listener->bind_count, 1);
    assert_int_equal(listener->max_connections, 0);
    assert_int_equal(listener->tunnel_idle_ns, VALUE_HOUR);
    assert_string_equal(listener->place.file, "f.yaml");
    assert_int_equal(listener->place.line, 1);
    assert_int_equal(listener->place.column, 13);

    const struct config_pool *pool = &config->pools[0];
    assert_string_equal(pool->name, "p");
    assert_int_equal(pool->balance.count, 1);
    assert_string_equal(pool->balance.steps[0].algorithm, "least_connections");
    struct balance_config plain = balance_config_of("least_connections");
    assert_memory_equal(&pool->balance.steps[0].tunables, &plain.steps[0].tunables,
                        sizeof plain.steps[0].tunables);
    assert_int_equal(pool->connect_timeout_ns, 2 * VALUE_S);
    assert_int_equal(pool->place.line, 2);
    assert_int_equal(pool->place.column, 9);

    const struct config_server *server = &pool->servers[0];
    assert_string_equal(server->id, "127.0.0.1:9001");
    assert_int_equal(server->weight, 1);
    assert_int_equal(server->max_connections, 0);
    assert_int_equal(server->place.column, 23);
    config_free(config);
}

static void test_long_form(void **state)
{
    (void)state;
    struct config *config =
        world_load(NULL,
                   "workers: 4\n"
                   "cpu_affinity: on\n"
                   "timeouts:\n"
                   "  drain: 1m30s\n"
                   "log:\n"
                   "  level: debug\n"
                   "  format: json\n"
                   "  access:\n"
                   "    path: /var/log/access.log\n"
                   "    format: json\n"
                   "listeners:\n"
                   "  - name: web\n"
                   "    bind: [\"0.0.0.0:80\", '[::1]:80', unix:/run/web.sock, '*:81', \":0\"]\n"
                   "    mode: tcp\n"
                   "    pool: b\n"
                   "    limits: {max_connections: 10000}\n"
                   "    timeouts: {tunnel_idle: 250ms}\n"
                   "  - bind: 127.0.0.1:82\n"
                   "    pool: a\n"
                   "    limits: {max_connections: auto}\n"
                   "pools:\n"
                   "  a:\n"
                   "    balance: {algorithm: round_robin}\n"
                   "    servers:\n"
                   "      - {id: b1, address: \"10.0.0.11:8080\", weight: 3}\n"
                   "      - address: '[2001:db8::1]:8081'\n"
                   "        max_connections: 7\n"
                   "      - unix:/run/b3.sock\n"
                   "  b: {servers: ['10.0.0.1:1'], timeouts: {connect: 10s}}\n",
                   "");
    assert_non_null(config);
    assert_int_equal(config->workers, 4);
    assert_true(config->cpu_affinity);
    assert_int_equal(config->drain_ns, 90 * VALUE_S);
    assert_int_equal(config->log.level, CONFIG_LOG_DEBUG);
    assert_int_equal(config->log.format, CONFIG_FORMAT_JSON);
    assert_string_equal(config->log.access_path, "/var/log/access.log");
    assert_int_equal(config->log.access_format, CONFIG_FORMAT_JSON);

    char                          text[ADDRESS_TEXT_MAX];
    const struct config_listener *web = &config->listeners[0];
    assert_int_equal(config->listener_count, 2);
    assert_string_equal(web->name, "web");
    assert_int_equal(web->bind_count, 5);
    assert_string_equal(address_format(&web->binds[0], text), "0.0.0.0:80");
    assert_string_equal(address_format(&web->binds[1], text), "[::1]:80");
    assert_string_equal(address_format(&web->binds[2], text), "unix:/run/web.sock");
    assert_string_equal(address_format(&web->binds[3], text), "[::]:81");
    assert_string_equal(address_format(&web->binds[4], text), "[::]:0");
    assert_int_equal(web->pool, 1);
    assert_int_equal(web->max_connections, 10000);
    assert_int_equal(web->tunnel_idle_ns, 250 * VALUE_MS);
    assert_int_equal(config->listeners[1].pool, 0);
    assert_int_equal(config->listeners[1].max_connections, 0);
    assert_int_equal(config->listeners[1].place.line, 18);

    const struct config_pool *pool = &config->pools[0];
    assert_int_equal(config->pool_count, 2);
    assert_string_equal(pool->name, "a");
    assert_int_equal(pool->server_count, 3);
    assert_string_equal(pool->servers[0].id, "b1");
    assert_int_equal(pool->servers[0].weight, 3);
    assert_string_equal(address_format(&pool->servers[0].address, text), "10.0.0.11:8080");
    assert_string_equal(pool->servers[1].id, "[2001:db8::1]:8081");
    assert_int_equal(pool->servers[1].place.line, 26);
    assert_int_equal(pool->servers[1].max_connections, 7);
    assert_string_equal(pool->servers[2].id, "unix:/run/b3.sock");
    assert_string_equal(config->pools[1].name, "b");
    assert_int_equal(config->pools[1].connect_timeout_ns, 10 * VALUE_S);
    config_free(config);
}

static void test_access_log(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"access: off", "off"},
        {"access: false", "off"},
        {"access: stdout", "stdout"},
        {"access: {path: off}", "off"},
        {"access: {path: \"x y\"}", "x y"},
        {"access: {format: json}", "stderr"},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, WORLD_ROOT("log:\n  %s\n"), cases[i][0]);
        struct config *config = world_load(NULL, text, "");
        assert_non_null(config);
        assert_string_equal(config->log.access_path, cases[i][1]);
        config_free(config);
    }
}

static void test_unknown_keys(void **state)
{
    (void)state;
    world_says(NULL, WORLD_ROOT("worker: 3\nLog: off\nx: 1\n"),
               "f.yaml:3:1: unknown key \"worker\" in the configuration (did you mean "
               "\"workers\"?)\n"
               "f.yaml:4:1: unknown key \"Log\" in the configuration (did you mean \"log\"?)\n"
               "f.yaml:5:1: unknown key \"x\" in the configuration (known here are workers, "
               "cpu_affinity, timeouts, log, include, listeners, pools)\n");
    world_says(NULL, WORLD_ROOT("log: {acess: off, access: {paht: x}}\n"),
               "f.yaml:3:7: unknown key \"acess\" in log of the configuration (did you mean "
               "\"access\"?)\n"
               "f.yaml:3:28: unknown key \"paht\" in log.access of the configuration (did you "
               "mean \"path\"?)\n");
    world_says(NULL,
               WORLD_LISTENER("    bnid: ':1'\n    balance: round_robin\n"
                              "    timeouts: {connect: 1s}\n"),
               "f.yaml:4:5: unknown key \"bnid\" in a listener (did you mean \"bind\"?)\n"
               "f.yaml:5:5: unknown key \"balance\" in a listener (it belongs into a pool)\n"
               "f.yaml:6:16: unknown key \"connect\" in timeouts of a listener (it belongs into a "
               "pool)\n");
    world_says(NULL, WORLD_SERVERS("      - {adress: '127.0.0.1:1'}\n"),
               "f.yaml:5:9: a server has no address (write address: \"127.0.0.1:9001\")\n"
               "f.yaml:5:10: unknown key \"adress\" in a server (did you mean \"address\"?)\n");
    /* Long ones are cut, and never inside of a character. */
    world_says(NULL,
               WORLD_ROOT("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff\xc3\xa9"
                          "xx: 1\n"),
               "f.yaml:3:1: unknown key "
               "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff...\" in the "
               "configuration (known here are workers, cpu_affinity, timeouts, log, include, "
               "listeners, pools)\n");
    /* The dot of this table is not a way to write keys. */
    world_says(NULL, WORLD_ROOT("log.level: info\nlog.access.path: off\nlog: {access.path: x}\n"),
               "f.yaml:3:1: unknown key \"log.level\" in the configuration (write log: {level: "
               "...})\n"
               "f.yaml:4:1: unknown key \"log.access.path\" in the configuration (write log: "
               "{access: {path: ...}})\n"
               "f.yaml:5:7: unknown key \"access.path\" in log of the configuration (write log: "
               "{access: {path: ...}})\n");
    world_says(NULL, WORLD_ROOT("\"a\\nb\": 1\n<<: {workers: 2}\n"),
               "f.yaml:3:1: unknown key \"a\\x0ab\" in the configuration (known here are workers, "
               "cpu_affinity, timeouts, log, include, listeners, pools)\n"
               "f.yaml:4:1: unknown key \"<<\" in the configuration (known here are workers, "
               "cpu_affinity, timeouts, log, include, listeners, pools)\n");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    world_says(NULL, WORLD_ROOT("workers: 1\nlog: {level: info, level: info}\nworkers: 2\n"),
               "f.yaml:4:20: \"level\" is there twice; first in line 4 (remove one of them)\n"
               "f.yaml:5:1: \"workers\" is there twice; first in line 3 (remove one of them)\n");
    world_says(NULL, WORLD_POOL("  p: {servers: ['127.0.0.1:1']}\n"),
               "f.yaml:5:3: \"p\" is there twice; first in line 3 (remove one of them)\n");
}

static void test_later_keys(void **state)
{
    (void)state;
    world_says(NULL, WORLD_ROOT("analytics: {path: a.db}\nadmin: {bind: ':9900'}\n"),
               "f.yaml:3:1: analytics is not supported by this version (remove it)\n"
               "f.yaml:4:1: warning: admin is ignored: this version opens no admin listener\n");
    struct config *config =
        world_load(NULL, WORLD_ROOT("admin: {bind: ':9900'}\n"),
                   "f.yaml:3:1: warning: admin is ignored: this version opens no admin listener\n");
    assert_non_null(config);
    config_free(config);
    world_says(NULL,
               WORLD_LISTENER("    mode: http\n    tls: {}\n    routes: []\n"
                              "    limits: {body_size: 1MiB}\n"),
               "f.yaml:4:11: mode: \"http\" is not supported by this version (write mode: tcp)\n"
               "f.yaml:5:5: tls is not supported by this version (remove it)\n"
               "f.yaml:6:5: routes belongs to mode http, which is not supported by this version "
               "(remove it)\n"
               "f.yaml:7:14: limits.body_size belongs to mode http, which is not supported by this "
               "version (remove it)\n");
    world_says(NULL, WORLD_POOL("    health: {type: tcp}\n    slow_start: 10s\n"),
               "f.yaml:5:5: health is not supported by this version (remove it)\n"
               "f.yaml:6:5: slow_start is not supported by this version (remove it)\n");
    /* There is nothing to switch off. */
    world_says(NULL,
               WORLD_POOL("    health: off\n    retry: null\n    sticky:\n    slow_start: ~\n"
                          "    outlier: false\n"),
               "");
    world_says(NULL, WORLD_LISTENER("    proxy_protocol: off\n    http2: false\n    tls: null\n"),
               "");
}

static void test_kinds(void **state)
{
    (void)state;
    world_says(NULL, WORLD_ROOT("workers: [1]\ncpu_affinity: {}\nlog: 3\ntimeouts: []\n"),
               "f.yaml:3:10: workers: this must be one value, not a list (write workers: 4)\n"
               "f.yaml:4:15: cpu_affinity: this must be one value, not a map (write cpu_affinity: "
               "true)\n"
               "f.yaml:5:6: log: this must be a map (write log: {KEY: VALUE})\n"
               "f.yaml:6:11: timeouts: this must be a map (write timeouts: {KEY: VALUE})\n");
    world_says(NULL, WORLD_ROOT("workers:\ncpu_affinity: ~\nlog: {level: '', access: }\n"),
               "f.yaml:3:9: workers: there is no value (write workers: 4, or remove the key)\n"
               "f.yaml:4:15: cpu_affinity: there is no value (write cpu_affinity: true, or remove "
               "the key)\n"
               "f.yaml:5:14: log.level: there is no value (write level: info, or remove the key)\n"
               "f.yaml:5:26: log.access: there is no value (write log.access: stdout, or remove "
               "the key)\n");
    world_says(NULL, "listeners: {}\npools: []\n",
               "f.yaml:1:12: listeners: this must be a list, not a map (write listeners: [{bind: "
               "\":8000\", pool: NAME}])\n"
               "f.yaml:2:8: pools: this must be a map, not a list (write pools: {NAME: {servers: "
               "[\"127.0.0.1:9001\"]}})\n");
    world_says(NULL, "listeners: []\npools:\n",
               "f.yaml:1:12: listeners: the list is empty (write listeners: [{bind: \":8000\", "
               "pool: NAME}])\n"
               "f.yaml:2:7: pools: the map is empty (write pools: {NAME: {servers: "
               "[\"127.0.0.1:9001\"]}})\n");
    world_says(NULL, "listeners: [x, [], ]\npools: {a: x, b: {servers: {}}, c: {servers: [[]]}}\n",
               "f.yaml:1:13: a listener must be a map, not a text (write KEY: VALUE pairs)\n"
               "f.yaml:1:16: a listener must be a map, not a list (write KEY: VALUE pairs)\n"
               "f.yaml:2:12: a pool must be a map, not a text (write KEY: VALUE pairs)\n"
               "f.yaml:2:28: servers: this must be a list, not a map (write servers: "
               "[\"127.0.0.1:9001\"])\n"
               "f.yaml:2:47: a server must be a map, not a list (write KEY: VALUE pairs)\n");
}

static void test_missing_keys(void **state)
{
    (void)state;
    world_says(NULL, "workers: 2\n",
               "f.yaml: the configuration has no listeners (write listeners: [{bind: \":8000\", "
               "pool: NAME}])\n"
               "f.yaml: the configuration has no pools (write pools: {NAME: {servers: "
               "[\"127.0.0.1:9001\"]}})\n");
    world_says(NULL, "listeners:\n  - name: web\n  - {}\npools:\n  p:\n    balance: round_robin\n",
               "f.yaml:2:5: a listener has no bind (write bind: \":8000\")\n"
               "f.yaml:2:5: a listener has no pool (write pool: NAME)\n"
               "f.yaml:3:5: a listener has no bind (write bind: \":8000\")\n"
               "f.yaml:3:5: a listener has no pool (write pool: NAME)\n"
               "f.yaml:5:3: a pool has no servers (write servers: [\"127.0.0.1:9001\"])\n");
}

static void test_counts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0", "is out of range"},          {"257", "is out of range"},
        {"-1", "is out of range"},         {"99999999999999999999", "is out of range"},
        {"1.5", "is not a whole number"},  {"four", "is not a whole number"},
        {"0x4", "is not a whole number"},  {"1e1", "is not a whole number"},
        {"Auto", "is not a whole number"}, {"-", "is not a whole number"},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        char text[256], expected[256];
        (void)snprintf(text, sizeof text, WORLD_ROOT("workers: '%s'\n"), cases[i][0]);
        (void)snprintf(expected, sizeof expected,
                       "f.yaml:3:10: workers: \"%s\" %s (from 1 to 256, or auto)\n", cases[i][0],
                       cases[i][1]);
        world_says(NULL, text, expected);
    }
    world_says(NULL, WORLD_ROOT("workers: 256\n"), "");
    world_says(NULL, WORLD_ROOT("workers: \"007\"\n"), "");
    world_says(NULL, WORLD_ROOT("cpu_affinity: 1\n"),
               "f.yaml:3:15: cpu_affinity: \"1\" is neither true nor false (write true or "
               "false)\n");
    world_says(NULL, WORLD_SERVERS("    - {address: '127.0.0.1:1', weight: 65536}\n"),
               "f.yaml:5:40: weight: \"65536\" is out of range (from 0 to 65535)\n");
}

static void test_durations(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"5", "\"5\" has no unit (write 5s for seconds; ms, m, h and d are the others)"},
        {"1.5s", "\"1.5s\" is not a duration (write whole numbers, such as 250ms, 5s or 1h30m)"},
        {"soon", "\"soon\" is not a duration (write whole numbers, such as 250ms, 5s or 1h30m)"},
        {"25h", "\"25h\" is out of range (from 0s to 1d)"},
        {"999999999d", "\"999999999d\" is out of range (from 0s to 1d)"},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        char text[256], expected[256];
        (void)snprintf(text, sizeof text, WORLD_ROOT("timeouts:\n  drain: %s\n"), cases[i][0]);
        (void)snprintf(expected, sizeof expected, "f.yaml:4:10: timeouts.drain: %s\n", cases[i][1]);
        world_says(NULL, text, expected);
    }
    world_says(NULL, WORLD_POOL("    timeouts: {connect: 0s}\n"),
               "f.yaml:5:25: timeouts.connect: \"0s\" is out of range (from 1ms to 1h)\n");
}

/* No key takes a size yet, so this one is made up. */
static void test_sizes(void **state)
{
    (void)state;
    static const struct schema_row row = {
        .key = "limit", .type = SCHEMA_SIZE, .min = 1024, .max = 1048576, .example = "64KiB"};
    static const char *const cases[][2] = {
        {"64", "f:1:1: limit: \"64\" has no unit (write 64KiB; B, MiB and GiB are the others)\n"},
        {"64KB", "f:1:1: limit: \"64KB\" is not a size (write whole numbers, such as 512B, 64KiB "
                 "or 1MiB)\n"},
        {"1B", "f:1:1: limit: \"1B\" is out of range (from 1KiB to 1MiB)\n"},
        {"1MiB1B", "f:1:1: limit: \"1MiB1B\" is out of range (from 1KiB to 1MiB)\n"},
        {"2KiB", ""},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        struct arena  arena;
        struct errors errors;
        arena_init(&arena);
        errors_init(&errors);
        struct loading loading = {.errors = &errors, .keep = &arena, .scratch = &arena};
        struct reading reading;
        reading_init(&reading, &loading);
        struct node       node  = {.kind  = NODE_TEXT,
                                   .text  = slice_of(cases[i][0]),
                                   .place = {.file = "f", .line = 1, .column = 1}};
        struct read_value value = {.reading = &reading, .row = &row, .key = "limit", .node = &node};
        uint64_t          bytes = 7;
        read_value(&value, &bytes);
        char *said = world_said(&errors);
        assert_string_equal(said, cases[i][1]);
        assert_int_equal(bytes, said[0] == '\0' ? 2048 : 7);
        free(said);
        reading_fini(&reading);
        errors_fini(&errors);
        arena_fini(&arena);
    }
}

static void test_words(void **state)
{
    (void)state;
    world_says(NULL, WORLD_ROOT("log: {level: inof, format: xml}\n"),
               "f.yaml:3:14: log.level: \"inof\" is not known here (did you mean \"info\"?)\n"
               "f.yaml:3:28: log.format: \"xml\" is not known here (one of logfmt, json)\n");
    world_says(NULL, WORLD_LISTENER("    mode: tpc\n"),
               "f.yaml:4:11: mode: \"tpc\" is not known here (did you mean \"tcp\"?)\n");
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const servers[][2] = {
        {"9001", "is a port without an address (write \"127.0.0.1:9001\")"},
        {"127.0.0.1", "has no port (write \"127.0.0.1:PORT\")"},
        {"app", "has no port (write \"app:PORT\")"},
        {"127.0.0.1:0", "does not end in a port number (from 1 to 65535)"},
        {"127.0.0.1:65536", "does not end in a port number (from 1 to 65535)"},
        {"127.0.0.1:http", "does not end in a port number (from 1 to 65535)"},
        {"127.0.0.300:1", "is not an address (write address: \"127.0.0.1:9001\")"},
        {":9001", "is not an address (write address: \"127.0.0.1:9001\")"},
        {"http://a:80/", "is a URL (write HOST:PORT alone)"},
        {"::1:9001", "looks like IPv6, which needs brackets and a port (write it like "
                     "\"[2001:db8::1]:9001\")"},
        {"[::1]", "has no port (write \"[::1]:PORT\")"},
        {"unix:", "is not an address (write address: \"127.0.0.1:9001\")"},
    };
    for (size_t i = 0; i < LL_COUNT(servers); i++) {
        char text[256], expected[256];
        (void)snprintf(text, sizeof text, WORLD_SERVERS("    - address: '%s'\n"), servers[i][0]);
        (void)snprintf(expected, sizeof expected, "f.yaml:5:16: address: \"%s\" %s\n",
                       servers[i][0], servers[i][1]);
        world_says(NULL, text, expected);
    }
    world_says(NULL, WORLD_LISTENER("  - {bind: 8000, pool: p}\n  - {bind: ':x', pool: p}\n"),
               "f.yaml:4:12: bind: \"8000\" is a port without an address (write \":8000\")\n"
               "f.yaml:5:12: bind: \":x\" does not end in a port number (from 1 to 65535, or 0 to "
               "let the system choose)\n");
    world_says(NULL, WORLD_LISTENER("  - {bind: [], pool: p}\n  - {bind: [{}, ':1'], pool: p}\n"),
               "f.yaml:4:12: bind: the list is empty (write bind: \":8000\")\n"
               "f.yaml:5:13: bind: this must be one value, not a map (write bind: \":8000\")\n");

    char text[8192], *end = text;
    end += snprintf(end, 256, "%s", "listeners: [{pool: p, bind: [");
    for (unsigned i = 0; i <= READ_BINDS_MAX; i++)
        end += snprintf(end, 256, "':%u',", i + 1);
    (void)snprintf(end, 256, "%s", "]}]\npools: {p: {servers: ['127.0.0.1:9001']}}\n");
    world_says(NULL, text,
               "f.yaml:1:29: bind: these are too many addresses (at most 64; add another "
               "listener)\n");

    char path[ADDRESS_PATH_MAX + 1] = "";
    memset(path, 'x', ADDRESS_PATH_MAX);
    (void)snprintf(text, sizeof text, WORLD_SERVERS("    - unix:%s\n"), path);
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "f.yaml:5:7: address: \"unix:%.55s...\" is too long for a Unix socket (the path "
                   "may have 107 bytes)\n",
                   path);
    world_says(NULL, text, expected);
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *hosts[][2] = {
        {"localhost", "127.0.0.1"}, {"app.internal", "10.0.0.7"}, {NULL, NULL}};
    struct world   world  = {.hosts = hosts};
    struct config *config = world_load(&world,
                                       "listeners: [{bind: 'localhost:8000', pool: p}]\n"
                                       "pools: {p: {servers: ['app.internal:9001']}}\n",
                                       "");
    assert_non_null(config);
    char text[ADDRESS_TEXT_MAX];
    assert_string_equal(config->listeners[0].name, "localhost:8000");
    assert_string_equal(address_format(&config->listeners[0].binds[0], text), "127.0.0.1:8000");
    assert_string_equal(config->pools[0].servers[0].id, "app.internal:9001");
    assert_string_equal(address_format(&config->pools[0].servers[0].address, text),
                        "10.0.0.7:9001");
    config_free(config);
    world_says(&world, WORLD_SERVERS("    - ap.internal:9001\n"),
               "f.yaml:5:7: address: \"ap.internal\" cannot be looked up: no such host (check the "
               "name, or write an IP address)\n");
}

static void test_names(void **state)
{
    (void)state;
    world_says(NULL, WORLD_LISTENER("    name: my web\n"),
               "f.yaml:4:11: name: the name \"my web\" has a space or a control character in it "
               "(use up to 255 letters, digits, dots, hyphens and underscores)\n");
    world_says(NULL, WORLD_POOL("  'a b': {servers: ['127.0.0.1:1']}\n"),
               "f.yaml:5:3: pools: the name \"a b\" has a space or a control character in it (use "
               "up to 255 letters, digits, dots, hyphens and underscores)\n");
    world_says(NULL, WORLD_POOL("  '': {servers: ['127.0.0.1:1']}\n"),
               "f.yaml:5:3: pools: the name \"\" is empty (use up to 255 letters, digits, dots, "
               "hyphens and underscores)\n");
    char text[1024];
    (void)snprintf(text, sizeof text, WORLD_LISTENER("    name: %0256d\n"), 0);
    world_says(NULL, text,
               "f.yaml:4:11: name: the name "
               "\"000000000000000000000000000000000000000000000000000000000000...\" is too long "
               "(use up to 255 letters, digits, dots, hyphens and underscores)\n");
    /* The path of a Unix socket may have a space, but then it needs a name. */
    world_says(NULL, WORLD_SERVERS("    - 'unix:/run/a b'\n"),
               "f.yaml:5:7: id: the name \"unix:/run/a b\" has a space or a control character in "
               "it (use up to 255 letters, digits, dots, hyphens and underscores)\n");
    world_says(NULL, WORLD_SERVERS("    - {id: a, address: 'unix:/run/a b'}\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_long_form),
        cmocka_unit_test(test_access_log),     cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_duplicate_keys), cmocka_unit_test(test_later_keys),
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_missing_keys),
        cmocka_unit_test(test_counts),         cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_words),
        cmocka_unit_test(test_addresses),      cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
