/* SPDX-License-Identifier: Apache-2.0 */
#include "config/validate.h"

#include "support/config_world.h"

static void test_pool_names(void **state)
{
    (void)state;
    world_says(NULL,
               "listeners:\n"
               "  - {bind: ':1', pool: ecoh}\n"
               "  - {bind: ':2', pool: something}\n"
               "pools: {echo: {servers: ['127.0.0.1:9001']}}\n",
               "f.yaml:2:24: pool: there is no pool \"ecoh\" (did you mean \"echo\"?)\n"
               "f.yaml:3:24: pool: there is no pool \"something\" (add it under pools)\n");
}

static void test_unused_pool(void **state)
{
    (void)state;
    struct config *config =
        world_load(NULL, WORLD_POOL("  spare: {servers: ['127.0.0.1:1']}\n"),
                   "f.yaml:5:3: warning: pools: no listener uses \"spare\" (name it in a listener, "
                   "or remove it)\n");
    assert_non_null(config);
    assert_int_equal(config->pool_count, 2);
    config_free(config);
}

static void test_listener_names(void **state)
{
    (void)state;
    world_says(NULL,
               "listeners:\n"
               "  - {name: web, bind: ':1', pool: p}\n"
               "  - {bind: ':2', name: web, pool: p}\n"
               "  - {bind: ':3', name: ':4', pool: p}\n"
               "  - {bind: ':4', pool: p}\n"
               "pools: {p: {servers: ['127.0.0.1:9001']}}\n",
               "f.yaml:3:24: name: \"web\" is the name of the listener in line 2 too (give each "
               "listener a name of its own)\n"
               "f.yaml:5:5: name: \":4\" is the name of the listener in line 4 too (give each "
               "listener a name of its own)\n");
}

static void test_binds(void **state)
{
    (void)state;
    world_says(NULL,
               "listeners:\n"
               "  - {bind: ':80', pool: p}\n"
               "  - {bind: ':80', pool: p}\n"
               "  - {name: a, bind: ['127.0.0.1:80', '127.0.0.1:80'], pool: p}\n"
               "  - {name: b, bind: ['0.0.0.0:80'], pool: p}\n"
               "  - {name: c, bind: ['[::1]:80', 'unix:/a', '*:81', 'unix:/a'], pool: p}\n"
               "pools: {p: {servers: ['127.0.0.1:9001']}}\n",
               "f.yaml:3:12: bind: \":80\" is bound in line 2 already (listen on another port, or "
               "remove one)\n"
               "f.yaml:4:38: bind: \"127.0.0.1:80\" is bound in line 4 already (listen on another "
               "port, or remove one)\n"
               "f.yaml:5:22: bind: \"0.0.0.0:80\" is bound in line 2 already: [::] takes IPv4 too "
               "(listen on another port, or remove one)\n"
               "f.yaml:6:53: bind: \"unix:/a\" is bound in line 6 already (listen on another "
               "port, or remove one)\n");
}

/* "[::]:80" takes IPv4 too, so that the other of such a pair is nothing to bind. */
static void test_both_families(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "listeners: [{name: a, bind: [':1', '0.0.0.0:80', '[::]:80', ':2'], pool: p}]\n"
        "pools: {p: {servers: ['127.0.0.1:9001']}}\n",
        "listeners: [{name: a, bind: [':1', '[::]:80', '0.0.0.0:80', ':2'], pool: p}]\n"
        "pools: {p: {servers: ['127.0.0.1:9001']}}\n",
    };
    for (size_t i = 0; i < LL_COUNT(texts); i++) {
        struct config *config = world_load(NULL, texts[i], "");
        assert_non_null(config);
        const struct config_listener *listener = &config->listeners[0];
        static const char *const      left[]   = {"[::]:1", "[::]:80", "[::]:2"};
        assert_int_equal(listener->bind_count, LL_COUNT(left));
        for (uint32_t j = 0; j < listener->bind_count; j++) {
            char text[ADDRESS_TEXT_MAX];
            assert_string_equal(address_format(&listener->binds[j], text), left[j]);
        }
        config_free(config);
    }
    /* Port 0 is another each time. */
    struct config *config = world_load(NULL,
                                       "listeners: [{name: a, bind: [':0', ':0', '0.0.0.0:0'], "
                                       "pool: p}]\n"
                                       "pools: {p: {servers: ['127.0.0.1:9001']}}\n",
                                       "");
    assert_non_null(config);
    assert_int_equal(config->listeners[0].bind_count, 3);
    config_free(config);
}

