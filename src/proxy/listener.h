/* SPDX-License-Identifier: Apache-2.0
 *
 * One listening socket of one worker: accepts in batches, and pauses at the bounds.
 *
 * At max_connections, or without descriptors, it stops accepting: clients then wait in the kernel's
 * queue and are served when a session ends. Nobody is refused and nothing spins.
 * Threading: its worker's.
 */
#ifndef LL_PROXY_LISTENER_H
#define LL_PROXY_LISTENER_H

#include "net/io.h"
#include "net/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy_listener;
struct worker;

struct listener {
    struct watch           watch;
    struct worker         *worker;
    struct proxy_listener *shared;
    struct timer           retry; /* while descriptors are short */
    uint32_t               burst; /* how many connections to expect at once */
    bool                   paused;
};

void listener_init(struct listener *listener, struct worker *worker, struct proxy_listener *shared,
                   int fd);

/* Watches the socket. Negative errno where that fails. */
int listener_open(struct listener *listener);

/* A place has become free. */
void listener_resume(struct listener *listener);

/* Accepts what is queued already, so that nobody who was let in is turned away, and closes. */
void listener_close(struct listener *listener);

#endif
