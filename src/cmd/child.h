/* SPDX-License-Identifier: Apache-2.0
 *
 * A limeload process that another one starts and looks after.
 *
 * What it prints is read, not shown: the line that says it is listening is told to the owner, and
 * the end of it is kept for the case that it dies. A child gets TERM when its parent dies.
 * Threading: belongs to the loop's thread, which must be the process's only one at child_start.
 */
#ifndef LL_CMD_CHILD_H
#define LL_CMD_CHILD_H

#include "base/compiler.h"
#include "net/loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct child;

typedef void (*child_fn)(struct child *child);

#define CHILD_OUTPUT_MAX 2048u

struct child {
    struct loop *loop;
    child_fn     on_listening; /* once per start */
    child_fn     on_exit;      /* pid is 0 by then; may start it again */
    pid_t        pid;          /* 0 while it does not run */
    int          status;       /* of the last end, as from waitpid */
    bool         listening;
    struct watch process; /* a pidfd */
    struct watch pipe;    /* its stdout and stderr */
    size_t       output_size;
    char         output[CHILD_OUTPUT_MAX]; /* the end of it, terminated */
};

void child_init(struct child *child, struct loop *loop, child_fn on_listening, child_fn on_exit);

/* Kills it where it still runs, and waits for its end. */
void child_fini(struct child *child);

/* Runs this very program with the given arguments; argv[0] is its name, the last is NULL. Negative
 * errno on failure. */
LL_MUST_CHECK int child_start(struct child *child, const char *const *argv);

/* Nothing happens where it does not run. */
void child_signal(const struct child *child, int signal);

#endif
