/* SPDX-License-Identifier: Apache-2.0
 *
 * The running load balancer: its pools, its listeners, its workers, from start to a graceful end.
 *
 * Threading: everything here belongs to the control thread, which also runs the loop given at
 * start. Workers read struct proxy and change only what is atomic in it.
 */
#ifndef LL_PROXY_PROXY_H
#define LL_PROXY_PROXY_H

#include "base/qsbr.h"
#include "config/config.h"
#include "model/pool.h"
#include "net/loop.h"
#include "proxy/admission.h"
#include "proxy/event_log.h"
#include "proxy/log.h"
#include "proxy/pending.h"

#include <stdatomic.h>
#include <stdint.h>

struct worker;

/* Workers take the pool's view with pool_view(); everything else of it is the control thread's. */
struct proxy_pool {
    const struct config_pool *config;
    struct pool              *pool;
    struct pending            pending;
};

/* What the listening sockets of one configured listener share, on whatever worker they are. */
struct proxy_listener {
    const struct config_listener *config;
    struct proxy_pool            *pool;
    struct admission              admission;
    uint32_t                      opened; /* how many of its addresses are listened on */
    char                          name[LOG_NAME_MAX];
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t full; /* how often it stopped accepting at its bound */
};

struct proxy {
    const struct config   *config;
    struct loop           *control;
    struct logger         *logger;
    struct log_source     *log; /* of the control thread */
    struct proxy_pool     *pools;
    struct proxy_listener *listeners;
    uint32_t               listen_max; /* listening sockets that each worker has */
    struct worker        **workers;
    uint32_t               worker_count;
    struct admission       admission; /* of the whole process, from its descriptors */
    atomic_uint            paused;    /* listening sockets that wait for room */
    struct qsbr            qsbr;
    struct event_bus       events; /* of all pools */
    struct event_log       event_log;
};

/* Opens all listeners and starts the workers. NULL with messages on stderr where something cannot
 * be opened; then nothing is left running. The configuration must outlive the proxy. */
struct proxy *proxy_start(const struct config *config, struct loop *control);

/* Stops accepting; sessions go on until they end by themselves. */
void proxy_drain(struct proxy *proxy);

/* The same, and resets all sessions that are left. */
void proxy_abort(struct proxy *proxy);

/* After proxy_drain or proxy_abort: no session is left and none can come. */
bool proxy_drained(const struct proxy *proxy);

static inline uint32_t proxy_sessions(const struct proxy *proxy)
{
    return admission_active(&proxy->admission);
}

/* Once drained. Ends the workers and frees everything. */
void proxy_stop(struct proxy *proxy);

#endif
