/* SPDX-License-Identifier: Apache-2.0 */
#include "config/include.h"

#include "support/config_world.h"

#define LISTENER(port) "listeners: [{bind: \":" port "\", pool: p}]\n"
#define POOL(name)     "pools: {" name ": {servers: [\"127.0.0.1:9001\"]}}\n"

static void test_merge(void **state)
{
    (void)state;
    static const char *files[][2] = {
        {"conf.d/a.yaml", LISTENER("8001") POOL("a")},
        {"conf.d/b.yaml", "# nothing\n"},
        {"conf.d/c.yaml", "listeners:\n  - bind: \":8002\"\n    pool: a\n"},
        {"conf.d/c.txt", "not: included\n"},
        {"more/d.yaml", "include: [sub/e.yaml, /etc/f.yaml]\n" POOL("d")},
        {"more/sub/e.yaml", "listeners: [{bind: \":8003\", pool: d}]\n"},
        {"/etc/f.yaml", "listeners: [{bind: \":8004\", pool: d}]\n"},
        {NULL, NULL},
    };
    struct world   world = {.files = files};
    struct config *config =
        world_load(&world,
                   LISTENER("8000") POOL("p") "include: [\"conf.d/*.yaml\", more/d.yaml, "
                                              "\"none/*.yaml\"]\n",
                   "");
    assert_non_null(config);
    assert_int_equal(config->listener_count, 5);
    assert_int_equal(config->pool_count, 3);
    static const char *const names[] = {":8000", ":8001", ":8002", ":8003", ":8004"};
    static const char *const pools[] = {"p", "p", "a", "d", "d"};
    static const char *const from[]  = {"f.yaml", "conf.d/a.yaml", "conf.d/c.yaml",
                                        "more/sub/e.yaml", "/etc/f.yaml"};
    for (uint32_t i = 0; i < config->listener_count; i++) {
        assert_string_equal(config->listeners[i].name, names[i]);
        assert_string_equal(config->pools[config->listeners[i].pool].name, pools[i]);
        assert_string_equal(config->listeners[i].place.file, from[i]);
    }
    config_free(config);
}

/* The main file need not define any itself. */
static void test_all_included(void **state)
{
    (void)state;
    static const char *files[][2] = {
        {"a.yaml", LISTENER("1")}, {"b.yaml", POOL("p") LISTENER("2")}, {NULL, NULL}};
    struct world   world  = {.files = files};
    struct config *config = world_load(&world, "include: \"*.yaml\"\n", "");
    assert_non_null(config);
    assert_int_equal(config->listener_count, 2);
    config_free(config);
}

static void check(const char *(*files)[2], const char *text, const char *expected)
{
    struct world world = {.files = files};
    world_says(&world, text, expected);
}

static void test_duplicates(void **state)
{
    (void)state;
    static const char *files[][2] = {{"a.yaml", "\n" LISTENER("8000") POOL("p")}, {NULL, NULL}};
    check(files, "include: a.yaml\n" LISTENER("8000") POOL("p"),
          "a.yaml:2:20: bind: \":8000\" is bound in line 2 of f.yaml already (listen on another "
          "port, or remove one)\n"
          "a.yaml:3:9: \"p\" is there twice; first in line 3 of f.yaml (remove one of them)\n");
    static const char *same[][2] = {
        {"a.yaml", "pools:\n  q: {servers: ['127.0.0.1:1']}\npools: {}\n"}, {NULL, NULL}};
    check(same, WORLD_ROOT("include: a.yaml\n"),
          "a.yaml:3:1: \"pools\" is there twice; first in line 1 (remove one of them)\n");
}

static void test_wrong_keys(void **state)
{
    (void)state;
    static const char *files[][2] = {
        {"a.yaml", "workers: 2\npools: []\n"}, {"b.yaml", "- 1\n"}, {NULL, NULL}};
    check(files, WORLD_ROOT("include: a.yaml\n"),
          "a.yaml:1:1: \"workers\" does not belong into an included file (move it to the main "
          "file)\n"
          "a.yaml:2:8: pools: this must be a map, not a list (write NAME: {servers: "
          "[ADDRESS]})\n");
    static const char *good[][2] = {{"l.yaml", LISTENER("1")}, {"p.yaml", POOL("p")}, {NULL, NULL}};
    check(good, "pools: {}\nlisteners: []\ninclude: [l.yaml, p.yaml]\n", "");
    check(good, "pools: []\nlisteners: {}\ninclude: [l.yaml, p.yaml]\n",
          "f.yaml:1:8: pools: this must be a map, not a list (write pools: {NAME: {servers: "
          "[\"127.0.0.1:9001\"]}})\n"
          "f.yaml:2:12: listeners: this must be a list, not a map (write listeners: [{bind: "
          "\":8000\", pool: NAME}])\n");
    check(files, WORLD_ROOT("include: b.yaml\n"),
          "b.yaml:1:1: the configuration is not a map of keys (begin with listeners: and "
          "pools:)\n");
}

