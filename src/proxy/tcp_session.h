/* SPDX-License-Identifier: Apache-2.0
 *
 * One TCP session: a client, a server, and the bytes between them.
 *
 * A session first connects (tcp_connect.c): it picks a server, and where that one refuses or does
 * not answer in time the next, each at most once. Then it relays (tcp_relay.c): bytes both ways in
 * order, an end of file after all bytes before it, a reset as a reset, and reading stops while the
 * other side does not take what was read. Memory:    from its worker's slab; freed in a task after
 * the last event of the turn. Threading: its worker's.
 */
#ifndef LL_PROXY_TCP_SESSION_H
#define LL_PROXY_TCP_SESSION_H

#include "balance/balancer.h"
#include "base/list.h"
#include "model/address.h"
#include "net/buffer.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct proxy_listener;
struct worker;

/* One of the two connections of a session. */
struct tcp_side {
    struct watch   watch;
    struct buffer *pending;   /* bytes for this side that it has not taken yet, or NULL */
    uint64_t       received;  /* bytes read from it */
    uint32_t       read_size; /* how much to read for it at once */
    bool           readable;  /* reading may give something */
    bool           writable;  /* writing may take something */
    bool           hung_up;   /* its end of file is on the way: read until it comes */
    bool           ended;     /* its end of file has been read */
    bool           broken;    /* it has been reset; what it sent before may still be there */
    bool           shut;      /* it has been told the other side's end of file */
};

enum tcp_phase {
    TCP_PHASE_PENDING,    /* waits for a server to have room */
    TCP_PHASE_CONNECTING, /* waits for the server to answer */
    TCP_PHASE_RELAYING,   /* bytes flow */
    TCP_PHASE_ENDED,      /* waits for the end of the turn */
};

struct tcp_session {
    struct tcp_side        client;
    struct tcp_side        server;
    struct worker         *worker;
    struct proxy_listener *shared;
    enum tcp_phase         phase;
    uint16_t               attempts;
    bool                   kept_alive; /* the server's socket has its keepalive options */
    struct endpoint        endpoint;   /* of the client */
    struct list_link       link;       /* in worker->sessions */
    struct list_link       waiting;    /* in the pool's list while pending */
    struct loop_task       task;       /* goes on relaying; frees the session after its end */
    struct timer           timer;
    struct lease           lease;
    struct tried           tried;
    uint64_t               started_ns;
    uint64_t               active_ns; /* when bytes last moved */
    uint64_t               connect_ns;
    const char            *reason; /* which side ended first, once one has */
};

/* Why a session ended, as it stands in the log; docs/operations.md explains them. */
#define TCP_END_CLIENT_CLOSED "client_closed"
#define TCP_END_SERVER_CLOSED "server_closed"
#define TCP_END_CLIENT_RESET  "client_reset"
#define TCP_END_SERVER_RESET  "server_reset"
#define TCP_END_IDLE          "idle_timeout"
#define TCP_END_NO_SERVER     "no_server"
#define TCP_END_QUEUE_FULL    "queue_full"
#define TCP_END_QUEUE_TIMEOUT "queue_timeout"
#define TCP_END_ABORTED       "drain_deadline"
#define TCP_END_RESOURCES     "out_of_resources"

/* Starts a session for an accepted client. False where there is no memory for it: the descriptor is
 * then still the caller's, and so is the place in the admissions. */
LL_MUST_CHECK bool tcp_session_start(struct worker *worker, struct proxy_listener *shared, int fd,
                                     const struct endpoint *client);

/* Ends the lease on the server, and lets a session that waits for one have its place. */
void tcp_session_finish(struct tcp_session *session, enum outcome outcome);

/* Ends a session at once; reset says whether what is still open is reset or closed. */
void tcp_session_end(struct tcp_session *session, bool reset, enum outcome outcome,
                     const char *reason);

/* Picks a server and starts connecting; waits where all are at their max_connections, and ends the
 * session where there is none (left). */
void tcp_connect_next(struct tcp_session *session);

/* A waiting session tries again. False where it still has to wait. */
LL_MUST_CHECK bool tcp_connect_retry(struct tcp_session *session);

/* The connecting socket has something to say. */
void tcp_connect_on_ready(struct tcp_session *session);

/* The server is connected: from now on bytes flow. */
void tcp_session_connected(struct tcp_session *session);

/* The first run. */
void tcp_relay_start(struct tcp_session *session);

/* Moves what can be moved, both ways; ends the session when it is over. */
void tcp_relay_run(struct tcp_session *session);

#endif
