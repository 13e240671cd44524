/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/slice.h"

#include <stdio.h>

#define assert_slice(slice, literal) assert_true(slice_equal(slice, SLICE(literal)))

static void equality_is_of_bytes(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("abc"), slice_of("abc")));
    assert_false(slice_equal(SLICE("abc"), SLICE("abd")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ABC")));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    assert_true(slice_equal(slice_of(NULL), SLICE("")));
}

static void case_is_ignored_for_ascii_letters_alone(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE("Content-Length"), SLICE("cONTENT-lENGTH")));
    assert_false(slice_equal_nocase(SLICE("abc"), SLICE("abcd")));
    assert_false(slice_equal_nocase(SLICE("abc"), SLICE("abd")));
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char left = (char)a, right = (char)b;
            bool letter = ((a | 32) >= 'a' && (a | 32) <= 'z') && a < 128;
            bool same   = a == b || (letter && (a ^ b) == 32);
            assert_int_equal(
                slice_equal_nocase((struct slice){&left, 1}, (struct slice){&right, 1}), same);
        }
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("unix:/a"), SLICE("unix:")));
    assert_true(slice_starts_with(SLICE("unix:"), SLICE("unix:")));
    assert_false(slice_starts_with(SLICE("unix"), SLICE("unix:")));
    assert_false(slice_starts_with(SLICE("xunix:"), SLICE("unix:")));
    assert_true(slice_starts_with(SLICE(""), SLICE("")));
    assert_true(slice_ends_with(SLICE("a.yaml"), SLICE(".yaml")));
    assert_true(slice_ends_with(SLICE(".yaml"), SLICE(".yaml")));
    assert_false(slice_ends_with(SLICE("yaml"), SLICE(".yaml")));
    assert_false(slice_ends_with(SLICE("a.yaml "), SLICE(".yaml")));
    assert_true(slice_ends_with(SLICE("a"), SLICE("")));
}

static void trimming_takes_spaces_and_tabs_off_both_ends(void **state)
{
    (void)state;
    assert_slice(slice_trim(SLICE(" \t a b\t ")), "a b");
    assert_slice(slice_trim(SLICE("a")), "a");
    assert_slice(slice_trim(SLICE(" \t")), "");
    assert_slice(slice_trim(SLICE("")), "");
    assert_slice(slice_trim(slice_of(NULL)), "");
    assert_slice(slice_trim(SLICE("\na\r ")), "\na\r");
}

static void parts_stay_inside(void **state)
{
    (void)state;
    assert_slice(slice_sub(SLICE("limeload"), 0, 4), "lime");
    assert_slice(slice_sub(SLICE("limeload"), 4, SIZE_MAX), "load");
    assert_slice(slice_sub(SLICE("limeload"), 8, 1), "");
    assert_slice(slice_sub(SLICE("limeload"), SIZE_MAX, SIZE_MAX), "");
    assert_slice(slice_sub(SLICE("limeload"), 7, 2), "d");
    assert_slice(slice_sub(slice_of(NULL), 0, 1), "");
}

static void a_byte_is_found_from_either_end(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("a:b:c"), ':'), 1);
    assert_int_equal(slice_find_last(SLICE("a:b:c"), ':'), 3);
    assert_int_equal(slice_find(SLICE("abc"), ':'), 3);
    assert_int_equal(slice_find_last(SLICE("abc"), ':'), 3);
    assert_int_equal(slice_find_last(SLICE(":abc"), ':'), 0);
    assert_int_equal(slice_find(slice_of(NULL), ':'), 0);
    assert_int_equal(slice_find_last(slice_of(NULL), ':'), 0);
    assert_int_equal(slice_find(SLICE("a\0b"), 'b'), 2);
}

static void numbers_are_digits_within_the_bound(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t    max;
        uint64_t    value;
    } good[] = {
        {"0", 0, 0},
        {"65535", 65535, 65535},
        {"007", 10, 7},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < LL_COUNT(good); i++) {
        uint64_t value = 12345;
        assert_true(slice_to_u64(slice_of(good[i].text), good[i].max, &value));
        assert_int_equal(value, good[i].value);
    }
    static const struct {
        const char *text;
        uint64_t    max;
    } bad[] = {
        {"", 10},
        {"-1", 10},
        {"+1", 10},
        {" 1", 10},
        {"1 ", 10},
        {"0x1", 10},
        {"1.0", 10},
        {"11", 10},
        {"/", 100},
        {":", 100},
        {"18446744073709551616", UINT64_MAX},
        {"18446744073709551625", UINT64_MAX},
        {"99999999999999999999999", UINT64_MAX},
    };
    for (size_t i = 0; i < LL_COUNT(bad); i++) {
        uint64_t value = 12345;
        assert_false(slice_to_u64(slice_of(bad[i].text), bad[i].max, &value));
        assert_int_equal(value, 12345);
    }
}

static void a_slice_prints_without_a_terminator(void **state)
{
    (void)state;
    char         text[16];
    struct slice slice = {.data = "lime", .size = 2};
    snprintf(text, sizeof text, "%.*s.", SLICE_ARG(slice));
    assert_string_equal(text, "li.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_of_bytes),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_alone),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_off_both_ends),
        cmocka_unit_test(parts_stay_inside),
        cmocka_unit_test(a_byte_is_found_from_either_end),
        cmocka_unit_test(numbers_are_digits_within_the_bound),
        cmocka_unit_test(a_slice_prints_without_a_terminator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
