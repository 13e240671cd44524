/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a server that answers: pick, connect, and on failure pick another, each at most once.
 */
#include "proxy/tcp_session.h"

#include "base/map.h"
#include "net/clock.h"
#include "proxy/worker.h"

#include <errno.h>
#include <string.h>

/* The same on every node and in every process, so that they send a client to the same server. */
#define CONNECT_KEY_SEED 0u

/* What a TCP session has to offer as a key: the client's address. Configuration refuses algorithms
 * that need another for TCP. */
static void connect_add_keys(const struct tcp_session *session, const struct pool_view *view,
                             struct pick_query *query)
{
    for (uint32_t step = 0; step < BALANCE_CHAIN_MAX; step++) {
        const struct endpoint *client = &session->endpoint;
        if (balance_step_key(view, step) != BALANCE_KEY_CLIENT_IP || client->family == ADDRESS_NONE)
            continue;
        size_t size       = client->family == ADDRESS_IPV4 ? 4 : 16;
        query->keys[step] = hash_bytes(client->ip, size, CONNECT_KEY_SEED);
        query->key_mask |= (uint8_t)(1u << step);
    }
}

/* Servers behind TCP cannot be asked how busy they are: probes are answered from what all workers
 * know of them. Few views have an algorithm that probes; then there is nothing to take. */
static void connect_answer_probes(const struct pool_view *view, struct worker *worker)
{
    for (struct server *asked; (asked = balance_take_probe(view)) != NULL;)
        balance_probe_answer(view, asked, server_inflight(asked),
                             server_latency_percentile(asked, 50), rng_next(&worker->rng),
                             worker->loop.now_ns);
}

static struct pick connect_pick(struct tcp_session *session)
{
    if (tried_full(&session->tried))
        return (struct pick){.status = PICK_NONE};
    struct worker          *worker = session->worker;
    const struct pool_view *view   = pool_view(session->shared->pool->pool);
    struct pick_query       query  = {
               .random = rng_next(&worker->rng),
               .now_ns = worker->loop.now_ns,
               .tried  = &session->tried,
    };
    connect_add_keys(session, view, &query);
    struct pick pick = balance_pick(view, &query);
    connect_answer_probes(view, worker);
    return pick;
}

static void connect_give_up(struct tcp_session *session)
{
    struct worker    *worker = session->worker;
    struct log_number attempts;
    log_event(worker->log, CONFIG_LOG_ERROR, worker->loop.now_ns, "no server", "listener",
              session->shared->name, "pool", session->shared->pool->config->name, "attempts",
              log_u64(session->attempts, &attempts), NULL);
    tcp_session_end(session, true, OUTCOME_OK, TCP_END_NO_SERVER);
}

static enum outcome connect_outcome(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return OUTCOME_CONNECT_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_CONNECT_TIMEOUT;
    default:
        return OUTCOME_CONNECT_ERROR;
    }
}

/* The attempt that is under way has failed: its server is done with, for this session. */
static void connect_failed(struct tcp_session *session, int error)
{
    struct worker *worker = session->worker;
    log_event(worker->log, CONFIG_LOG_WARN, worker->loop.now_ns, "connect failed", "listener",
              session->shared->name, "server", session->lease.server->id, "error", strerror(error),
              NULL);
    if (session->server.watch.fd >= 0)
        worker->loop.io->ops->close(worker->loop.io, session->server.watch.fd);
    session->server = (struct tcp_side){
        .watch = {.on_ready = session->server.watch.on_ready, .fd = -1},
    };
    timer_cancel(&worker->loop.timers, &session->timer);
    tried_add(&session->tried, session->lease.server);
    tcp_session_finish(session, connect_outcome(error));
}

static void connect_on_timeout(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct tcp_session *session = LL_CONTAINER_OF(timer, struct tcp_session, timer);
    connect_failed(session, ETIMEDOUT);
    tcp_connect_next(session);
}

/* Starts one attempt. Returns 0 or a positive errno. */
static int connect_start(struct tcp_session *session)
{
    struct worker *worker = session->worker;
    struct io     *io     = worker->loop.io;
    int            fd     = io->ops->connect(io, &session->lease.server->address);
    if (fd < 0)
        return -fd;
    session->server.watch.fd = fd;
    int error                = io->ops->watch_stream(io, &session->server.watch);
    if (error != 0)
        return -error;
    session->timer.on_expiry = connect_on_timeout;
    timer_arm(&worker->loop.timers, &session->timer,
              worker->loop.now_ns + session->shared->pool->config->connect_timeout_ns);
    return 0;
}

/* Short of something of our own: no other server would help. */
static bool connect_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void connect_on_queue_timeout(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct tcp_session *session = LL_CONTAINER_OF(timer, struct tcp_session, timer);
    tcp_session_end(session, true, OUTCOME_OK, TCP_END_QUEUE_TIMEOUT);
}

/* Waits for room, and looks once more afterwards: a lease that ended between the pick and the entry
 * into the queue has woken nobody. Returns a pick where that look found a place. */
static struct pick connect_wait(struct tcp_session *session)
{
    struct worker     *worker = session->worker;
    struct proxy_pool *pool   = session->shared->pool;
    if (!pending_enter(&pool->pending, session)) {
        tcp_session_end(session, true, OUTCOME_OK, TCP_END_QUEUE_FULL);
        return (struct pick){.status = PICK_NONE};
    }
    session->phase           = TCP_PHASE_PENDING;
    session->timer.on_expiry = connect_on_queue_timeout;
    timer_arm(&worker->loop.timers, &session->timer,
              session->started_ns + pool->config->queue_timeout_ns);
    return connect_pick(session);
}

/* Connects to what has been picked; where that fails at once, to the next. */
static void connect_to(struct tcp_session *session, struct pick pick)
{
    while (pick.status == PICK_OK) {
        if (session->phase == TCP_PHASE_PENDING)
            pending_leave(&session->shared->pool->pending, session);
        session->phase = TCP_PHASE_CONNECTING;
        session->lease = pick.lease;
        session->attempts++;
        int error = connect_start(session);
        if (error == 0)
            return;
        connect_failed(session, error);
        if (connect_is_shortage(error)) {
            tcp_session_end(session, true, OUTCOME_OK, TCP_END_RESOURCES);
            return;
        }
        pick = connect_pick(session);
        if (pick.status == PICK_QUEUE)
            pick = connect_wait(session);
    }
    if (pick.status == PICK_NONE && session->phase != TCP_PHASE_ENDED)
        connect_give_up(session);
}

void tcp_connect_next(struct tcp_session *session)
{
    struct pick pick = connect_pick(session);
    if (pick.status == PICK_QUEUE)
        pick = connect_wait(session);
    connect_to(session, pick);
}

bool tcp_connect_retry(struct tcp_session *session)
{
    struct pick pick = connect_pick(session);
    if (pick.status == PICK_QUEUE)
        return false;
    connect_to(session, pick);
    return true;
}

void tcp_connect_on_ready(struct tcp_session *session)
{
    struct tcp_side *server = &session->server;
    if (server->broken || (server->hung_up && !server->writable)) {
        struct io *io    = session->worker->loop.io;
        int        error = io->ops->error(io, server->watch.fd);
        connect_failed(session, error != 0 ? error : ECONNRESET);
        tcp_connect_next(session);
    } else if (server->writable) {
        tcp_session_connected(session);
    }
}
