/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors that a person reads: what is wrong, where, and what to do about it.
 *
 * For bad configuration and bad command lines. They accumulate, so that one run shows them all.
 * Not here:  operating errors (a negative errno) and bugs (LL_ASSERT).
 * Memory:    an errors list owns the texts it holds, in its arena.
 */
#ifndef LL_BASE_ERROR_H
#define LL_BASE_ERROR_H

#include "base/arena.h"
#include "base/compiler.h"

#include <stdio.h>

enum error_severity {
    ERROR_FATAL,
    ERROR_WARNING, /* is shown, but does not refuse the configuration */
};

/* Lines and columns count from 1; line 0 means the file as a whole, no file means no place at all.
 */
struct error_place {
    const char *file;
    int         line;
    int         column;
};

struct error {
    enum error_severity severity;
    struct error_place  place;
    const char         *what;
    const char         *remedy; /* "" where there is nothing to suggest */
    struct error       *next;
};

/* A configuration with more mistakes than this is not a typing error: the rest is only counted. */
#define ERRORS_MAX 50u

struct errors {
    struct arena  arena;
    struct error *first;
    struct error *last;
    unsigned      fatal; /* counts all, also those beyond ERRORS_MAX */
    unsigned      warnings;
    unsigned      dropped;
};

void errors_init(struct errors *errors);
void errors_fini(struct errors *errors);

/* The remedy follows after what, each a format of its own: build one with arena_printf where it has
 * arguments. File names are copied. */
void errors_add(struct errors *errors, enum error_severity severity, struct error_place place,
                const char *remedy, const char *what_format, ...) LL_PRINTF(5, 6);

/* "FILE:LINE:COL: what (remedy)", warnings as "FILE:LINE:COL: warning: what (remedy)"; in the order
 * of file and line. */
void errors_print(const struct errors *errors, FILE *out);

/* The candidate a person most likely meant, or NULL where none is near enough to suggest. */
const char *error_suggest(const char *word, const char *const *candidates, size_t count);

#endif
