/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tree.h"

#include "support/config_world.h"

/* Whatever the notation, it is the same configuration, with its listener in line 3. */
static void check_same(struct slice text)
{
    struct config *config = world_load_slice(NULL, text, "");
    assert_non_null(config);
    assert_int_equal(config->workers, 2);
    assert_int_equal(config->listener_count, 1);
    assert_string_equal(config->listeners[0].name, "w\xc3\xa9z");
    assert_int_equal(config->listeners[0].place.line, 3);
    assert_int_equal(config->pool_count, 1);
    assert_int_equal(config->pools[0].server_count, 2);
    assert_string_equal(config->pools[0].servers[0].id, "127.0.0.1:9001");
    assert_string_equal(config->pools[0].servers[1].id, "b2");
    config_free(config);
}

#define BLOCK(end)                                                                                 \
    "workers: 2" end "listeners:" end "- name: w\xc3\xa9z" end "  bind: :8000" end                 \
    "  pool: \"p\"" end "pools:" end "  p:" end "    servers:" end "    - 127.0.0.1:9001" end      \
    "    - {id: 'b2', address: \"127.0.0.1:9002\"}" end

static void test_notations(void **state)
{
    (void)state;
    check_same(SLICE(BLOCK("\n")));
    check_same(SLICE(BLOCK("\r\n")));
    check_same(SLICE("\xef\xbb\xbf" BLOCK("\n")));
    check_same(SLICE("%YAML 1.2\n---\n{workers: 2, listeners: [{name: w\xc3\xa9z, "
                     "bind: ':8000', pool: p}], pools: {p: {servers: ['127.0.0.1:9001', {id: b2, "
                     "address: '127.0.0.1:9002'}]}}}\n...\n# the end\n"));
    /* Without a line's end at the end. */
    check_same(SLICE("# comment\nworkers: 2   # two\nlisteners: [{name: w\xc3\xa9z, bind: ':8000', "
                     "pool: p}]\npools: {p: {servers: ['127.0.0.1:9001', {id: b2, "
                     "address: '127.0.0.1:9002'}]}}"));
}

/* Of every length that UTF-8 has, and the first and last of each kind. */
static void test_characters(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xc2\xa0",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xe2\x82\xac",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbd",
        "\xf0\x90\x80\x80",
        "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf",
        "~",
    };
    for (size_t i = 0; i < LL_COUNT(texts); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, WORLD_ROOT("log: {access: \"a%sb\"}\n"), texts[i]);
        struct config *config = world_load(NULL, text, "");
        assert_non_null(config);
        assert_int_equal(strlen(config->log.access_path), strlen(texts[i]) + 2);
        config_free(config);
    }
}

static void test_json(void **state)
{
    (void)state;
    check_same(SLICE("{\n"
                     "\t\"workers\": 2, \"listeners\": [\n"
                     "\t\t{\"name\": \"w\\u00e9z\", \"bind\": [\":8000\"], \"pool\": \"p\"}\n"
                     "\t],\n"
                     "\t\"pools\": {\"p\": {\"servers\": [\"127.0.0.1:9001\",\n"
                     "\t\t{\"id\": \"b2\", \"address\": \"127.0.0.1:9002\", \"weight\": 1}]}}\n"
                     "}\n"));
    check_same(SLICE("{\"pools\":{\"p\":{\"servers\":[\"127.0.0.1:9001\",{\"id\":\"b2\",\"address\""
                     ":\"127.0.0.1:9002\"}]}},\n\n\"listeners\":[{\"name\":\"w\xc3\xa9z\",\"bind\":"
                     "\":8000\",\"pool\":\"p\"}],\"workers\":2}"));
    world_says(NULL, "{\"workers\": 2,\n \"listeners\": [{\"bind\": \":8000\", \"pol\": \"p\"}]}",
               "f.yaml: the configuration has no pools (write pools: {NAME: {servers: "
               "[\"127.0.0.1:9001\"]}})\n"
               "f.yaml:2:16: a listener has no pool (write pool: NAME)\n"
               "f.yaml:2:34: unknown key \"pol\" in a listener (did you mean \"pool\"?)\n");
}

