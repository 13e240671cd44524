/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include "support/unit.h"

static void check_duration(const char *text, enum value_result result, uint64_t ns)
{
    uint64_t value = 77;
    assert_int_equal(value_duration(slice_of(text), &value), result);
    assert_int_equal(value, result == VALUE_OK ? ns : 77);
}

static void test_duration(void **state)
{
    (void)state;
    check_duration("0s", VALUE_OK, 0);
    check_duration("1us", VALUE_OK, 1000);
    check_duration("250ms", VALUE_OK, 250 * VALUE_MS);
    check_duration("5s", VALUE_OK, 5 * VALUE_S);
    check_duration("1m", VALUE_OK, 60 * VALUE_S);
    check_duration("24h", VALUE_OK, VALUE_DAY);
    check_duration("7d", VALUE_OK, 7 * VALUE_DAY);
    check_duration("1h30m", VALUE_OK, 90 * 60 * VALUE_S);
    check_duration("1d2h3m4s5ms6us", VALUE_OK,
                   VALUE_DAY + 2 * VALUE_HOUR + 184 * VALUE_S + 5 * VALUE_MS + 6000);
    /* 2^64 - 1 ns is 213503 d and a bit. */
    check_duration("213503d", VALUE_OK, 213503 * VALUE_DAY);
}

static void test_duration_bad(void **state)
{
    (void)state;
    check_duration("5", VALUE_NO_UNIT, 0);
    check_duration("1h30", VALUE_NO_UNIT, 0);
    check_duration("", VALUE_BAD, 0);
    check_duration("s", VALUE_BAD, 0);
    check_duration("-5s", VALUE_BAD, 0);
    check_duration("1.5s", VALUE_BAD, 0);
    check_duration("5 s", VALUE_BAD, 0);
    check_duration("5s ", VALUE_BAD, 0);
    check_duration("5S", VALUE_BAD, 0);
    check_duration("5sec", VALUE_BAD, 0);
    check_duration("30m1h", VALUE_BAD, 0); /* the larger unit comes first */
    check_duration("1s1s", VALUE_BAD, 0);
    check_duration("213504d", VALUE_OUTSIDE, 0);
    check_duration("213503d24h", VALUE_OUTSIDE, 0);
    check_duration("99999999999999999999s", VALUE_OUTSIDE, 0);
}

static void check_size(const char *text, enum value_result result, uint64_t bytes)
{
    uint64_t value = 77;
    assert_int_equal(value_size(slice_of(text), &value), result);
    assert_int_equal(value, result == VALUE_OK ? bytes : 77);
}

static void test_size(void **state)
{
    (void)state;
    check_size("0B", VALUE_OK, 0);
    check_size("512B", VALUE_OK, 512);
    check_size("64KiB", VALUE_OK, 65536);
    check_size("1MiB", VALUE_OK, 1048576);
    check_size("2GiB", VALUE_OK, UINT64_C(2147483648));
    check_size("1MiB512KiB", VALUE_OK, 1572864);
    check_size("64", VALUE_NO_UNIT, 0);
    check_size("64KB", VALUE_BAD, 0);
    check_size("64k", VALUE_BAD, 0);
    check_size("64kib", VALUE_BAD, 0);
    check_size("17179869184GiB", VALUE_OUTSIDE, 0);
}

static void test_count_and_percent(void **state)
{
    (void)state;
    uint64_t value = 77;
    assert_int_equal(value_count(SLICE("-1"), &value), VALUE_OUTSIDE);
    assert_int_equal(value_count(SLICE("18446744073709551616"), &value), VALUE_OUTSIDE);
    assert_int_equal(value_count(SLICE(""), &value), VALUE_BAD);
    assert_int_equal(value_count(SLICE("-"), &value), VALUE_BAD);
    assert_int_equal(value_count(SLICE("+1"), &value), VALUE_BAD);
    assert_int_equal(value_count(SLICE("1 "), &value), VALUE_BAD);
    assert_int_equal(value_percent(SLICE("50"), &value), VALUE_NO_UNIT);
    assert_int_equal(value_percent(SLICE("%"), &value), VALUE_BAD);
    assert_int_equal(value_percent(SLICE("0.5%"), &value), VALUE_BAD);
    assert_int_equal(value_percent(SLICE("half"), &value), VALUE_BAD);
    assert_int_equal(value_percent(SLICE("-5%"), &value), VALUE_OUTSIDE);
    assert_int_equal(value, 77);
    assert_int_equal(value_count(SLICE("18446744073709551615"), &value), VALUE_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(value_percent(SLICE("150%"), &value), VALUE_OK);
    assert_int_equal(value, 150);
}

static void test_bool(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "on", "yes", "True", "false", "off", "no", "OFF"};
    for (size_t i = 0; i < LL_COUNT(words); i++) {
        bool value = i >= 4;
        assert_int_equal(value_bool(slice_of(words[i]), &value), VALUE_OK);
        assert_int_equal(value, i < 4);
    }
    bool value = true;
    assert_int_equal(value_bool(slice_of("1"), &value), VALUE_BAD);
    assert_int_equal(value_bool(slice_of(""), &value), VALUE_BAD);
    assert_int_equal(value_bool(slice_of("truer"), &value), VALUE_BAD);
}

static void test_format(void **state)
{
    (void)state;
    char text[VALUE_TEXT_MAX];
    assert_string_equal(value_format_duration(0, text), "0s");
    assert_string_equal(value_format_duration(VALUE_MS, text), "1ms");
    assert_string_equal(value_format_duration(1500 * VALUE_MS, text), "1500ms");
    assert_string_equal(value_format_duration(90 * VALUE_S, text), "90s");
    assert_string_equal(value_format_duration(VALUE_HOUR, text), "1h");
    assert_string_equal(value_format_duration(365 * VALUE_DAY, text), "365d");
    assert_string_equal(value_format_size(0, text), "0B");
    assert_string_equal(value_format_size(1000, text), "1000B");
    assert_string_equal(value_format_size(65536, text), "64KiB");
    assert_string_equal(value_format_size(UINT64_C(1) << 30, text), "1GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration), cmocka_unit_test(test_duration_bad),
        cmocka_unit_test(test_size),     cmocka_unit_test(test_bool),
        cmocka_unit_test(test_format),   cmocka_unit_test(test_count_and_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
