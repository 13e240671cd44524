/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving bytes between the two sides of a TCP session.
 *
 * In the steady state a message costs one recv and one send: what is read is sent from the same
 * buffer at once, and a read that got less than it asked for has emptied the socket, so nobody asks
 * again. What the receiver does not take at once is kept in the buffer.
 *
 * Bulk data moves in larger pieces, which are much cheaper: every read lets the sender go on and
 * every write wakes the receiver. Nothing of them is ever kept: they are peeked at, sent, and only
 * what was sent is then taken from the socket, which for TCP costs a call but no copy.
 */
#include "proxy/tcp_session.h"

#include "base/assert.h"
#include "proxy/worker.h"

#include <errno.h>

/* Reads begin with what may be kept, grow while they fill up and the receiver takes all, and shrink
 * when it does not, so that little has to be kept for a slow one. */
#define RELAY_READ_LEAST (16u * 1024)
#define RELAY_READ_FIRST BUFFER_SIZE
#define RELAY_READ_MOST  WORKER_SCRATCH_SIZE

/* Moved one way before others get their turn. */
#define RELAY_TURN_BYTES WORKER_SCRATCH_SIZE

enum relay_result {
    RELAY_IDLE,       /* nothing more to do until the next event */
    RELAY_AGAIN,      /* its share of this turn is used up */
    RELAY_FROM_RESET, /* the side that is read from has broken off */
    RELAY_TO_RESET,   /* the side that is written to has broken off */
};

static struct io *relay_io(const struct tcp_session *session)
{
    return session->worker->loop.io;
}

/* Sends some bytes; returns how many were taken, or a negative errno for a broken connection. */
static ssize_t relay_send(struct tcp_session *session, struct tcp_side *to, const char *bytes,
                          size_t size)
{
    ssize_t sent = relay_io(session)->ops->send(relay_io(session), to->watch.fd, bytes, size);
    if (sent == -EAGAIN)
        sent = 0;
    if (sent >= 0 && (size_t)sent < size)
        to->writable = false; /* an event tells when there is room again */
    return sent;
}

/* Sends what an earlier turn has left. */
static enum relay_result relay_flush(struct tcp_session *session, struct tcp_side *to)
{
    struct buffer *pending = to->pending;
    if (pending == NULL || !to->writable)
        return RELAY_IDLE;
    ssize_t sent = relay_send(session, to, pending->bytes + pending->start, buffer_used(pending));
    if (sent < 0)
        return RELAY_TO_RESET;
    if (sent > 0)
        session->active_ns = session->worker->loop.now_ns;
    pending->start += (uint32_t)sent;
    if (buffer_used(pending) == 0) {
        to->pending = NULL;
        buffer_pool_put(&session->worker->buffers, pending);
    }
    return RELAY_IDLE;
}

/* What a read that gave no bytes means. */
static enum relay_result relay_no_bytes(struct tcp_session *session, struct tcp_side *from,
                                        ssize_t result)
{
    if (result < 0 && result != -EAGAIN)
        return RELAY_FROM_RESET;
    from->readable = false;
    if (result == 0) {
        from->ended = true;
        if (session->reason == NULL)
            session->reason =
                from == &session->client ? TCP_END_CLIENT_CLOSED : TCP_END_SERVER_CLOSED;
    }
    return RELAY_IDLE;
}

/* One read of at most to->read_size, and the write that belongs to it. Large reads only peek, and
 * so do all where no buffer may be kept: nobody waits for memory, and nothing is lost. */
static enum relay_result relay_move(struct tcp_session *session, struct tcp_side *from,
                                    struct tcp_side *to, size_t *ret_moved)
{
    struct worker      *worker  = session->worker;
    struct io          *io      = worker->loop.io;
    struct buffer_pool *buffers = &worker->buffers;
    bool                keep    = to->read_size <= BUFFER_SIZE && buffer_pool_may_keep(buffers);
    char               *bytes   = keep ? buffers->spare->bytes : worker->scratch;
    ssize_t             size    = keep ? io->ops->recv(io, from->watch.fd, bytes, to->read_size)
                                       : io->ops->peek(io, from->watch.fd, bytes, to->read_size);
    if (size <= 0)
        return relay_no_bytes(session, from, size);
    session->active_ns = worker->loop.now_ns;
    if (from->received == 0 && from == &session->server)
        balance_first_byte(&session->lease, worker->loop.now_ns);