static void test_aliases(void **state)
{
    (void)state;
    struct config *config =
        world_load(NULL,
                   "listeners: [{bind: ':8000', pool: a}, {bind: &b ':8001', pool: b}]\n"
                   "pools:\n"
                   "  a: &pool\n"
                   "    timeouts: &short {connect: 1s}\n"
                   "    servers: &servers ['127.0.0.1:9001', '127.0.0.1:9002']\n"
                   "  b: {timeouts: *short, servers: *servers}\n",
                   "");
    assert_non_null(config);
    assert_int_equal(config->pools[1].connect_timeout_ns, UINT64_C(1000000000));
    assert_int_equal(config->pools[1].server_count, 2);
    assert_string_equal(config->pools[1].servers[1].id, "127.0.0.1:9002");
    config_free(config);

    /* The latest of a name counts. */
    config = world_load(NULL,
                        WORLD_ROOT("workers: &n 2\ntimeouts: {drain: &n 3s}\n"
                                   "log: {access: *n}\n"),
                        "");
    assert_non_null(config);
    assert_string_equal(config->log.access_path, "3s");
    config_free(config);

    world_says(NULL, "pools: *p\n",
               "f.yaml:1:8: the alias \"p\" stands for nothing (write &NAME before the value that "
               "the alias repeats)\n");
    world_says(NULL, "pools: &p {p: [*p]}\n",
               "f.yaml:1:16: the alias \"p\" is inside itself (take it out: a value cannot contain "
               "itself)\n");
}

static void test_syntax(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"workers: \"2\n", "f.yaml:1:10: this quote is never closed (add the closing quote)\n"},
        {"workers: 2\n log: off\n",
         "f.yaml:2:5: a key is not expected here (check the indentation of this line, and quote "
         "values that have a colon and a space in them)\n"},
        {"pools:\n\tp: 1\n",
         "f.yaml:2:1: a value cannot begin with this (indent with spaces, not with tabs)\n"},
        {"pools:\n  a: 1\n\tp: 1\n",
         "f.yaml:3:1: a tab is not allowed here (indent with spaces, not with tabs)\n"},
        {"listeners:\n  - bind: [::]:80\n",
         "f.yaml:2:12: did not find expected node content (quote values that begin with : or with "
         "a bracket, such as \":8000\" and \"[::1]:80\")\n"},
        {"workers: [1, 2\nlog: 3\n", "f.yaml:2:4: did not find expected ',' or ']' (separate "
                                     "values by commas, or close the bracket of line 1)\n"},
        {"workers: [1 [2]]\n", "f.yaml:1:13: did not find expected ',' or ']' (separate values by "
                               "commas, and quote what has a bracket or a colon in it)\n"},
        {"{workers: 2\n", "f.yaml:1:1: this bracket is never closed (add the closing bracket)\n"},
        {"{workers: {a: 2",
         "f.yaml:1:11: this bracket is never closed (add the closing bracket)\n"},
        {"a: [\n", "f.yaml:1:4: this bracket is never closed (add the closing bracket)\n"},
        {"a: [1]]\n", "f.yaml:1:7: this does not belong here (the keys of a map begin in one "
                      "column, so do the dashes of a list; nothing follows a quoted value)\n"},
        {"- a\nb: c\n", "f.yaml:2:1: this does not belong here (the keys of a map begin in one "
                        "column, so do the dashes of a list; nothing follows a quoted value)\n"},
        {"a: 1\nb\n", "f.yaml:2:1: a key without a value (write KEY: VALUE)\n"},
        {"a: - b\n",
         "f.yaml:1:4: a list is not expected here (begin it on the line after its key)\n"},
        {"a: @b\n", "f.yaml:1:4: a value cannot begin with this (put it in quotes)\n"},
        {"a: \"\\q\"\n",
         "f.yaml:1:5: found unknown escape character (write \\\\ for a backslash, or "
         "use single quotes)\n"},
        {"a: \"\\ud83d\"\n",
         "f.yaml:1:7: found invalid Unicode character escape code (write the character itself)\n"},
        {"{a: 1}}\n",
         "f.yaml:1:7: this does not belong here (the value before it has ended already)\n"},
        {"a: &\n", "f.yaml:1:5: did not find expected alphabetic or numeric character (check the "
                   "YAML around this place)\n"},
        {"? [a]\n: 3\n", "f.yaml:1:3: a key must be a plain word (write KEY: VALUE)\n"},
        {"workers: 2\n---\nworkers: 3\n", "f.yaml:2:1: a second document begins here (remove it "
                                          "and what follows, or put it into a file of its own)\n"},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++)
        world_says(NULL, cases[i][0], cases[i][1]);
    world_says(NULL, WORLD_ROOT("workers: !!int 3\nlog: !x {}\n"),
               "f.yaml:3:10: tags such as \"tag:yaml.org,2002:int\" are not supported (remove it: "
               "each key knows what kind of value it takes)\n"
               "f.yaml:4:6: tags such as \"!x\" are not supported (remove it: each key knows what "
               "kind of value it takes)\n");
    world_says(NULL, WORLD_ROOT("log: {access: \"a\\0b\"}\n\"x\\0\": 1\n"),
               "f.yaml:3:15: a text cannot have a zero byte in it (remove the \\0)\n"
               "f.yaml:4:1: a text cannot have a zero byte in it (remove the \\0)\n");
}

