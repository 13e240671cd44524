/* SPDX-License-Identifier: Apache-2.0
 *
 * One backend server: who it is, what is set for it, how busy it is and how it has done.
 *
 * Not here:  which servers may be picked (pool.h) and how one is chosen (balance/).
 * Threading: identity never changes. Settings belong to the control thread. Load and counters are
 *            relaxed atomic words that every worker writes.
 * Memory:    a server belongs to its pool. It outlives its removal for as long as a lease counts on
 *            it or a reader may still look at it.
 */
#ifndef LL_MODEL_SERVER_H
#define LL_MODEL_SERVER_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Heavier than this says nothing that smaller weights cannot; keeps every sum of weights of a full
 * pool within 32 bits. */
#define SERVER_WEIGHT_MAX 65535u

/* Longest id, without the terminator: a host name with its port fits. */
#define SERVER_ID_MAX 255u

/* Tier 0 is served first; a backup is in tier 1. */
#define SERVER_TIERS_MAX 8u

/* What the operator wants. */
enum server_admin {
    SERVER_ADMIN_UP,
    SERVER_ADMIN_DRAIN, /* no new clients; those that stick to it may come back */
    SERVER_ADMIN_DOWN,  /* nobody */
};

/* What may be changed while the server is in service. */
struct server_settings {
    uint32_t          weight;          /* 0 drains */
    uint32_t          max_connections; /* at once, over all workers; 0: no bound */
    uint8_t           tier;
    uint8_t           zone; /* 0: not said */
    enum server_admin admin;
};

/* How a lease on a server ended. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_CANCELLED,       /* the client went away: says nothing about the server */
    OUTCOME_CONNECT_REFUSED, /* answered the connection attempt with a reset */
    OUTCOME_CONNECT_TIMEOUT,
    OUTCOME_CONNECT_ERROR, /* no route, no port, and other ways not to connect */
    OUTCOME_RESET,         /* broke an established connection */
    OUTCOME_TIMEOUT,       /* connected, then answered too late */
    OUTCOME_ERROR,         /* answered, and the answer was a failure */
};
#define OUTCOME_COUNT 8u

/* "ok", "connect_refused" ...: for logs and metrics. */
const char *outcome_name(enum outcome outcome);

static inline bool outcome_failed(enum outcome outcome)
{
    return outcome != OUTCOME_OK && outcome != OUTCOME_CANCELLED;
}

/* What is written on every pick and every end of one. */
struct server_load {
    _Atomic uint32_t inflight;        /* leases that have not ended */
    _Atomic uint32_t max_connections; /* copy of the setting for workers */
    _Atomic uint64_t latency;         /* packed average, see balance/latency.h */
    _Atomic uint64_t ramp_from_ns;    /* slow start began; 0: the server is warm */
};

/* Latency is counted in quarters of powers of two, from 1 us to 69 s: within 25 %. */
#define SERVER_LATENCY_LOW_BITS 10u
#define SERVER_LATENCY_BUCKETS  106u

/* What reports are made of. Counters only grow; whoever wants a rate takes two looks. */
struct server_stats {
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t finished[OUTCOME_COUNT];
    _Atomic uint64_t latency_sum_ns; /* of leases that ended OUTCOME_OK, as are the buckets */
    _Atomic uint64_t last_ok_ns;     /* when the server last did well; 0: never */
    _Atomic uint64_t last_failed_ns;
    _Atomic uint32_t latency[SERVER_LATENCY_BUCKETS];
};

struct server {
    /* One cache line: what a pick writes, and what it reads besides. */
    _Alignas(LL_CACHE_LINE) struct server_load load;
    struct server_stats *stats;
    uint64_t             hash;   /* of the id, the same in every process: where hashing places it */
    uint64_t             serial; /* never given to another server of this process's pool */
    uint16_t             slot;   /* small number, unique among servers that exist */

    /* Constant. */
    const char    *id; /* unique in its pool */
    struct address address;

    /* The control thread's. */
    struct server_settings settings;
    bool                   healthy;
    bool                   removed;
    uint64_t               order; /* position in the configuration */
};

/* One more finished lease. latency_ns counts only for OUTCOME_OK. */
void server_count(struct server *server, enum outcome outcome, uint64_t latency_ns,
                  uint64_t now_ns);

/* Share (0 to 100) of leases that ended in failure, among those that ended OK or failed. */
uint32_t server_failed_percent(const struct server *server);

/* Upper bound of the bucket at or below which that share (0 to 100) of latencies lies; 0 where
 * there are none. */
uint64_t server_latency_percentile(const struct server *server, uint32_t percent);

static inline uint32_t server_inflight(const struct server *server)
{
    return atomic_load_explicit(&server->load.inflight, memory_order_relaxed);
}

/* How long ago the server last did well, the evidence for trusting it; UINT64_MAX: never. */
uint64_t server_staleness_ns(const struct server *server, uint64_t now_ns);

#endif