static void test_servers(void **state)
{
    (void)state;
    world_says(NULL,
               WORLD_SERVERS("      - 127.0.0.1:1\n"
                             "      - 127.0.0.1:2\n"
                             "      - {id: a, address: '127.0.0.1:1'}\n"
                             "      - 127.0.0.1:1\n"
                             "      - {id: a, address: '127.0.0.1:3'}\n"),
               "f.yaml:8:9: servers: \"127.0.0.1:1\" is in this pool twice; first in line 5 "
               "(remove one of them, or give each an id of its own)\n"
               "f.yaml:9:14: servers: \"a\" is in this pool twice; first in line 7 (remove one of "
               "them, or give each an id of its own)\n");
    world_says(NULL,
               WORLD_SERVERS("      - {address: '127.0.0.1:1', weight: 0}\n"
                             "      - {address: '127.0.0.1:2', weight: 0}\n"),
               "f.yaml:5:7: servers: all have weight 0, so that none would get connections (give "
               "at least one a weight from 1 to 65535)\n");
    struct config *config = world_load(NULL,
                                       WORLD_SERVERS("      - 127.0.0.1:1\n"
                                                     "      - {address: '127.0.0.1:2', "
                                                     "weight: 0}\n"),
                                       "");
    assert_non_null(config);
    config_free(config);
}

/* More than a pool can hold is said here, and not found out when it is filled. */
static void test_many_servers(void **state)
{
    (void)state;
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    fputs("listeners: [{bind: ':8000', pool: p}]\npools:\n  p:\n    servers: [", out);
    for (unsigned i = 0; i < 65536; i++)
        fprintf(out, "'1.1.1.%u:%u',", i / 256, i % 256 + 1);
    fputs("]\n", out);
    (void)fclose(out);
    world_says(NULL, text,
               "f.yaml:4:14: servers: 65536 are more than a pool takes: 65535 (make more pools of "
               "them)\n");
    free(text);
}

static void test_zones(void **state)
{
    (void)state;
    world_says(NULL, WORLD_POOL("    zone: east\n"),
               "f.yaml:5:11: zone: no server of this pool is in zone \"east\" (give the servers "
               "near by `zone` too, or remove it here)\n");
    world_says(NULL,
               WORLD_SERVERS("      - {address: '127.0.0.1:1', zone: east}\n"
                             "      - {address: '127.0.0.1:2', zone: west}\n"
                             "    zone: west\n"),
               "");
}

#define CIRCLE(place, server)                                                                      \
    "f.yaml:" place ": servers: \"" server                                                         \
    "\" is a listener of this configuration, whose connections would come back to it (name a "     \
    "server that is not this limeload)\n"

static void test_circles(void **state)
{
    (void)state;
    world_says(NULL,
               "listeners:\n"
               "  - {bind: ':80', pool: a}\n"
               "  - {bind: '127.0.0.1:81', pool: b}\n"
               "  - {bind: 'unix:/c', pool: c}\n"
               "  - {bind: '0.0.0.0:84', pool: d}\n"
               "  - {bind: '[::1]:85', pool: e}\n"
               "pools:\n"
               "  a: {servers: ['127.9.9.9:80', '127.0.0.1:9001']}\n" /* itself */
               "  b: {servers: ['unix:/c']}\n"                        /* there and back */
               "  c: {servers: ['127.0.0.1:81']}\n"
               "  d: {servers: ['[::1]:85']}\n" /* to an end */
               "  e: {servers: ['[::1]:84', '127.0.0.1:85', '10.0.0.1:80']}\n",
               CIRCLE("8:17", "127.9.9.9:80") CIRCLE("9:17", "unix:/c")
                   CIRCLE("10:17", "127.0.0.1:81"));
    world_says(NULL,
               "listeners: [{bind: ':80', pool: a}, {bind: ':81', pool: b}]\n"
               "pools: {a: {servers: ['[::1]:81']}, b: {servers: ['0.0.0.0:80']}}\n",
               CIRCLE("2:23", "[::1]:81") CIRCLE("2:51", "0.0.0.0:80"));
    /* A chain of listeners that ends is a way to do things. */
    world_says(NULL,
               "listeners: [{bind: ':80', pool: a}, {bind: ':81', pool: b}]\n"
               "pools: {a: {servers: ['[::1]:81', '127.0.0.1:81']}, b: {servers: "
               "['127.0.0.1:9001']}}\n",
               "");
    /* One server leads back and another to an end. */
    world_says(NULL,
               "listeners: [{bind: ':80', pool: a}, {bind: ':81', pool: b}]\n"
               "pools: {a: {servers: ['127.0.0.1:81', '127.0.0.1:80']}, b: {servers: "
               "['127.0.0.1:9001']}}\n",
               CIRCLE("2:39", "127.0.0.1:80"));
    /* Into a circle from outside. */
    world_says(NULL,
               "listeners: [{bind: ':80', pool: a}, {bind: ':81', pool: b}]\n"
               "pools: {a: {servers: ['127.0.0.1:81']}, b: {servers: ['127.0.0.1:81']}}\n",
               CIRCLE("2:23", "127.0.0.1:81") CIRCLE("2:55", "127.0.0.1:81"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_names),     cmocka_unit_test(test_unused_pool),
        cmocka_unit_test(test_listener_names), cmocka_unit_test(test_binds),
        cmocka_unit_test(test_both_families),  cmocka_unit_test(test_servers),
        cmocka_unit_test(test_many_servers),   cmocka_unit_test(test_circles),
        cmocka_unit_test(test_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