static void test_not_text(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        const char  *expected;
    } cases[] = {
        {{"workers: 2\n\0\n", 13}, "f.yaml:2:1: the byte 0x00"},
        {{"a: \x01", 4}, "f.yaml:1:4: the byte 0x01"},
        {{"a: \x7f", 4}, "f.yaml:1:4: the byte 0x7f"},
        {{"\xff\xfe"
          "a\0",
          4},
         "f.yaml:1:1: the byte 0xff"},
        {{"\xc3\xa9: \xc3\n", 6}, "f.yaml:1:4: the byte 0xc3"},    /* cut short */
        {{"a: \xe2\x82", 5}, "f.yaml:1:4: the byte 0xe2"},         /* at the end */
        {{"a: \xc0\xaf", 5}, "f.yaml:1:4: the byte 0xc0"},         /* overlong */
        {{"a: \xe0\x80\xaf", 6}, "f.yaml:1:4: the byte 0xe0"},     /* overlong */
        {{"a: \xf0\x80\x80\xaf", 7}, "f.yaml:1:4: the byte 0xf0"}, /* overlong */
        {{"a: \xed\xa0\x80", 6}, "f.yaml:1:4: the byte 0xed"},     /* a surrogate */
        {{"a: \xf4\x90\x80\x80", 7}, "f.yaml:1:4: the byte 0xf4"}, /* beyond Unicode */
        {{"a: \x80", 4}, "f.yaml:1:4: the byte 0x80"},
        {{"a: \xc2\x80", 5}, "f.yaml:1:4: the byte 0xc2"},      /* a control character */
        {{"a: \xef\xbb\xbf", 6}, "f.yaml:1:4: the byte 0xef"},  /* a mark inside */
        {{"a: \xef\xbf\xbf", 6}, "f.yaml:1:4: the byte 0xef"},  /* no character */
        {{"a: \xf1\x80\x80z", 7}, "f.yaml:1:4: the byte 0xf1"}, /* the last byte is another */
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        char expected[256];
        (void)snprintf(expected, sizeof expected,
                       "%s does not belong into a text (configuration is text in UTF-8; remove the "
                       "byte or save the file as UTF-8)\n",
                       cases[i].expected);
        assert_null(world_load_slice(NULL, cases[i].text, expected));
    }
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "\n\n", "# nothing\n", "---\n...\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < LL_COUNT(cases); i++) {
        struct errors errors;
        errors_init(&errors);
        assert_null(config_load_text("f.yaml", slice_of(cases[i]), &errors));
        assert_int_equal(errors.fatal, 1);
        errors_fini(&errors);
    }
    world_says(NULL, "# nothing\n",
               "f.yaml: the configuration is empty (begin with listeners: and pools:)\n");
    world_says(NULL, "- a\n- b\n",
               "f.yaml:1:1: the configuration is not a map of keys (begin with listeners: and "
               "pools:)\n");
    world_says(NULL, "hello\n",
               "f.yaml:1:1: the configuration is not a map of keys (begin with listeners: and "
               "pools:)\n");
}

/* Text that open_memstream collects. */
struct build {
    FILE  *out;
    char  *text;
    size_t size;
};

