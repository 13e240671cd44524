/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/worker.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proxy/listener.h"
#include "proxy/tcp_session.h"

#include <stdlib.h>
#include <string.h>

/* Buffers that slow receivers may hold per worker: 512 MiB. Beyond that bytes stay in the kernel
 * until the receiver takes them. */
#define WORKER_BUFFERS_MAX 8192u

/* A connection moves to another worker when that one has fewer by more than an eighth and eight:
 * rare enough that short connections stay where they were accepted, tight enough that long ones end
 * up evenly spread. */
#define WORKER_SPREAD_SLACK 8u
#define WORKER_SPREAD_SHIFT 3u

void worker_init(struct worker *worker, struct proxy *proxy, uint16_t index, struct io *io)
{
    memset(worker, 0, sizeof *worker);
    worker->proxy = proxy;
    worker->index = index;
    loop_init(&worker->loop, io);
    list_init(&worker->sessions);
    slab_init(&worker->session_slab, sizeof(struct tcp_session), proxy->admission.max);
    buffer_pool_init(&worker->buffers, WORKER_BUFFERS_MAX);
    worker->scratch =
        alloc_resize(NULL, WORKER_SCRATCH_SIZE, 1); /* no page of it touched before use */
    rng_seed(&worker->rng, worker->loop.now_ns, index);
    worker->log       = logger_add_source(proxy->logger);
    worker->listeners = alloc_zero(proxy->listen_max, sizeof *worker->listeners);
}

void worker_fini(struct worker *worker)
{
    LL_ASSERT(list_empty(&worker->sessions));
    free(worker->listeners);
    free(worker->scratch);
    buffer_pool_fini(&worker->buffers);
    slab_fini(&worker->session_slab);
    loop_fini(&worker->loop);
}

int worker_listen(struct worker *worker, struct proxy_listener *shared, int fd)
{
    LL_ASSERT(worker->listener_count < worker->proxy->listen_max);
    struct listener *listener = &worker->listeners[worker->listener_count];
    listener_init(listener, worker, shared, fd);
    int error = listener_open(listener);
    if (error == 0)
        worker->listener_count++;
    return error;
}

static void worker_close_listeners(struct worker *worker)
{
    worker->draining = true;
    for (uint32_t i = 0; i < worker->listener_count; i++)
        listener_close(&worker->listeners[i]);
}

static void worker_abort_sessions(struct worker *worker)
{
    worker->aborting = true;
    LIST_FOR_EACH(link, &worker->sessions)
    {
        struct tcp_session *session = LIST_ITEM(link, struct tcp_session, link);
        if (session->phase != TCP_PHASE_ENDED)
            tcp_session_end(session, true, OUTCOME_CANCELLED, TCP_END_ABORTED);
    }
}

static void worker_obey(struct worker *worker)
{
    uint32_t orders = atomic_load_explicit(&worker->orders, memory_order_relaxed);
    if (orders == 0)
        return;
    orders = atomic_exchange(&worker->orders, 0);
    if (orders & WORKER_FIND_ROOM)
        for (uint32_t i = 0; i < worker->listener_count; i++)
            listener_resume(&worker->listeners[i]);
    if (orders & WORKER_RETRY_PENDING)
        for (uint32_t i = 0; i < worker->proxy->config->pool_count; i++)
            pending_retry(&worker->proxy->pools[i].pending, worker);
    if (orders & (WORKER_DRAIN | WORKER_ABORT)) {
        worker_close_listeners(worker);
        atomic_fetch_or(&worker->obeyed, WORKER_DRAIN);
    }
    if (orders & WORKER_ABORT)
        worker_abort_sessions(worker);
    if (orders & WORKER_STOP)
        loop_stop(&worker->loop);
}

void worker_order(struct worker *worker, uint32_t orders)
{
    uint32_t before = atomic_fetch_or(&worker->orders, orders);
    if ((before & orders) != orders)
        worker->loop.io->ops->wake(worker->loop.io);
}

