/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of many calls: how many each backend answered, what went wrong, how long it took.
 *
 * Bound:     TALLY_ROWS_MAX different names; what comes later is counted under "others".
 */
#ifndef LL_CMD_TALLY_H
#define LL_CMD_TALLY_H

#include "base/histogram.h"
#include "cmd/call.h"

#include <stdint.h>
#include <stdio.h>

#define TALLY_ROWS_MAX 64u

struct tally_row {
    char     name[ECHO_NAME_MAX + 1u];
    uint64_t count;
};

/* In the order of the first appearance until tally_sort. */
struct tally_table {
    struct tally_row rows[TALLY_ROWS_MAX];
    uint32_t         count;
};

struct tally {
    uint64_t           good;
    uint64_t           failed;
    struct tally_table backends; /* of good calls */
    struct tally_table errors;
    struct histogram   latency; /* of good calls, nanoseconds */
};

void tally_reset(struct tally *tally);
void tally_add(struct tally *tally, const struct call_result *result);

/* For people. Nothing of what was counted is left out. */
void tally_print(struct tally *tally, FILE *out);

/* The same as members of a JSON object, without its braces. */
void tally_print_json(struct tally *tally, FILE *out);

#endif
