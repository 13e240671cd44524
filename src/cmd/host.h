/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verb on one thread needs to run: a loop on the real system, which ends when the user or
 * the system asks for it with TERM, INT or QUIT.
 *
 * The signals are blocked and arrive as readiness, so nothing runs in a signal handler.
 * Threading: host_init belongs before the start of other threads, which then inherit the blocked
 * signals.
 */
#ifndef LL_CMD_HOST_H
#define LL_CMD_HOST_H

#include "base/compiler.h"
#include "net/epoll_io.h"
#include "net/loop.h"

struct host {
    struct epoll_io io;
    struct loop     loop;
    struct watch    signals;
    int             signal; /* the one that ended the loop, or 0 */
};

/* Negative errno on failure; nothing needs host_fini then. */
LL_MUST_CHECK int host_init(struct host *host);

/* The signals stay blocked. */
void host_fini(struct host *host);

#endif
