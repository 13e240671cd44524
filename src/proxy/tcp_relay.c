/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving bytes between the two sides of a TCP session.
 *
 * In the steady state a message costs one recv and one send: what is read is sent from the same
 * buffer at once, and a read that did not fill the buffer has emptied the socket, so nobody asks
 * again.
 */
#include "proxy/tcp_session.h"

#include "base/assert.h"
#include "proxy/worker.h"

#include <errno.h>

/* Reads in a row from one side before others get their turn: 256 KiB. */
#define RELAY_READS_MAX 4u

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

void tcp_relay_wake_waiting(struct worker *worker)
{
    if (list_empty(&worker->buffers.waiting) || buffer_pool_spare(&worker->buffers) == NULL)
        return;
    struct list_link *link = list_take(&worker->buffers.waiting);
    loop_schedule(&worker->loop, &LIST_ITEM(link, struct tcp_session, waiting)->task);
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
        tcp_relay_wake_waiting(session->worker);
    }
    return RELAY_IDLE;
}

/* One read and the write that belongs to it. */
static enum relay_result relay_move(struct tcp_session *session, struct tcp_side *from,
                                    struct tcp_side *to, struct buffer *buffer)
{
    ssize_t size = relay_io(session)->ops->recv(relay_io(session), from->watch.fd, buffer->bytes,
                                                sizeof buffer->bytes);
    if (size < 0) {
        if (size == -EAGAIN)
            from->readable = false;
        return size == -EAGAIN ? RELAY_IDLE : RELAY_FROM_RESET;
    }
    if (size == 0) {
        from->ended    = true;
        from->readable = false;
        if (session->reason == NULL)
            session->reason =
                from == &session->client ? TCP_END_CLIENT_CLOSED : TCP_END_SERVER_CLOSED;
        return RELAY_IDLE;
    }
    /* A short read has emptied the socket; only an end of file can be behind it, and hung_up knows.
     */
    if ((size_t)size < sizeof buffer->bytes && !from->hung_up)
        from->readable = false;
    from->received += (uint64_t)size;
    session->active_ns = session->worker->loop.now_ns;

    ssize_t sent = relay_send(session, to, buffer->bytes, (size_t)size);
    if (sent < 0)
        return RELAY_TO_RESET;
    if (sent < size) {
        to->pending        = buffer_pool_keep_spare(&session->worker->buffers);
        to->pending->start = (uint32_t)sent;
        to->pending->end   = (uint32_t)size;
    }
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
    for (uint32_t reads = 0; result == RELAY_IDLE && from->readable && to->pending == NULL;
         reads++) {
        if (reads == RELAY_READS_MAX)
            return RELAY_AGAIN;
        struct buffer *buffer = buffer_pool_spare(&session->worker->buffers);
        if (buffer == NULL) {
            if (!list_linked(&session->waiting))
                list_append(&session->worker->buffers.waiting, &session->waiting);
            return RELAY_IDLE;
        }
        result = relay_move(session, from, to, buffer);
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
    return from->broken && to->pending != NULL;
}

void tcp_relay_run(struct tcp_session *session)
{
    struct tcp_side *client = &session->client, *server = &session->server;
    if (relay_conclude(session, relay_one_way(session, client, server), true) ||
        relay_conclude(session, relay_one_way(session, server, client), false))
        return;
    if (relay_broken(client, server))
        relay_conclude(session, RELAY_FROM_RESET, true);
    else if (relay_broken(server, client))
        relay_conclude(session, RELAY_FROM_RESET, false);
    else if (client->shut && server->shut)
        tcp_session_end(session, false, OUTCOME_OK, session->reason);
}
