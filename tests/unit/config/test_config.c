/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/loading.h"
#include "support/config_world.h"

#include <sys/stat.h>

/* A folder of files, which the test leaves as it found it: without. */
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/limeload-test-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); /* NOLINT: the path is ours */
}

/* Absolute; lives until the next call. */
static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Loads a file and demands that this is said of it, "%s" being the path. */
static struct config *load_file(const char *path, const char *expected)
{
    char          text[1024];
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load(path, &errors);
    char          *said   = world_said(&errors);
    (void)snprintf(text, sizeof text, "%s%s", expected[0] != '\0' ? path : "", expected);
    assert_string_equal(said, text);
    assert_int_equal(config == NULL, errors.fatal > 0);
    free(said);
    errors_fini(&errors);
    return config;
}

static void test_default(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load_default(&errors);
    assert_non_null(config);
    assert_int_equal(errors.fatal + errors.warnings, 0);
    assert_string_equal(config->source, "built-in default");

    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(config->listener_count, 1);
    const struct config_listener *listener = &config->listeners[0];
    assert_string_equal(listener->name, ":8000");
    assert_int_equal(listener->mode, CONFIG_MODE_TCP);
    assert_int_equal(listener->bind_count, 1);
    assert_string_equal(address_format(&listener->binds[0], text), "[::]:8000");
    assert_int_equal(listener->pool, 0);

    assert_int_equal(config->pool_count, 1);
    const struct config_pool *pool = &config->pools[0];
    assert_string_equal(pool->name, "default");
    assert_int_equal(pool->balance.count, 1);
    assert_string_equal(pool->balance.steps[0].algorithm, "round_robin");
    assert_int_equal(pool->server_count, 3);
    assert_string_equal(pool->servers[0].id, "127.0.0.1:9001");
    assert_string_equal(pool->servers[1].id, "127.0.0.1:9002");
    assert_string_equal(address_format(&pool->servers[2].address, text), "127.0.0.1:9003");
    assert_int_equal(pool->servers[2].weight, 1);
    config_free(config);
    errors_fini(&errors);
}

static void test_refused_files(void **state)
{
    (void)state;
    assert_null(load_file(in_folder("none.yaml"), ": the file cannot be read: No such file or "
                                                  "directory (check the path)\n"));
    assert_null(load_file(folder, ": the file is a folder (name a file in it)\n"));
    assert_null(load_file("/dev/zero", ": the file is larger than 1024 KiB (split it up with "
                                       "include)\n"));
    write_file("empty.yaml", "");
    assert_null(load_file(in_folder("empty.yaml"), ": the configuration is empty (begin with "
                                                   "listeners: and pools:)\n"));
}

static void test_unreadable_file(void **state)
{
    (void)state;
    write_file("secret.yaml", WORLD_ROOT(""));
    write_file("outer.yaml", WORLD_ROOT("include: locked/*.yaml\n"));
    assert_int_equal(chmod(in_folder("secret.yaml"), 0), 0);
    assert_int_equal(mkdir(in_folder("locked"), 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(in_folder("outer.yaml"), 0644), 0);
    bool root = geteuid() == 0; /* may read everything, so let another try */
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_null(load_file(in_folder("secret.yaml"), ": the file cannot be read: Permission denied "
                                                    "(check its permissions)\n"));
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   ":3:10: include: \"%s/locked/*.yaml\" cannot be read: Permission denied (check "
                   "its permissions)\n",
                   folder);
    assert_null(load_file(in_folder("outer.yaml"), expected));
    if (root)
        assert_int_equal(seteuid(0), 0);
}

/* Up to the last byte that is allowed, and one more. */
static void test_large_file(void **state)
{
    (void)state;
    char *text = malloc(LOADING_FILE_MAX + 2);
    memset(text, '#', LOADING_FILE_MAX + 1);
    memcpy(text, WORLD_ROOT("#"), strlen(WORLD_ROOT("#")));
    text[LOADING_FILE_MAX] = '\0';
    write_file("large.yaml", text);
    struct config *config = load_file(in_folder("large.yaml"), "");
    assert_non_null(config);
    config_free(config);
    text[LOADING_FILE_MAX]     = '#';
    text[LOADING_FILE_MAX + 1] = '\0';
    write_file("large.yaml", text);
    assert_null(load_file(in_folder("large.yaml"), ": the file is larger than 1024 KiB (split it "
                                                   "up with include)\n"));
    free(text);
}

static void test_files_and_variables(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("conf.d"), 0755), 0);
    write_file("conf.d/b.yaml", "pools: {b: {servers: ['127.0.0.1:1']}}\n");
    write_file("conf.d/a.yaml", "pools: {a: {servers: ['localhost:2']}}\n");
    write_file("conf.d/.hidden.yaml", "never: read\n");
    write_file("conf.d/c.yaml~", "never: read\n");
    write_file("main.yaml", "listeners: [{bind: ':${LIMELOAD_TEST_PORT}', pool: a}, {bind: ':0', "
                            "pool: b}]\ninclude: [conf.d/*.yaml, none.d/*.yaml]\n");
    assert_int_equal(setenv("LIMELOAD_TEST_PORT", "8123", 1), 0);
    struct config *config = load_file(in_folder("main.yaml"), "");
    assert_non_null(config);
    assert_int_equal(config->listeners[0].binds[0].endpoint.port, 8123);
    assert_string_equal(config->pools[0].name, "a");
    assert_string_equal(config->pools[1].name, "b");
    assert_string_equal(config->pools[1].place.file, in_folder("conf.d/b.yaml"));
    char text[ADDRESS_TEXT_MAX];
    assert_string_equal(address_format(&config->pools[0].servers[0].address, text), "127.0.0.1:2");
    config_free(config);
    assert_int_equal(unsetenv("LIMELOAD_TEST_PORT"), 0);
    assert_null(load_file(in_folder("main.yaml"),
                          ":1:20: the variable LIMELOAD_TEST_PORT is not set (set it, or give a "
                          "default: ${LIMELOAD_TEST_PORT:-default})\n"));
}

/* A reserved name that no resolver may answer. */
static void test_unknown_host(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    assert_null(
        config_load_text("f.yaml", SLICE(WORLD_SERVERS("    - none.invalid:80\n")), &errors));
    assert_int_equal(errors.fatal, 1);
    const char *what = "address: \"none.invalid\" cannot be looked up: ";
    assert_memory_equal(errors.first->what, what, strlen(what));
    assert_string_equal(errors.first->remedy, "check the name, or write an IP address");
    errors_fini(&errors);
}

/* Loading adds to what the list holds, and only what it adds itself refuses. */
static void test_earlier_errors(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    errors_add(&errors, ERROR_FATAL, (struct error_place){.file = NULL}, "", "from before");
    struct config *config = config_load_text("f.yaml", SLICE(WORLD_ROOT("")), &errors);
    assert_non_null(config);
    assert_int_equal(errors.fatal, 1);
    config_free(config);
    config_free(NULL);
    errors_fini(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_unreadable_file),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_files_and_variables),
        cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_earlier_errors),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
