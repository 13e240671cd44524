/* SPDX-License-Identifier: Apache-2.0
 *
 * How single values are spelled: counts, durations, sizes, shares, yes and no.
 *
 * Not here:  which key takes which (schema) and what an error says (read).
 */
#ifndef LL_CONFIG_VALUE_H
#define LL_CONFIG_VALUE_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define VALUE_MS   UINT64_C(1000000) /* in nanoseconds */
#define VALUE_S    (1000 * VALUE_MS)
#define VALUE_HOUR (3600 * VALUE_S)
#define VALUE_DAY  (24 * VALUE_HOUR)

enum value_result {
    VALUE_OK,
    VALUE_BAD,     /* not such a value at all */
    VALUE_NO_UNIT, /* a number, but of what? */
    VALUE_OUTSIDE, /* a number, but none of 64 bits without a sign */
};

/* Digits alone. */
enum value_result value_count(struct slice text, uint64_t *ret_count);

/* "250ms", "5s", "1m", "24h", "7d" and, largest unit first, their sums such as "1h30m". */
enum value_result value_duration(struct slice text, uint64_t *ret_ns);

/* "512B", "64KiB", "1MiB", "2GiB". */
enum value_result value_size(struct slice text, uint64_t *ret_bytes);

/* "50%". */
enum value_result value_percent(struct slice text, uint64_t *ret_percent);

/* true, on, yes and false, off, no. */
enum value_result value_bool(struct slice text, bool *ret_value);

#define VALUE_TEXT_MAX 32u

/* The shortest form that reads back as the same. Return text. */
const char *value_format_duration(uint64_t ns, char text[static VALUE_TEXT_MAX]);
const char *value_format_size(uint64_t bytes, char text[static VALUE_TEXT_MAX]);

#endif
