/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from a command line to a verb.
 */
#include "cmd/cmd.h"
#include "cmd/help.h"

#include <stdio.h>
#include <string.h>

/* `limeload --help` and the like, which people try before they know about verbs. */
static const char *main_verb_name(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return verb_help.name;
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return verb_version.name;
    return word;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_print_overview(stderr);
        return CMD_USAGE;
    }
    const struct verb *verb = cmd_find(main_verb_name(argv[1]));
    if (verb == NULL)
        return help_unknown_verb(argv[1]);

    int code = verb->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("limeload: cannot write to stdout");
        return code == CMD_OK ? CMD_FAILED : code;
    }
    return code;
}
