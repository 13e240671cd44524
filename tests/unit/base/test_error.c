/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static struct error_place place(const char *file, int line, int column)
{
    return (struct error_place){.file = file, .line = line, .column = column};
}

static void expect_print(const struct errors *errors, const char *expected)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    assert_non_null(out);
    errors_print(errors, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void each_shows_place_severity_and_remedy(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    expect_print(&errors, "");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 3, 7), "write \"bind\"", "unknown key \"%s\"",
               "bnid");
    errors_add(&errors, ERROR_WARNING, place("a.yaml", 4, 1), "", "pool %s is not used", "api");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 0, 0), NULL, "cannot be read");
    errors_add(&errors, ERROR_FATAL, place(NULL, 0, 0), "", "no file");
    assert_int_equal(errors.fatal, 3);
    assert_int_equal(errors.warnings, 1);
    expect_print(&errors, "no file\n"
                          "a.yaml: cannot be read\n"
                          "a.yaml:3:7: unknown key \"bnid\" (write \"bind\")\n"
                          "a.yaml:4:1: warning: pool api is not used\n");
    errors_fini(&errors);
    assert_null(errors.first);
}

static void they_come_by_file_line_and_column_and_ties_as_added(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    errors_add(&errors, ERROR_FATAL, place("b.yaml", 1, 1), "", "b1");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 10, 1), "", "a10");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 9, 2), "", "a9.2 first");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 9, 2), "", "a9.2 second");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 9, 1), "", "a9.1");
    errors_add(&errors, ERROR_FATAL, place("a.yaml", 9, 2), "", "a9.2 third");
    expect_print(&errors, "a.yaml:9:1: a9.1\n"
                          "a.yaml:9:2: a9.2 first\n"
                          "a.yaml:9:2: a9.2 second\n"
                          "a.yaml:9:2: a9.2 third\n"
                          "a.yaml:10:1: a10\n"
                          "b.yaml:1:1: b1\n");
    errors_fini(&errors);
}

static void texts_and_file_names_are_copied(void **state)
{
    (void)state;
    char          file[] = "a.yaml", remedy[] = "do", what[] = "broken";
    struct errors errors;
    errors_init(&errors);
    errors_add(&errors, ERROR_FATAL, place(file, 1, 1), remedy, "%s", what);
    file[0] = remedy[0] = what[0] = '?';
    expect_print(&errors, "a.yaml:1:1: broken (do)\n");
    errors_fini(&errors);
}

static void beyond_the_bound_they_are_only_counted(void **state)
{
    (void)state;
    struct errors errors;
    errors_init(&errors);
    for (unsigned i = 0; i < ERRORS_MAX + 3; i++)
        errors_add(&errors, ERROR_FATAL, place("a.yaml", (int)i + 1, 1), "", "x");
    errors_add(&errors, ERROR_WARNING, place("a.yaml", 1, 1), "", "y");
    assert_int_equal(errors.fatal, ERRORS_MAX + 3);
    assert_int_equal(errors.warnings, 1);
    assert_int_equal(errors.dropped, 4);

    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    errors_print(&errors, out);
    fclose(out);
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    assert_int_equal(lines, ERRORS_MAX + 1);
    assert_non_null(strstr(text, "a.yaml:50:1: x\nand 4 more problems\n"));
    free(text);
    errors_fini(&errors);
}

static void a_slip_of_the_fingers_finds_the_word(void **state)
{
    (void)state;
    static const char *const keys[] = {"listeners", "pools", "balance", "servers", "weight",
                                       "timeouts",  "bind",  "mode",    "on"};
    static const struct {
        const char *word;
        const char *meant;
    } cases[] = {
        {"listners", "listeners"}, {"listenersx", "listeners"}, {"ilsteners", "listeners"},
        {"pool", "pools"},         {"balanse", "balance"},      {"server", "servers"},
        {"wieght", "weight"},      {"timeout", "timeouts"},     {"bnid", "bind"},
        {"mdoe", "mode"},          {"servers", "servers"},      {"no", "on"},
    };
    for (size_t i = 0; i < LL_COUNT(cases); i++)
        assert_string_equal(error_suggest(cases[i].word, keys, LL_COUNT(keys)), cases[i].meant);
}

static void a_word_far_from_all_finds_none(void **state)
{
    (void)state;
    static const char *const keys[] = {"listeners", "pools", "balance"};
    static const char *const far[]  = {"", "certificate", "x", "admin", "zzzzzzzzz", "poolpool"};
    for (size_t i = 0; i < LL_COUNT(far); i++)
        assert_null(error_suggest(far[i], keys, LL_COUNT(keys)));
    assert_null(error_suggest("pools", keys, 0));
    char endless[400];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1]      = '\0';
    const char *const also_endless[] = {endless, "pool"};
    assert_null(error_suggest(endless, also_endless, LL_COUNT(also_endless)));
    assert_string_equal(error_suggest("pol", also_endless, LL_COUNT(also_endless)), "pool");
}

static void of_several_the_nearest_and_then_the_first_is_suggested(void **state)
{
    (void)state;
    static const char *const keys[] = {"cert", "card", "care", "cast"};
    assert_string_equal(error_suggest("carf", keys, LL_COUNT(keys)), "card");
    assert_string_equal(error_suggest("care", keys, LL_COUNT(keys)), "care");
    assert_string_equal(error_suggest("casf", keys, LL_COUNT(keys)), "cast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shows_place_severity_and_remedy),
        cmocka_unit_test(they_come_by_file_line_and_column_and_ties_as_added),
        cmocka_unit_test(texts_and_file_names_are_copied),
        cmocka_unit_test(beyond_the_bound_they_are_only_counted),
        cmocka_unit_test(a_slip_of_the_fingers_finds_the_word),
        cmocka_unit_test(a_word_far_from_all_finds_none),
        cmocka_unit_test(of_several_the_nearest_and_then_the_first_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
