/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <inttypes.h>
#include <stdio.h>

struct value_unit {
    const char *name;
    uint64_t    factor;
};

/* Both from the largest down: that is how sums are written and how the shortest form is found. */
static const struct value_unit value_durations[] = {
    {"d", VALUE_DAY}, {"h", VALUE_HOUR}, {"m", 60 * VALUE_S},
    {"s", VALUE_S},   {"ms", VALUE_MS},  {"us", 1000},
};
static const struct value_unit value_sizes[] = {
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"B", 1},
};

/* The length of what consists of these bytes at the start. */
static size_t value_span(struct slice text, char first, char last)
{
    size_t size = 0;
    while (size < text.size && text.data[size] >= first && text.data[size] <= last)
        size++;
    return size;
}

static size_t value_letters(struct slice text)
{
    size_t size = 0;
    while (size < text.size && ((text.data[size] >= 'a' && text.data[size] <= 'z') ||
                                (text.data[size] >= 'A' && text.data[size] <= 'Z')))
        size++;
    return size;
}

/* One or more of NUMBER UNIT, each unit smaller than the one before. */
static enum value_result value_sum(struct slice text, const struct value_unit *units, size_t count,
                                   uint64_t *ret_value)
{
    uint64_t sum  = 0;
    size_t   next = 0; /* the first unit that may still come */
    do {
        size_t   digits = value_span(text, '0', '9');
        uint64_t number;
        if (digits == 0)
            return VALUE_BAD;
        if (!slice_to_u64(slice_sub(text, 0, digits), UINT64_MAX, &number))
            return VALUE_OUTSIDE;
        text                = slice_sub(text, digits, text.size);
        struct slice letter = slice_sub(text, 0, value_letters(text));
        text                = slice_sub(text, letter.size, text.size);
        if (letter.size == 0)
            return text.size == 0 ? VALUE_NO_UNIT : VALUE_BAD;
        while (next < count && !slice_equal(letter, slice_of(units[next].name)))
            next++;
        if (next == count)
            return VALUE_BAD;
        if (__builtin_mul_overflow(number, units[next].factor, &number) ||
            __builtin_add_overflow(sum, number, &sum))
            return VALUE_OUTSIDE;
        next++;
    } while (text.size > 0);
    *ret_value = sum;
    return VALUE_OK;
}

enum value_result value_count(struct slice text, uint64_t *ret_count)
{
    bool         minus  = slice_starts_with(text, SLICE("-"));
    struct slice number = slice_sub(text, minus ? 1 : 0, text.size);
    if (number.size == 0 || value_span(number, '0', '9') < number.size)
        return VALUE_BAD;
    return !minus && slice_to_u64(number, UINT64_MAX, ret_count) ? VALUE_OK : VALUE_OUTSIDE;
}

enum value_result value_percent(struct slice text, uint64_t *ret_percent)
{
    if (slice_ends_with(text, SLICE("%")))
        return value_count(slice_sub(text, 0, text.size - 1), ret_percent);
    uint64_t number;
    return value_count(text, &number) == VALUE_OK ? VALUE_NO_UNIT : VALUE_BAD;
}

enum value_result value_duration(struct slice text, uint64_t *ret_ns)
{
    return value_sum(text, value_durations, LL_COUNT(value_durations), ret_ns);
}

enum value_result value_size(struct slice text, uint64_t *ret_bytes)
{
    return value_sum(text, value_sizes, LL_COUNT(value_sizes), ret_bytes);
}

enum value_result value_bool(struct slice text, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "off", "on", "no", "yes"};
    for (size_t i = 0; i < LL_COUNT(words); i++)
        if (slice_equal_nocase(text, slice_of(words[i]))) {
            *ret_value = i % 2 == 1;
            return VALUE_OK;
        }
    return VALUE_BAD;
}

static const char *value_format(uint64_t value, const struct value_unit *units, size_t count,
                                char text[static VALUE_TEXT_MAX])
{
    size_t i = 0;
    while (i + 1 < count && (value < units[i].factor || value % units[i].factor != 0))
        i++;
    snprintf(text, VALUE_TEXT_MAX, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
    return text;
}

const char *value_format_duration(uint64_t ns, char text[static VALUE_TEXT_MAX])
{
    return ns == 0 ? "0s" : value_format(ns, value_durations, LL_COUNT(value_durations), text);
}

const char *value_format_size(uint64_t bytes, char text[static VALUE_TEXT_MAX])
{
    return value_format(bytes, value_sizes, LL_COUNT(value_sizes), text);
}