static void build_start(struct build *build)
{
    build->out = open_memstream(&build->text, &build->size);
}

static void build_check(struct build *build, const char *expected)
{
    (void)fclose(build->out);
    assert_null(
        world_load_slice(NULL, (struct slice){.data = build->text, .size = build->size}, expected));
    free(build->text);
}

/* Each level names the one before ten times: a thousand bytes for ten thousand million values. */
static void test_alias_bomb(void **state)
{
    (void)state;
    struct build build;
    build_start(&build);
    fputs("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n", build.out);
    for (int level = 1; level < 10; level++) {
        fprintf(build.out, "a%d: &a%d [", level, level);
        for (int i = 0; i < 10; i++)
            fprintf(build.out, "%s*a%d", i > 0 ? "," : "", level - 1);
        fputs("]\n", build.out);
    }
    build_check(&build, "f.yaml:6:14: this is too large: it has more than 200000 values when its "
                        "aliases are followed (use fewer aliases, such as *NAME)\n");
}

/* The same thing again and again at one level, below the bound each time. */
static void test_alias_flood(void **state)
{
    (void)state;
    struct build build;
    build_start(&build);
    fputs("a: &a [", build.out);
    for (int i = 0; i < 1000; i++)
        fputs("x,", build.out);
    fputs("]\nb: [", build.out);
    for (int i = 0; i < 10000; i++)
        fputs("*a,", build.out);
    fputs("]\n", build.out);
    build_check(&build, "f.yaml:2:602: this is too large: it has more than 200000 values when its "
                        "aliases are followed (use fewer aliases, such as *NAME)\n");
}

static void test_large(void **state)
{
    (void)state;
    struct build build;
    build_start(&build);
    fputs("a: [", build.out);
    for (int i = 0; i < 250000; i++)
        fputs("x,", build.out);
    fputs("]\n", build.out);
    build_check(&build, "f.yaml:1:399999: this is too large: it has more than 200000 values (one "
                        "limeload is not meant for so many; split it up)\n");
}

static void test_deep(void **state)
{
    (void)state;
    struct build build;
    build_start(&build);
    for (int i = 0; i < 1000000; i++)
        fputs("[", build.out);
    build_check(&build, "f.yaml:1:33: lists and maps are nested too deeply (no configuration needs "
                        "so many; a bracket may be missing)\n");
    build_start(&build);
    for (int i = 0; i < 50; i++)
        fprintf(build.out, "%*sa:\n", i, "");
    build_check(&build, "f.yaml:33:33: lists and maps are nested too deeply (no configuration "
                        "needs so many; a bracket may be missing)\n");
}

static void test_documents(void **state)
{
    (void)state;
    world_says(NULL, "%YAML 1.2\n---\n---\n",
               "f.yaml:3:1: a second document begins here (remove it and what follows, or put it "
               "into a file of its own)\n");
    world_says(NULL, "%FOO x\n---\na: 1\n",
               "f.yaml:1:5: found unknown directive name (check the YAML around this place)\n");
    world_says(NULL, "# x\n%TAG ! tag:example.org,2000:\n---\na: 1\n",
               "f.yaml:2:1: tags are not supported (remove the line)\n");
    world_says(NULL, "! ",
               "f.yaml:1:1: tags such as \"!\" are not supported (remove it: each key knows what "
               "kind of value it takes)\n");
}

/* Only so many errors are worth finding. */
static void test_nonsense(void **state)
{
    (void)state;
    struct build build;
    build_start(&build);
    for (int i = 0; i < 50000; i++)
        fprintf(build.out, "k%d: v\n", i);
    (void)fclose(build.out);
    struct errors errors;
    errors_init(&errors);
    assert_null(config_load_text("f.yaml", (struct slice){.data = build.text, .size = build.size},
                                 &errors));
    assert_in_range(errors.fatal, 500, 510);
    free(build.text);
    errors_fini(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notations),   cmocka_unit_test(test_json),
        cmocka_unit_test(test_characters),  cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_syntax),      cmocka_unit_test(test_not_text),
        cmocka_unit_test(test_empty),       cmocka_unit_test(test_alias_bomb),
        cmocka_unit_test(test_alias_flood), cmocka_unit_test(test_large),
        cmocka_unit_test(test_deep),        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