static void test_missing(void **state)
{
    (void)state;
    static const char *files[][2] = {
        {"folder", "/"}, {"a/b.yaml", "include: c.yaml\n"}, {"bad.yaml", "a: [\n"}, {NULL, NULL}};
    check(files, WORLD_ROOT("include: [none.yaml, folder, a/b.yaml, bad.yaml]\n"),
          "a/b.yaml:1:10: include: \"a/c.yaml\" cannot be read: No such file or directory (check "
          "the path)\n"
          "bad.yaml:1:4: this bracket is never closed (add the closing bracket)\n"
          "f.yaml:3:11: include: \"none.yaml\" cannot be read: No such file or directory (check "
          "the path)\n"
          "f.yaml:3:22: include: \"folder\" is a folder (write FOLDER/*.yaml for the files in "
          "it)\n");
    check(files, WORLD_ROOT("include: {}\n"),
          "f.yaml:3:10: include: this must be a path or a list of paths (write include: "
          "conf.d/*.yaml)\n");
    check(files, WORLD_ROOT("include: ['', []]\n"),
          "f.yaml:3:11: include: this must be a path or a list of paths (write include: "
          "conf.d/*.yaml)\n"
          "f.yaml:3:15: include: this must be a path or a list of paths (write include: "
          "conf.d/*.yaml)\n");
    check(files, WORLD_ROOT("include: ${NONE}\n"),
          "f.yaml:3:10: the variable NONE is not set (set it, or give a default: "
          "${NONE:-default})\n");
}

static void test_cycles(void **state)
{
    (void)state;
    static const char *files[][2] = {{"a.yaml", "include: b.yaml\n"},
                                     {"b.yaml", "include: a.yaml\n"},
                                     {"c.yaml", "include: \"*.yaml\"\n"},
                                     {"f.yaml", "never read\n"},
                                     {NULL, NULL}};
    check(files, WORLD_ROOT("include: a.yaml\n"),
          "b.yaml:1:10: include: \"a.yaml\" is part of this configuration already (include each "
          "file once, and never itself)\n");
    check(files, WORLD_ROOT("include: [b.yaml, b.yaml]\n"),
          "a.yaml:1:10: include: \"b.yaml\" is part of this configuration already (include each "
          "file once, and never itself)\n"
          "f.yaml:3:19: include: \"b.yaml\" is part of this configuration already (include each "
          "file once, and never itself)\n");
}

/* A file that is the outermost one is known, too. */
static void test_cycle_to_main(void **state)
{
    (void)state;
    char folder[] = "/tmp/limeload-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], other[64], expected[256];
    (void)snprintf(path, sizeof path, "%s/main.yaml", folder);
    (void)snprintf(other, sizeof other, "%s/./main.yaml", folder);
    FILE *out = fopen(path, "w");
    fputs("include: ./main.yaml\n", out);
    (void)fclose(out);
    struct errors errors;
    errors_init(&errors);
    assert_null(config_load(path, &errors));
    char *said = world_said(&errors);
    (void)snprintf(expected, sizeof expected,
                   "%s:1:10: include: \"%s\" is part of this configuration already (include each "
                   "file once, and never itself)\n",
                   path, other);
    assert_string_equal(said, expected);
    free(said);
    errors_fini(&errors);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_depth(void **state)
{
    (void)state;
    static char        names[INCLUDE_DEPTH_MAX + 2][16];
    static char        texts[INCLUDE_DEPTH_MAX + 2][32];
    static const char *files[INCLUDE_DEPTH_MAX + 3][2];
    for (unsigned i = 0; i < INCLUDE_DEPTH_MAX + 2; i++) {
        (void)snprintf(names[i], sizeof names[i], "%u.yaml", i);
        (void)snprintf(texts[i], sizeof texts[i], "include: %u.yaml\n", i + 1);
        files[i][0] = names[i];
        files[i][1] = texts[i];
    }
    check(files, WORLD_ROOT("include: 0.yaml\n"),
          "7.yaml:1:10: include: \"7.yaml\" is the 8th file in a row that includes another "
          "(include them from fewer files in between)\n");
}

static void test_many(void **state)
{
    (void)state;
    static char        names[INCLUDE_FILES_MAX + 1][24];
    static const char *files[INCLUDE_FILES_MAX + 2][2];
    for (unsigned i = 0; i <= INCLUDE_FILES_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "d/%04u.yaml", i);
        files[i][0] = names[i];
        files[i][1] = "";
    }
    check(files, WORLD_ROOT("include: 'd/*.yaml'\n"),
          "f.yaml:3:10: include: \"d/1000.yaml\" is one file too many: 1000 (put more into each "
          "file)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),         cmocka_unit_test(test_all_included),
        cmocka_unit_test(test_duplicates),    cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_cycle_to_main), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
