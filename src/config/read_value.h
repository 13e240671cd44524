/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the value of one key, which is neither a list nor a map of sections, into its field.
 */
#ifndef LL_CONFIG_READ_VALUE_H
#define LL_CONFIG_READ_VALUE_H

#include "config/read.h"

/* A listener that needs more lists them by mistake. */
#define READ_BINDS_MAX 64u

/* A value on its way into a field. */
struct read_value {
    struct reading          *reading;
    const struct schema_row *row;
    const char              *key; /* as messages call it */
    const struct node       *node;
};

/* Reports what is wrong with the value and then leaves the field alone. */
void read_value(const struct read_value *value, void *field);

/* A number of the row's type and in its range. */
bool read_number(const struct read_value *value, uint64_t *ret_number);

/* A list of addresses, or one, into an array of them. */
void read_binds(const struct read_value *value, struct address **field, uint32_t *count);

/* Leaves the field alone, and returns false, where it was reported why. any_host allows what one
 * can listen on and not connect to. */
bool read_address(const struct read_value *value, bool any_host, struct address *field);

/* Reports "KEY: "VALUE" PROBLEM (REMEDY)". */
void read_refuse(const struct read_value *value, const char *problem, const char *remedy_format,
                 ...) LL_PRINTF(3, 4);

/* False, and reported, where the value is not a text that says something. */
bool read_is_text(const struct read_value *value);

/* A name is short and has nothing in it that would break up a line of a log. */
void read_check_name(struct reading *reading, const char *key, const struct node *name);

/* "write KEY: EXAMPLE", for a remedy. */
const char *read_example(struct reading *reading, const struct schema_row *row);

#endif
