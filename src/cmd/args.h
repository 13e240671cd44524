/* SPDX-License-Identifier: Apache-2.0
 *
 * Options and operands of a verb, from one table that the parser and the help text share.
 *
 * A row says how an option is written, what it takes, what it is when nobody gives it, and where
 * its value goes: a field of the verb's own struct. Values are checked here, so that a verb only
 * sees good ones. Memory: texts in values point into argv and into the table.
 */
#ifndef LL_CMD_ARGS_H
#define LL_CMD_ARGS_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum args_kind {
    ARGS_FLAG,     /* bool; takes no value */
    ARGS_TEXT,     /* const char * */
    ARGS_NUMBER,   /* uint64_t */
    ARGS_DURATION, /* uint64_t, nanoseconds: 250ms 5s 1m 24h */
    ARGS_SHARE,    /* double from 0 to 1: 0.25 or 25% */
    ARGS_ADDRESS,  /* struct address to connect to; names are resolved */
    ARGS_LISTEN,   /* struct args_addresses to listen on; may be given several times */
};

#define ARGS_ADDRESSES_MAX 16u

struct args_addresses {
    struct address items[ARGS_ADDRESSES_MAX];
    uint32_t       count;
};

struct args_option {
    const char    *name;    /* long form without its dashes */
    char           letter;  /* short form, or 0 */
    bool           operand; /* written without a name, such as FILE; filled in table order */
    bool           required;
    enum args_kind kind;
    const char    *value;   /* what the help calls the value: "ADDR" */
    const char    *initial; /* the value where none is given, as one would write it; or NULL */
    uint64_t       min;     /* of a number or duration */
    uint64_t       max;     /* the same; 0: no limit */
    const char    *group;   /* heading in the help, or NULL for the general ones */
    const char    *help;    /* a sentence or two without the default, which is added */
    size_t         offset;  /* of the field in the verb's struct */
};

struct verb;

/* Sets initial values and reads the command line into values, a zeroed struct that the offsets of
 * the verb's options are of. False where there is nothing left to run: the user asked for help or
 * the command line is wrong, which has been said on stderr; ret_exit is then what to end with. */
LL_MUST_CHECK bool args_parse(const struct verb *verb, int argc, char **argv, void *values,
                              int *ret_exit);

/* A wrong command line, found by the verb itself: prints the reason and where to find help, returns
 * CMD_USAGE. */
int args_usage_error(const struct verb *verb, const char *format, ...) LL_PRINTF(2, 3);

#endif