    ssize_t sent = relay_send(session, to, bytes, (size_t)size);
    if (sent < 0)
        return RELAY_TO_RESET;
    if (!keep)
        io->ops->discard(io, from->watch.fd, bytes, (size_t)sent);
    from->received += (uint64_t)(keep ? size : sent);
    *ret_moved += (size_t)sent;

    bool full = (size_t)size == to->read_size;
    if (sent < size) {
        to->read_size = LL_MAX(to->read_size / 2, RELAY_READ_LEAST);
        if (!keep)
            return RELAY_IDLE; /* the rest is still in the socket */
        to->pending        = buffer_pool_keep_spare(buffers);
        to->pending->start = (uint32_t)sent;
        to->pending->end   = (uint32_t)size;
    } else if (full) {
        to->read_size = (uint32_t)LL_MIN((size_t)to->read_size * 2, RELAY_READ_MOST);
    }
    if (!full && !from->hung_up) /* hung_up: the end of file is behind these bytes */
        from->readable = false;
    return RELAY_IDLE;
}

/* All bytes have gone before. Where the other direction is through already, closing will say it. */
static void relay_pass_end(struct tcp_session *session, const struct tcp_side *from,
                           struct tcp_side *to)
{
    to->shut = true;
    if (!from->shut)
        relay_io(session)->ops->shutdown_write(relay_io(session), to->watch.fd);
}

/* All that can be moved one way this turn. */
static enum relay_result relay_one_way(struct tcp_session *session, struct tcp_side *from,
                                       struct tcp_side *to)
{
    enum relay_result result = relay_flush(session, to);
    size_t            moved  = 0;
    while (result == RELAY_IDLE && from->readable && to->writable && to->pending == NULL) {
        if (moved >= RELAY_TURN_BYTES)
            return RELAY_AGAIN;
        result = relay_move(session, from, to, &moved);
    }
    if (result == RELAY_IDLE && from->ended && to->pending == NULL && !to->shut)
        relay_pass_end(session, from, to);
    return result;
}

/* True where the session has ended. */
static bool relay_conclude(struct tcp_session *session, enum relay_result result,
                           bool from_is_client)
{
    if (result == RELAY_FROM_RESET || result == RELAY_TO_RESET) {
        bool by_client = (result == RELAY_FROM_RESET) == from_is_client;
        tcp_session_end(session, true, by_client ? OUTCOME_CANCELLED : OUTCOME_RESET,
                        by_client ? TCP_END_CLIENT_RESET : TCP_END_SERVER_RESET);
        return true;
    }
    if (result == RELAY_AGAIN)
        loop_schedule(&session->worker->loop, &session->task);
    return false;
}

/* A side has broken off, and the other takes no more of what it had sent: no use in waiting for
 * that, the break is the news. */
static bool relay_broken(const struct tcp_side *from, const struct tcp_side *to)
{
    return from->broken && !to->writable;
}

void tcp_relay_start(struct tcp_session *session)
{
    session->client.read_size = RELAY_READ_FIRST;
    session->server.read_size = RELAY_READ_FIRST;
    tcp_relay_run(session);
}

/* Most events are news for one direction only. */
static bool relay_has_work(const struct tcp_side *from, const struct tcp_side *to)
{
    return to->writable && (from->readable || to->pending != NULL || from->ended);
}

void tcp_relay_run(struct tcp_session *session)
{
    struct tcp_side *client = &session->client, *server = &session->server;
    if (relay_has_work(client, server) &&
        relay_conclude(session, relay_one_way(session, client, server), true))
        return;
    if (relay_has_work(server, client) &&
        relay_conclude(session, relay_one_way(session, server, client), false))
        return;
    if (relay_broken(client, server))
        relay_conclude(session, RELAY_FROM_RESET, true);
    else if (relay_broken(server, client))
        relay_conclude(session, RELAY_FROM_RESET, false);
    else if (client->shut && server->shut)
        tcp_session_end(session, false, OUTCOME_OK, session->reason);
}
