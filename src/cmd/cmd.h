/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of the command line: what `limeload NAME ...` runs.
 *
 * A verb is one constant in the file that implements it: its name, its help, its options and its
 * function. Dispatch, help and spelling suggestions derive from that. To add a verb, declare its
 * constant here and name it in the table of verbs.c.
 */
#ifndef LL_CMD_CMD_H
#define LL_CMD_CMD_H

#include "cmd/args.h"

#include <stddef.h>

/* What the process ends with; scripts rely on these. */
enum cmd_exit {
    CMD_OK      = 0,
    CMD_FAILED  = 1,  /* bad configuration, failed start, or a result that is not good */
    CMD_FORCED  = 2,  /* a second signal cut a graceful stop short */
    CMD_UNCLEAN = 3,  /* sessions were still there at the end of a graceful stop */
    CMD_USAGE   = 64, /* the command line is wrong */
};

struct verb {
    const char               *name;
    const char               *summary; /* one line without a full stop */
    const char               *text;    /* whole paragraphs, wrapped at 80 columns */
    const struct args_option *options;
    size_t                    option_count;

    /* argv[0] is the verb itself. Returns an enum cmd_exit. */
    int (*run)(int argc, char **argv);
};

extern const struct verb verb_run;
extern const struct verb verb_check;
extern const struct verb verb_backend;
extern const struct verb verb_client;
extern const struct verb verb_demo;
extern const struct verb verb_help;
extern const struct verb verb_version;

/* NULL where there is no such verb. */
const struct verb *cmd_find(const char *name);

/* All verbs, in the order of `limeload help`; ends with NULL. */
const struct verb *const *cmd_verbs(void);

#endif
