/* SPDX-License-Identifier: Apache-2.0
 *
 * Shows what happens to servers in the log, at level debug: added, picked and why, finished and
 * how.
 *
 * Watches like any other subscriber of model/event.h: it never changes or delays a decision, and
 * where it cannot follow, events are dropped, and it says how many. Threading: the control
 * thread's, which drains it from time to time on its loop.
 */
#ifndef LL_PROXY_EVENT_LOG_H
#define LL_PROXY_EVENT_LOG_H

#include "model/event.h"
#include "net/timer.h"

#include <stdint.h>

struct proxy;

struct event_log {
    struct proxy            *proxy;
    struct event_subscriber *subscriber; /* NULL: the level is above debug, nobody watches */
    struct timer             look;
    uint64_t                 dropped; /* as far as they have been told of */
};

/* Before the pools are made, so that it sees everything. */
void event_log_start(struct event_log *event_log, struct proxy *proxy);

/* Logs what is left. */
void event_log_stop(struct event_log *event_log);

#endif
