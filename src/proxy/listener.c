/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/listener.h"

#include "net/clock.h"
#include "proxy/worker.h"

#include <errno.h>
#include <string.h>

/* Accepted in one turn at most, so that a flood of new clients does not starve the old ones. */
#define LISTENER_BURST_MAX 64u

/* What a closing listener still accepts: 4096 connections, the usual length of the kernel's queue.
 */
#define LISTENER_CLOSE_ROUNDS 64u

/* How long to wait for descriptors or kernel memory to come back. */
#define LISTENER_RETRY_NS (100 * CLOCK_NS_PER_MS)

static void listener_pause(struct listener *listener)
{
    if (listener->paused)
        return;
    listener->worker->loop.io->ops->unwatch(listener->worker->loop.io, &listener->watch);
    listener->paused = true;
    atomic_fetch_add(&listener->worker->proxy->paused, 1);
}

static bool listener_enter(struct listener *listener)
{
    struct proxy *proxy = listener->worker->proxy;
    if (!admission_enter(&listener->shared->admission))
        return false;
    if (admission_enter(&proxy->admission))
        return true;
    admission_leave(&listener->shared->admission);
    return false;
}

static void listener_full(struct listener *listener)
{
    struct worker *worker = listener->worker;
    bool first = atomic_fetch_add_explicit(&listener->shared->full, 1, memory_order_relaxed) == 0;
    /* Once per listener in the log, not once per refusal; the counter has the rest. */
    struct log_number number;
    if (first)
        log_event(worker->log, CONFIG_LOG_WARN, worker->loop.now_ns, "connection limit reached",
                  "listener", listener->shared->name, "sessions",
                  log_u64(admission_active(&listener->shared->admission), &number), "remedy",
                  "new clients wait; raise limits.max_connections or the descriptor limit", NULL);
}

/* False where there is no room: the listener is then paused, and will be resumed. */
static bool listener_find_room(struct listener *listener)
{
    if (listener_enter(listener))
        return true;
    listener_pause(listener);
    if (listener_enter(listener)) { /* somebody left between the look and the mark */
        listener_resume(listener);
        return true;
    }
    listener_full(listener);
    return false;
}

static void listener_leave(struct listener *listener)
{
    admission_leave(&listener->worker->proxy->admission);
    admission_leave(&listener->shared->admission);
}

static bool listener_is_shortage(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* Accepts up to max connections; returns false where the queue is empty or accepting must wait. */
static bool listener_accept(struct listener *listener, uint32_t max)
{
    struct worker *worker = listener->worker;
    for (uint32_t accepted = 0; accepted < max; accepted++) {
        if (!listener_find_room(listener))
            return false;
        struct endpoint client;
        int fd = worker->loop.io->ops->accept(worker->loop.io, listener->watch.fd, &client);
        if (fd >= 0) {
            worker_take(worker, listener->shared, fd, &client);
            continue;
        }
        listener_leave(listener);
        if (listener_is_shortage(fd)) {
            log_event(worker->log, CONFIG_LOG_ERROR, worker->loop.now_ns, "cannot accept",
                      "listener", listener->shared->name, "error", strerror(-fd), "remedy",
                      "raise the descriptor limit (ulimit -n) or lower max_connections", NULL);
            listener_pause(listener);
            timer_arm(&worker->loop.timers, &listener->retry,
                      worker->loop.now_ns + LISTENER_RETRY_NS);
            return false;
        }
        if (fd == -EAGAIN) {
            listener->burst = LL_MAX(accepted, 1u);
            return false;
        }
        /* Any other error belongs to that one connection, which is gone. */
    }
    return true;
}

/* Expecting as many as came last time saves the call that would only say that the queue is empty.
 */
static void listener_on_ready(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct listener *listener = LL_CONTAINER_OF(watch, struct listener, watch);
    if (listener_accept(listener, listener->burst))
        listener->burst = LL_MIN(listener->burst * 2, LISTENER_BURST_MAX);
}

static void listener_on_retry(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    listener_resume(LL_CONTAINER_OF(timer, struct listener, retry));
}

void listener_init(struct listener *listener, struct worker *worker, struct proxy_listener *shared,
                   int fd)
{
    *listener = (struct listener){
        .watch  = {.on_ready = listener_on_ready, .fd = fd},
        .worker = worker,
        .shared = shared,
        .retry  = {.on_expiry = listener_on_retry},
        .burst  = 1,
    };
}

int listener_open(struct listener *listener)
{
    return listener->worker->loop.io->ops->watch_listener(listener->worker->loop.io,
                                                          &listener->watch);
}

void listener_resume(struct listener *listener)
{
    if (!listener->paused)
        return;
    struct worker *worker = listener->worker;
    timer_cancel(&worker->loop.timers, &listener->retry);
    if (listener_open(listener) != 0) { /* the kernel is out of memory: try again later */
        timer_arm(&worker->loop.timers, &listener->retry, worker->loop.now_ns + LISTENER_RETRY_NS);
        return;
    }
    listener->paused = false;
    atomic_fetch_sub(&worker->proxy->paused, 1);
}

void listener_close(struct listener *listener)
{
    struct worker *worker = listener->worker;
    if (listener->watch.fd < 0)
        return;
    for (uint32_t round = 0; round < LISTENER_CLOSE_ROUNDS; round++)
        if (!listener_accept(listener, LISTENER_BURST_MAX))
            break;
    timer_cancel(&worker->loop.timers, &listener->retry);
    if (listener->paused)
        atomic_fetch_sub(&worker->proxy->paused, 1);
    listener->paused = false;
    worker->loop.io->ops->close(worker->loop.io, listener->watch.fd);
    listener->watch.fd = -1;
}
