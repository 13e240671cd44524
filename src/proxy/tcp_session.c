/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/tcp_session.h"

#include "base/assert.h"
#include "net/clock.h"
#include "proxy/worker.h"

#include <stdio.h>
#include <string.h>

/* A connection that has lived so long is likely to live much longer, and worth probing. */
#define SESSION_KEEP_ALIVE_AFTER_NS (30 * CLOCK_NS_PER_S)

static void session_mark_ready(struct tcp_side *side, uint32_t ready)
{
    if (ready & (IO_READ | IO_HANGUP | IO_ERROR))
        side->readable = !side->ended;
    if (ready & IO_WRITE)
        side->writable = true;
    if (ready & IO_HANGUP)
        side->hung_up = true;
    if (ready & IO_ERROR)
        side->broken = true;
}

static void session_on_client_ready(struct watch *watch, uint32_t ready)
{
    struct tcp_session *session = LL_CONTAINER_OF(watch, struct tcp_session, client.watch);
    session_mark_ready(&session->client, ready);
    if (session->phase == TCP_PHASE_RELAYING)
        tcp_relay_run(session);
    else if (session->client.broken)
        tcp_session_end(session, true, OUTCOME_CANCELLED, TCP_END_CLIENT_RESET);
}

static void session_on_server_ready(struct watch *watch, uint32_t ready)
{
    struct tcp_session *session = LL_CONTAINER_OF(watch, struct tcp_session, server.watch);
    session_mark_ready(&session->server, ready);
    if (session->phase == TCP_PHASE_RELAYING)
        tcp_relay_run(session);
    else
        tcp_connect_on_ready(session);
}

static void session_on_task(struct loop_task *task)
{
    struct tcp_session *session = LL_CONTAINER_OF(task, struct tcp_session, task);
    tcp_relay_run(session);
}

static void session_free(struct loop_task *task)
{
    struct tcp_session *session = LL_CONTAINER_OF(task, struct tcp_session, task);
    struct worker      *worker  = session->worker;
    list_remove(&session->link);
    struct proxy_listener *shared = session->shared;
    slab_put(&worker->session_slab, session);
    /* Not before: whoever is let in for it needs its place in the slab as well. */
    worker_release(worker, shared);
}

/* Looks at the last activity instead of having been moved at each. */
static void session_on_idle_check(struct timer *timer, uint64_t now_ns)
{
    struct tcp_session *session = LL_CONTAINER_OF(timer, struct tcp_session, timer);
    uint64_t            due_ns  = session->active_ns + session->shared->config->tunnel_idle_ns;
    if (due_ns <= now_ns) {
        tcp_session_end(session, false, OUTCOME_OK, TCP_END_IDLE);
        return;
    }
    if (!session->kept_alive) {
        session->kept_alive = true;
        session->worker->loop.io->ops->keep_alive(session->worker->loop.io,
                                                  session->server.watch.fd);
    }
    timer_arm(&session->worker->loop.timers, timer, due_ns);
}

bool tcp_session_start(struct worker *worker, struct proxy_listener *shared, int fd,
                       const struct endpoint *client)
{
    struct tcp_session *session = slab_get(&worker->session_slab);
    if (session == NULL)
        return false;
    *session = (struct tcp_session){
        .client     = {.watch = {.on_ready = session_on_client_ready, .fd = fd}, .writable = true},
        .server     = {.watch = {.on_ready = session_on_server_ready, .fd = -1}},
        .worker     = worker,
        .shared     = shared,
        .task       = {.run = session_on_task},
        .phase      = TCP_PHASE_CONNECTING,
        .started_ns = worker->loop.now_ns,
        .endpoint   = *client,
    };
    if (worker->loop.io->ops->watch_stream(worker->loop.io, &session->client.watch) != 0) {
        slab_put(&worker->session_slab, session);
        return false;
    }
    list_append(&worker->sessions, &session->link);
    tcp_connect_next(session);
    return true;
}

void tcp_session_connected(struct tcp_session *session)
{
    struct worker *worker    = session->worker;
    session->phase           = TCP_PHASE_RELAYING;
    session->connect_ns      = worker->loop.now_ns - session->started_ns;
    session->active_ns       = worker->loop.now_ns;
    session->timer.on_expiry = session_on_idle_check;
    uint64_t idle_ns         = session->shared->config->tunnel_idle_ns;
    timer_arm(&worker->loop.timers, &session->timer,
              worker->loop.now_ns + LL_MIN(idle_ns, SESSION_KEEP_ALIVE_AFTER_NS));
    tcp_relay_start(session);
}

static void session_close_side(struct tcp_session *session, struct tcp_side *side, bool reset)
{
    struct io *io = session->worker->loop.io;
    if (side->pending != NULL)
        buffer_pool_put(&session->worker->buffers, side->pending);
    side->pending = NULL;
    if (side->watch.fd < 0)
        return;
    if (reset)
        io->ops->reset(io, side->watch.fd);
    else
        io->ops->close(io, side->watch.fd);
    side->watch.fd = -1;
}

static void session_log(const struct tcp_session *session, const char *reason)
{
    struct worker *worker = session->worker;
    if (!log_sessions_wanted(worker->log))
        return;
    struct log_session line = {
        .started_ns = session->started_ns,
        .ended_ns   = worker->loop.now_ns,
        .connect_ns = session->connect_ns,
        .bytes_in   = session->client.received,
        .bytes_out  = session->server.received,
        .client     = session->endpoint,
        .worker     = worker->index,
        .attempts   = session->attempts,
        .reason     = reason,
    };
    memcpy(line.listener, session->shared->name, sizeof line.listener);
    if (session->phase == TCP_PHASE_RELAYING)
        snprintf(line.server, sizeof line.server, "%s", session->lease.server->id);
    log_session(worker->log, &line);
}

void tcp_session_finish(struct tcp_session *session, enum outcome outcome)
{
    struct worker *worker = session->worker;
    balance_finish(&session->lease, outcome, worker->loop.now_ns);
    pending_wake(&session->shared->pool->pending, worker);
}

void tcp_session_end(struct tcp_session *session, bool reset, enum outcome outcome,
                     const char *reason)
{
    struct worker *worker = session->worker;
    LL_ASSERT(session->phase != TCP_PHASE_ENDED);
    session_log(session, reason);
    session_close_side(session, &session->client, reset);
    session_close_side(session, &session->server, reset);
    if (session->phase == TCP_PHASE_PENDING)
        pending_leave(&session->shared->pool->pending, session);
    session->phase = TCP_PHASE_ENDED;
    timer_cancel(&worker->loop.timers, &session->timer);
    if (session->lease.server != NULL)
        tcp_session_finish(session, outcome);

    loop_unschedule(&session->task);
    session->task.run = session_free;
    loop_schedule(&worker->loop, &session->task);
}
