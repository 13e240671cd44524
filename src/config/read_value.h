/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the value of one key, which is neither a list nor a map of sections, into its field.
 */
#ifndef LL_CONFIG_READ_VALUE_H
#define LL_CONFIG_READ_VALUE_H

#include "config/read.h"

/* Reports what is wrong with the value and then leaves the field alone. */
void read_value(struct reading *reading, const struct schema_row *row, const struct node *node,
                void *field);

/* A list of addresses, or one, into an array of them. */
void read_binds(struct reading *reading, const struct schema_row *row, const struct node *node,
                struct address **field, uint32_t *count);

/* A name is short and free of what would break up a line of a log. */
bool read_name_check(struct reading *reading, const char *key, struct error_place place,
                     struct slice name);

/* "write KEY: EXAMPLE", for a remedy. */
const char *read_example(struct reading *reading, const struct schema_row *row);

#endif
