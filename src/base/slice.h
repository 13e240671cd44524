/* SPDX-License-Identifier: Apache-2.0
 *
 * A run of bytes that somebody else owns.
 *
 * Memory:    a slice owns nothing and is not terminated; it lives as long as what it points into.
 */
#ifndef LL_BASE_SLICE_H
#define LL_BASE_SLICE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *data;
    size_t      size;
};

/* For string literals and other constants. */
#define SLICE(literal) ((struct slice){.data = (literal), .size = sizeof(literal) - 1})

/* For printf: printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(slice) (int)(slice).size, (slice).data

struct slice slice_of(const char *text); /* NULL gives the empty slice */

bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII only */
bool slice_starts_with(struct slice text, struct slice prefix);
bool slice_ends_with(struct slice text, struct slice suffix);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice text);

/* From offset on, at most size bytes; offsets past the end give the empty slice. */
struct slice slice_sub(struct slice text, size_t offset, size_t size);

/* Position of a byte, or text.size where it does not occur. */
size_t slice_find(struct slice text, char byte);
size_t slice_find_last(struct slice text, char byte);

/* Decimal digits only, all of them, no sign; false (value untouched) for anything else or above
 * max. */
LL_MUST_CHECK bool slice_to_u64(struct slice text, uint64_t max, uint64_t *ret_value);

#endif
