/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends a loop when the user or the system asks the process to end: TERM, INT, QUIT.
 *
 * The signals are blocked and arrive as readiness, so nothing runs in a signal handler. Threading:
 * stop_init belongs before the start of other threads, which then inherit the blocked signals.
 */
#ifndef LL_CMD_STOP_H
#define LL_CMD_STOP_H

#include "base/compiler.h"
#include "net/loop.h"

struct stop {
    struct watch watch;
    struct loop *loop;
    int          signal; /* the one that ended the loop, or 0 */
};

LL_MUST_CHECK int stop_init(struct stop *stop, struct loop *loop);
void              stop_fini(struct stop *stop);

#endif
