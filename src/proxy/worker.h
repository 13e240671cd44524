/* SPDX-License-Identifier: Apache-2.0
 *
 * One worker: a thread with its loop, its listening sockets, its sessions and their memory.
 *
 * Workers share nothing but atomic words (admission, in-flight counts, cursors) and messages.
 * Threading: a worker's fields belong to its thread once it runs, except active, which other
 * workers read when they decide where a new connection goes.
 */
#ifndef LL_PROXY_WORKER_H
#define LL_PROXY_WORKER_H

#include "base/list.h"
#include "base/rng.h"
#include "base/slab.h"
#include "net/buffer.h"
#include "net/loop.h"
#include "proxy/proxy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct listener;

/* What bulk data is read into and sent from, never kept. Measured: 64 KiB cost nearly twice as much
 * per byte, and beyond 512 KiB there is little to gain. */
#define WORKER_SCRATCH_SIZE ((size_t)512 * 1024)

struct worker {
    struct proxy      *proxy;
    uint16_t           index;
    bool               draining; /* accepts no more */
    bool               aborting; /* resets what still comes */
    struct loop        loop;
    struct log_source *log;
    struct rng         rng;
    struct listener   *listeners;
    uint32_t           listener_count;
    struct list        sessions;
    struct slab        session_slab;
    struct buffer_pool buffers;
    char              *scratch;

    _Alignas(LL_CACHE_LINE) _Atomic uint32_t active; /* connections it has, or is being sent */
    _Alignas(LL_CACHE_LINE) _Atomic uint32_t orders; /* given and not taken yet */
    _Atomic uint32_t obeyed;                         /* what the control thread waits for */
};

/* A worker that runs on the given io, which stays the caller's. */
void worker_init(struct worker *worker, struct proxy *proxy, uint16_t index, struct io *io);
void worker_fini(struct worker *worker); /* has no sessions any more */

/* Takes over a listening socket; negative errno, and nothing taken, where it cannot be watched.
 * Before the worker runs. */
LL_MUST_CHECK int worker_listen(struct worker *worker, struct proxy_listener *shared, int fd);

/* One turn, waiting no longer than given; worker_run turns until it is ordered to stop. */
void worker_turn(struct worker *worker, int max_wait_ms);
void worker_run(struct worker *worker);

/* A new connection: goes to this worker, or to another one that has clearly fewer. The place in the
 * admissions is taken already. */
void worker_take(struct worker *worker, struct proxy_listener *shared, int fd,
                 const struct endpoint *client);

/* A session has ended: lets whoever waits for a place have it. */
void worker_release(struct worker *worker, struct proxy_listener *shared);

enum {
    WORKER_FIND_ROOM     = 1u << 0, /* a place has become free: accept again */
    WORKER_RETRY_PENDING = 1u << 1, /* a server has room: let a waiting session have it */
    WORKER_DRAIN         = 1u << 2, /* accept no more */
    WORKER_ABORT         = 1u << 3, /* and reset all sessions */
    WORKER_STOP          = 1u << 4, /* leave worker_run; there must be no sessions */
};

/* Any thread. Orders are flags and not messages, so that they can neither be lost nor pile up. */
void worker_order(struct worker *worker, uint32_t orders);

static inline uint32_t worker_active(const struct worker *worker)
{
    return atomic_load_explicit(&worker->active, memory_order_relaxed);
}

#endif