void worker_turn(struct worker *worker, int max_wait_ms)
{
    loop_run_once(&worker->loop, max_wait_ms);
    worker_obey(worker);
    qsbr_pass(&worker->proxy->qsbr, worker->index);
}

void worker_run(struct worker *worker)
{
    struct proxy *proxy = worker->proxy;
    qsbr_online(&proxy->qsbr, worker->index);
    while (!worker->loop.stopped)
        worker_turn(worker, -1);
    /* What ended in the last turn is freed by its tasks. */
    while (!list_empty(&worker->loop.tasks))
        worker_turn(worker, 0);
    qsbr_offline(&proxy->qsbr, worker->index);
}

static void worker_start_session(struct worker *worker, struct proxy_listener *shared, int fd,
                                 const struct endpoint *client)
{
    if (!worker->aborting && tcp_session_start(worker, shared, fd, client))
        return;
    if (!worker->aborting)
        log_event(worker->log, CONFIG_LOG_ERROR, worker->loop.now_ns, "cannot start a session",
                  "listener", shared->name, "remedy",
                  "the machine is short of memory; lower max_connections", NULL);
    worker->loop.io->ops->reset(worker->loop.io, fd);
    worker_release(worker, shared);
}

/* A connection on its way to another worker. */
static void worker_deliver_connection(const struct loop_message *message)
{
    struct worker         *worker = message->receiver;
    struct proxy_listener *shared = (struct proxy_listener *)(uintptr_t)message->words[0];
    struct endpoint        client;
    memcpy(&client, &message->words[2], sizeof client);
    worker_start_session(worker, shared, (int)message->words[1], &client);
}

static bool worker_hand_over(struct worker *to, struct proxy_listener *shared, int fd,
                             const struct endpoint *client)
{
    struct loop_message message = {.deliver = worker_deliver_connection, .receiver = to};
    message.words[0]            = (uint64_t)(uintptr_t)shared;
    message.words[1]            = (uint64_t)fd;
    _Static_assert(sizeof *client <= 3 * sizeof message.words[0], "fits into three words");
    memcpy(&message.words[2], client, sizeof *client);
    return loop_post(&to->loop, &message);
}

/* The less busy of two others, drawn at random, where it is clearly less busy than this one. */
static struct worker *worker_less_busy(struct worker *worker)
{
    struct proxy *proxy = worker->proxy;
    if (proxy->worker_count == 1)
        return NULL;
    uint32_t       mine = worker_active(worker);
    struct worker *best = NULL;
    for (int draw = 0; draw < 2; draw++) {
        uint32_t       step  = 1 + (uint32_t)rng_below(&worker->rng, proxy->worker_count - 1);
        struct worker *other = proxy->workers[(worker->index + step) % proxy->worker_count];
        if (best == NULL || worker_active(other) < worker_active(best))
            best = other;
    }
    uint32_t theirs = worker_active(best);
    return mine > theirs + (theirs >> WORKER_SPREAD_SHIFT) + WORKER_SPREAD_SLACK ? best : NULL;
}

void worker_take(struct worker *worker, struct proxy_listener *shared, int fd,
                 const struct endpoint *client)
{
    struct worker *other = worker->draining ? NULL : worker_less_busy(worker);
    if (other != NULL) {
        /* Counted before it arrives, so that a burst is not sent to one and the same worker. */
        atomic_fetch_add_explicit(&other->active, 1, memory_order_relaxed);
        if (worker_hand_over(other, shared, fd, client))
            return;
        atomic_fetch_sub_explicit(&other->active, 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&worker->active, 1, memory_order_relaxed);
    worker_start_session(worker, shared, fd, client);
}

void worker_release(struct worker *worker, struct proxy_listener *shared)
{
    struct proxy *proxy = worker->proxy;
    atomic_fetch_sub_explicit(&worker->active, 1, memory_order_relaxed);
    admission_leave(&proxy->admission);
    admission_leave(&shared->admission);
    if (atomic_load(&proxy->paused) == 0)
        return;
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        worker_order(proxy->workers[i], WORKER_FIND_ROOM);
}
