/* SPDX-License-Identifier: Apache-2.0
 *
 * Help texts, derived from the tables of verbs and options.
 */
#ifndef LL_CMD_HELP_H
#define LL_CMD_HELP_H

#include <stdio.h>

struct verb;

/* All verbs, a line each. */
void help_print_overview(FILE *out);

void help_print_verb(const struct verb *verb, FILE *out);

/* A word that is no verb: says so on stderr, with the verb that was probably meant. Returns
 * CMD_USAGE. */
int help_unknown_verb(const char *word);

#endif
