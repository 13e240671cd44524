/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that wait for a server because all that could serve them are at their max_connections.
 *
 * Each worker keeps its own sessions in a list per pool, in order of arrival. Shared is only how
 * many wait in all and since when each worker's first one does; whoever ends a lease wakes the
 * worker whose session has waited longest. So the order is that of arrival, to within the time a
 * wake-up takes. Bound:     max per pool; pending_enter then says no and the client is refused.
 * Threading: lists belong to their worker, the shared words are atomic.
 */
#ifndef LL_PROXY_PENDING_H
#define LL_PROXY_PENDING_H

#include "base/compiler.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct proxy_pool;
struct tcp_session;
struct worker;

/* One worker's share of it. */
struct pending_row {
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t oldest_ns; /* arrival of the first; 0: nobody waits */
    struct list sessions;
};

struct pending {
    _Alignas(LL_CACHE_LINE) _Atomic uint32_t count;
    uint32_t            max;
    uint32_t            worker_count;
    struct pending_row *rows; /* by worker */
};

void pending_init(struct pending *pending, uint32_t max, uint32_t worker_count);
void pending_fini(struct pending *pending); /* nobody waits */

/* Puts a session at the end of its worker's list. False where max wait already. */
LL_MUST_CHECK bool pending_enter(struct pending *pending, struct tcp_session *session);

/* The session waits no longer, for whatever reason. */
void pending_leave(struct pending *pending, struct tcp_session *session);

/* A lease on a server of the pool has ended: the one who has waited longest may try again. */
void pending_wake(struct pending *pending, struct worker *worker);

/* Lets this worker's waiting sessions try again, first come first served, until one finds no place.
 */
void pending_retry(struct pending *pending, struct worker *worker);

#endif
