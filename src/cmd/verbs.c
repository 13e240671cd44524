/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of verbs: add a file, add a line.
 */
#include "cmd/cmd.h"

#include <string.h>

/* clang-format off */
static const struct verb *const verbs[] = {
    &verb_run,
    &verb_check,
    &verb_demo,
    &verb_backend,
    &verb_client,
    &verb_version,
    &verb_help,
    NULL,
};
/* clang-format on */

const struct verb *const *cmd_verbs(void)
{
    return verbs;
}

const struct verb *cmd_find(const char *name)
{
    for (const struct verb *const *verb = verbs; *verb != NULL; verb++)
        if (strcmp((*verb)->name, name) == 0)
            return *verb;
    return NULL;
}
