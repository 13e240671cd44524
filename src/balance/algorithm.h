/* SPDX-License-Identifier: Apache-2.0
 *
 * What a balancing algorithm is: one file that fills this table, and one row in the registry.
 *
 * Hosts never come here; they call balancer.h, which checks, counts and tells observers, so that an
 * algorithm cannot forget to.
 * Threading: build on the control thread, before anybody sees the view; all else on any number of
 *            threads at once. An algorithm writes nothing but relaxed atomic words, in its state or
 *            in tables that it built for this, and takes no lock.
 * Time:      the query's and the feedback's now_ns; there is no other.
 * Memory:    build takes from the view's arena. Nothing else allocates.
 */
#ifndef LL_BALANCE_ALGORITHM_H
#define LL_BALANCE_ALGORITHM_H

#include "balance/balancer.h"
#include "base/rng.h"

#include <stddef.h>

/* One algorithm of a chain, with what it shares between all views. */
struct balance_step {
    const struct algorithm *algorithm;
    struct balance_tunables tunables;
    uint32_t                number; /* in the chain */
    enum balance_key        key;
    void                   *state; /* zeroed at first, aligned to a cache line */
};

/* The same, seen from one view. */
struct balance_site {
    const struct pool_view    *view;
    const struct balance_step *step;
    void                      *table; /* what build returned */
};

enum choice_kind {
    CHOICE_PASS,  /* the next in the chain may try */
    CHOICE_PICK,  /* this server */
    CHOICE_QUEUE, /* wait for this algorithm's server, and ask no other */
};

struct choice {
    enum choice_kind kind;
    uint32_t         index; /* in the view, or POOL_NO_INDEX */
    struct server   *server;
};

enum feedback_type {
    FEEDBACK_START,
    FEEDBACK_FIRST_BYTE,
    FEEDBACK_FINISH,
    FEEDBACK_PROBE, /* a server answered one: rif, latency_ns */
};
#define FEEDBACK_MASK(type) (1u << (type))

/* Something that happened to a lease. The counts of the server have it already. */
struct feedback {
    enum feedback_type       type;
    enum outcome             outcome; /* of FINISH */
    uint32_t                 index;   /* in the site's view, or POOL_NO_INDEX */
    struct server           *server;
    bool                     answered;   /* the first byte is here */
    uint64_t                 latency_ns; /* from the pick to now */
    uint64_t                 now_ns;
    uint32_t                 rif;    /* of PROBE: requests in flight there */
    uint64_t                 random; /* of PROBE */
    const struct pick_query *query;  /* of START */
};

struct algorithm {
    const char      *name;    /* in configurations */
    const char      *summary; /* one line for people */
    enum balance_key key;     /* what it needs to know of the request */
    uint8_t          wants;   /* mask of feedback */
    enum pick_reason reason;  /* that its picks give */

    /* Bytes of state. Optional. */
    size_t (*state_size)(const struct balance_tunables *tunables);

    /* Returns a table for the view, or NULL. old is the same step's site of the view before, or
     * NULL. Optional. */
    void *(*build)(struct balance_site *site, struct arena *arena, const struct balance_site *old);

    /* Picks a server of the view for which choice_usable holds, or passes. It may give up early: a
     * server that is left is then found for it. The view is not empty. */
    struct choice (*pick)(const struct balance_site *site, const struct pick_query *query);

    /* What it asked for in wants. */
    void (*feedback)(const struct balance_site *site, const struct feedback *feedback);

    /* The next server that it wants to be asked how it is, or NULL. Optional. */
    struct server *(*take_probe)(const struct balance_site *site);

    /* Other threads may see the view; counts may have changed since build. Optional. */
    void (*published)(const struct balance_site *site);
};

/* NULL where there is none of that name. */
const struct algorithm *algorithm_find(const char *name);
const struct algorithm *algorithm_at(size_t index); /* NULL beyond the last */

static inline struct choice choice_pass(void)
{
    return (struct choice){.kind = CHOICE_PASS};
}

static inline struct choice choice_pick(const struct balance_site *site, uint32_t index)
{
    return (struct choice){
        .kind   = CHOICE_PICK,
        .index  = index,
        .server = site->view->servers[index],
    };
}

static inline bool choice_tried(const struct pick_query *query, const struct server *server)
{
    return query->tried != NULL && tried_has(query->tried, server->slot);
}

static inline bool server_saturated(const struct server *server)
{
    uint32_t max = atomic_load_explicit(&server->load.max_connections, memory_order_relaxed);
    return max != 0 && server_inflight(server) >= max;
}

/* Untried and with room for one more. */
static inline bool choice_free(const struct pool_view *view, const struct pick_query *query,
                               uint32_t index)
{
    const struct server *server = view->servers[index];
    if (LL_UNLIKELY(choice_tried(query, server)))
        return false;
    return LL_LIKELY(!view->limited) || !server_saturated(server);
}

/* Random words beyond the query's first, for algorithms that need several. */
static inline uint64_t choice_random(const struct pick_query *query, uint32_t number)
{
    return rng_mix(query->random + number * UINT64_C(0x9e3779b97f4a7c15));
}

/* Whether a server that starts slowly takes this request, for algorithms that do not weigh: it
 * does so with the probability of its share. salt makes decisions of one request independent. */
static inline bool choice_warm(const struct pool_view *view, const struct pick_query *query,
                               uint32_t index, uint32_t salt)
{
    if (LL_LIKELY(query->now_ns >= view->ramp_until_ns))
        return true;
    uint32_t share = pool_view_ramp(view, view->servers[index], query->now_ns);
    return share >= POOL_RAMP_FULL || (choice_random(query, salt + 64) >> 48) < share;
}

/* The key that the host brought for this step. */
static inline bool choice_key(const struct balance_site *site, const struct pick_query *query,
                              uint64_t *ret_key)
{
    *ret_key = query->keys[site->step->number];
    return (query->key_mask >> site->step->number & 1) != 0;
}

/* choice_warm for keys: the same key gives the same answer as long as the share does not fall. */
static inline bool choice_key_warm(const struct pool_view *view, const struct pick_query *query,
                                   uint32_t index, uint64_t key)
{
    if (LL_LIKELY(query->now_ns >= view->ramp_until_ns))
        return true;
    const struct server *server = view->servers[index];
    return (rng_mix(key ^ server->hash) >> 48) < pool_view_ramp(view, server, query->now_ns);
}

/* The two together. */
static inline bool choice_usable(const struct pool_view *view, const struct pick_query *query,
                                 uint32_t index, uint32_t salt)
{
    return choice_free(view, query, index) && choice_warm(view, query, index, salt);
}

#endif
