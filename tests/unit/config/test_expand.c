/* SPDX-License-Identifier: Apache-2.0 */
#include "support/config_world.h"

static const char *variables[][2] = {
    {"HOST", "10.0.0.1"},
    {"PORT", "9001"},
    {"EMPTY", ""},
    {"_x1", "info"},
    {"EVIL", "x}]\npools: {q: {}}"},
    {"OFF", "off"},
    {NULL, NULL},
};
static struct world world = {.variables = variables};

static void check_path(const char *written, const char *read)
{
    char text[512];
    (void)snprintf(text, sizeof text, WORLD_ROOT("log: {access: '%s'}\n"), written);
    struct config *config = world_load(&world, text, "");
    assert_non_null(config);
    assert_string_equal(config->log.access_path, read);
    config_free(config);
}

static void test_values(void **state)
{
    (void)state;
    check_path("${HOST}", "10.0.0.1");
    check_path("a${HOST}b${PORT}c", "a10.0.0.1b9001c");
    check_path("${_x1}${EMPTY}", "info");
    check_path("${NONE:-default}", "default");
    check_path("${EMPTY:-default}", "default");
    check_path("x${NONE:-}", "x");
    check_path("${HOST:-default}", "10.0.0.1");
    check_path("${HOST:?message}", "10.0.0.1");
    check_path("${NONE:-a:-b?}", "a:-b?");
    check_path("$$", "$");
    check_path("$${HOST}", "${HOST}");
    check_path("a$b$", "a$b$");
    check_path("$$$$", "$$");
    check_path("}{", "}{");
    check_path("${OFF}", "off");
}

/* Every kind of value, quoted or not, but no key. */
static void test_everywhere(void **state)
{
    (void)state;
    struct config *config = world_load(
        &world,
        "log:\n  level: ${_x1}\n"
        "workers: ${NONE:-3}\n"
        "listeners:\n"
        "  - {bind: [\":${PORT}\"], pool: \"${NONE:-p}\", timeouts: {tunnel_idle: \"${PORT}ms\"}}\n"
        "pools:\n"
        "  p: {servers: ['${HOST}:${PORT}']}\n",
        "");
    assert_non_null(config);
    assert_int_equal(config->workers, 3);
    assert_int_equal(config->listeners[0].binds[0].endpoint.port, 9001);
    assert_int_equal(config->listeners[0].tunnel_idle_ns, 9001 * UINT64_C(1000000));
    assert_string_equal(config->pools[0].servers[0].id, "10.0.0.1:9001");
    config_free(config);

    world_says(&world, WORLD_ROOT("${_x1}: 3\n"),
               "f.yaml:3:1: unknown key \"${_x1}\" in the configuration (known here are workers, "
               "cpu_affinity, timeouts, log, include, listeners, pools)\n");
}

/* What a variable holds is a value and never structure. */
static void test_injection(void **state)
{
    (void)state;
    check_path("${EVIL}", "x}]\npools: {q: {}}");
    struct config *config =
        world_load(&world, WORLD_ROOT("log: {access: {path: '${EVIL}'}}\n"), "");
    assert_int_equal(config->pool_count, 1);
    config_free(config);
}

static void test_errors(void **state)
{
    (void)state;
    world_says(&world, WORLD_ROOT("workers: ${NONE}\n"),
               "f.yaml:3:10: the variable NONE is not set (set it, or give a default: "
               "${NONE:-default})\n");
    world_says(&world, WORLD_ROOT("workers: \"${NONE:?how many threads}\"\n"),
               "f.yaml:3:10: the variable NONE is not set: how many threads (set it in the "
               "environment)\n");
    world_says(&world, WORLD_ROOT("workers: ${EMPTY:?how many}\n"),
               "f.yaml:3:10: the variable EMPTY is not set: how many (set it in the "
               "environment)\n");
    world_says(&world, WORLD_ROOT("workers: ${EMPTY}\n"),
               "f.yaml:3:10: workers: there is no value (write workers: 4, or remove the key)\n");
    world_says(&world, WORLD_ROOT("workers: \"${HOST\"\n"),
               "f.yaml:3:10: \"${HOST\" has no end (close it with }, or write $$ for a plain "
               "dollar)\n");
    static const char *const bad[] = {"${}", "${1A}", "${A-b}", "${A:b}", "${A:-${B}", "${A b}"};
    for (size_t i = 0; i < LL_COUNT(bad); i++) {
        char text[256], expected[256];
        (void)snprintf(text, sizeof text, WORLD_ROOT("workers: \"%s\"\n"), bad[i]);
        (void)snprintf(expected, sizeof expected,
                       "f.yaml:3:10: \"%s\" is not a variable (write ${NAME}, ${NAME:-default} or "
                       "${NAME:?message}; $$ is a plain dollar)\n",
                       bad[i]);
        world_says(&world, text, expected);
    }
    world_says(&world, WORLD_ROOT("log: {level: ${OFF}}\n"),
               "f.yaml:3:15: did not find expected ',' or '}' (in { } and [ ] put quotes around "
               "\"${NAME}\")\n");
    /* Several in one run, and nothing more is said about those values. */
    world_says(&world, WORLD_ROOT("workers: ${A}${B}\nlog: {level: '${C}', format: xml}\n"),
               "f.yaml:3:10: the variable A is not set (set it, or give a default: "
               "${A:-default})\n"
               "f.yaml:3:10: the variable B is not set (set it, or give a default: "
               "${B:-default})\n"
               "f.yaml:4:14: the variable C is not set (set it, or give a default: "
               "${C:-default})\n"
               "f.yaml:4:30: log.format: \"xml\" is not known here (one of logfmt, json)\n");
}

/* A long variable in many places cannot take the machine's memory. */
static void test_bomb(void **state)
{
    (void)state;
    size_t size = 100000, uses = 1000;
    char  *value = malloc(size + 1);
    memset(value, 'x', size);
    value[size]             = '\0';
    const char  *large[][2] = {{"A", value}, {NULL, NULL}};
    struct world bomb       = {.variables = large};
    char        *text       = NULL;
    size_t       text_size  = 0;
    FILE        *out        = open_memstream(&text, &text_size);
    fputs("log: {access: \"", out);
    for (size_t i = 0; i < uses; i++)
        fputs("${A}", out);
    fputs("\"}\n", out);
    (void)fclose(out);
    struct config_outside outside = world_outside(&bomb);
    struct errors         errors;
    errors_init(&errors);
    assert_null(config_load_from(&outside, "f.yaml", slice_of(text), &errors));
    assert_string_equal(errors.first->what,
                        "with \"A\" the variables of this configuration hold more than 1024 KiB");
    errors_fini(&errors);
    free(text);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),    cmocka_unit_test(test_everywhere),
        cmocka_unit_test(test_injection), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
