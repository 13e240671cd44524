/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing a server for a request: what a host calls.
 *
 *     struct pick pick = balance_pick(view, &query);       one more lease on pick.lease.server
 *     ... connect, serve, balance_first_byte(&pick.lease, now_ns) ...
 *     balance_finish(&pick.lease, OUTCOME_OK, now_ns);     exactly once, also on cancel
 *
 * On failure, a retry is finish, tried_add, pick again; no server is then offered twice.
 * Not here:  clocks, random numbers, sockets, health. Time and randomness come with the query, so
 *            that the same object code runs live and in the simulator, and a recorded query can be
 *            replayed.
 * Threading: any number of threads at once, each inside a section that the pool's qsbr protects
 *            during a call. Nothing here takes a lock or allocates.
 *
 * What comes out at the edges:
 *   no server, all down         PICK_NONE (in panic mode servers that are down are offered)
 *   one server                  that one
 *   all that are left tried     one of the next zone or tier (backup); PICK_NONE where there is
 * none all untried ones at their   PICK_QUEUE: wait until a lease ends, then pick again
 *     max_connections
 *   weight 0, drained           not offered, but to clients that stick to the server
 *   weight changed              leases, averages and the place in the rotation stay
 *   server removed with leases  they go on and are finished as usual
 *   algorithm changed           leases and averages stay
 */
#ifndef LL_BALANCE_BALANCER_H
#define LL_BALANCE_BALANCER_H

#include "balance/balance_config.h"
#include "balance/tried.h"
#include "base/compiler.h"
#include "model/pool_view.h"
#include "model/server.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct pick_query {
    uint64_t            random; /* fresh for every pick */
    uint64_t            now_ns;
    const struct tried *tried; /* servers that this request has tried, or NULL */
    uint8_t             key_mask;
    uint64_t keys[BALANCE_CHAIN_MAX]; /* by step; valid where key_mask has bit 1 << step */
};

/* The same key for every step. */
static inline void pick_query_set_key(struct pick_query *query, uint64_t key)
{
    query->key_mask = (1u << BALANCE_CHAIN_MAX) - 1;
    for (uint32_t i = 0; i < BALANCE_CHAIN_MAX; i++)
        query->keys[i] = key;
}

enum pick_status {
    PICK_OK,
    PICK_NONE,
    PICK_QUEUE,
};

enum pick_reason {
    PICK_REASON_ALGORITHM,
    PICK_REASON_STICKY,   /* the client came back to its server */
    PICK_REASON_LEFTOVER, /* the algorithm had nothing to say, and this server was free */
    PICK_REASON_RESERVE,  /* the request has tried all servers that come before */
    PICK_REASON_NOTHING,
};

/* One request's hold on a server. Plain data: may be copied and moved, but ended once. */
struct lease {
    struct server      *server; /* NULL: none, or ended */
    struct pool_shared *shared;
    uint64_t            start_ns;
    uint64_t            first_byte_ns; /* 0: not yet */
};

struct pick {
    enum pick_status status;
    enum pick_reason reason;
    uint32_t         step;  /* of the chain, that chose */
    struct lease     lease; /* for PICK_OK */
};

/* Makes the pool's next published views pick in this way. Leases and what servers are known for
 * stay. config has passed balance_config_check. */
void balance_configure(struct pool *pool, const struct balance_config *config);

struct pick balance_pick(const struct pool_view *view, const struct pick_query *query);

/* The first byte of the answer is here. May be left out. */
void balance_first_byte(struct lease *lease, uint64_t now_ns);

/* Ends the lease. */
void balance_finish(struct lease *lease, enum outcome outcome, uint64_t now_ns);

/* The next server that an algorithm (prequal) wants to be asked how it is, or NULL. Take them after
 * picks, as long as there are any; those that nobody takes are forgotten. */
struct server *balance_take_probe(const struct pool_view *view);

/* The answer: requests in flight at the server, and its latency of late at about that load. Of a
 * probe that failed nothing is told. random is fresh. */
void balance_probe_answer(const struct pool_view *view, struct server *server, uint32_t inflight,
                          uint64_t latency_ns, uint64_t random, uint64_t now_ns);

/* Which key the host should bring for a step of the view's chain. */
enum balance_key balance_step_key(const struct pool_view *view, uint32_t step);

/* All algorithm names, sorted, for validation and suggestions. */
const char *const *balance_names(size_t *ret_count);

const char *pick_reason_name(enum pick_reason reason);

#endif
