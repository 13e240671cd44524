/* SPDX-License-Identifier: Apache-2.0
 *
 * The servers that may be picked now, as workers and algorithms see them.
 *
 * Owns:      its arrays and the tables that the balancing policy built for it.
 * Not here:  who decides that a server is in it (pool.h) and how one is chosen (balance/).
 * Threading: a view never changes after it is published; load words that it points to do. Readers
 *            load it with pool_view() inside a section that its pool's qsbr protects.
 */
#ifndef LL_MODEL_POOL_VIEW_H
#define LL_MODEL_POOL_VIEW_H

#include "base/arena.h"
#include "model/event.h"
#include "model/server.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* More servers than any pool that we have heard of; bounds every loop and table, and lets 16 bits
 * name a server. */
#define POOL_SERVERS_MAX 65535u
#define POOL_NO_INDEX    UINT16_MAX

struct pool_view;

/* Who prepares views for picking; implemented by balance. Counted by the views that use it; all of
 * it on the control thread. */
struct pool_policy {
    struct arena arena; /* holds the policy itself and the words that its views share */
    uint32_t     references;

    /* Builds the tables of a view that nobody else sees yet. old is the view before it where that
     * had the same policy, so that a rotation goes on where it was, else NULL. */
    void (*prepare)(struct pool_policy *policy, struct pool_view *view,
                    const struct pool_view *old);

    /* Readers may see the view from now on; leases of before may have ended in between. */
    void (*published)(struct pool_policy *policy, const struct pool_view *view);
};

/* What all views of a pool share and workers reach through any of them. */
struct pool_shared {
    _Alignas(LL_CACHE_LINE) _Atomic(struct pool_view *) view; /* the newest */
    struct event_bus *events;                                 /* or NULL */
    uint32_t          number;                                 /* of the pool, in events */
};

struct pool_view {
    struct pool_shared   *shared;
    uint64_t              generation;
    uint32_t              count;
    struct server *const *servers;       /* in configuration order */
    const uint32_t       *weights;       /* by index, at least 1 */
    uint64_t              weight_sum;    /* at most 2^32 */
    bool                  equal_weights; /* all the same */
    bool                  limited;       /* some server has max_connections */
    bool                  panic;         /* too few are healthy: all are here, healthy or not */
    uint32_t              slot_count;
    const uint16_t       *index_of_slot;   /* POOL_NO_INDEX: not in this view */
    uint32_t              returning_count; /* servers that take clients back that stick to them: */
    struct server *const *returning;       /* the healthy ones, drained or not */
    uint32_t reserve_count;             /* healthy servers of later tiers, for a request that has */
    struct server *const *reserves;     /* failed on all of the above: nearest tier first, and */
    const uint32_t       *reserve_ends; /* by index: where the servers of its tier end */
    uint64_t              ramp_until_ns; /* when the last server here will be warm */
    uint64_t              ramp_window_ns;
    uint32_t              ramp_min_percent;
    struct pool_policy   *policy;
    void                 *tables; /* the policy's, from arena */
    struct arena          arena;  /* of all of the above */
};

/* Index of a server in the view, or POOL_NO_INDEX. */
static inline uint32_t pool_view_index(const struct pool_view *view, const struct server *server)
{
    uint32_t index =
        server->slot < view->slot_count ? view->index_of_slot[server->slot] : POOL_NO_INDEX;
    /* The slot may have been another server's when the view was made, or may be since. */
    if (index != POOL_NO_INDEX && view->servers[index] != server)
        index = POOL_NO_INDEX;
    return index;
}

/* A server's full share, for pool_view_ramp. */
#define POOL_RAMP_FULL 65536u

/* How much of its weight a server that is warming up gets, of POOL_RAMP_FULL: linear in its age,
 * never below the minimum. */
static inline uint32_t pool_view_ramp(const struct pool_view *view, const struct server *server,
                                      uint64_t now_ns)
{
    if (LL_LIKELY(now_ns >= view->ramp_until_ns))
        return POOL_RAMP_FULL;
    uint64_t from = atomic_load_explicit(&server->load.ramp_from_ns, memory_order_relaxed);
    if (from == 0)
        return POOL_RAMP_FULL;
    uint64_t age = now_ns > from ? now_ns - from : 0;
    if (age >= view->ramp_window_ns)
        return POOL_RAMP_FULL;
    /* Windows are at most hours, so age times 2^16 fits. */
    uint64_t share = age * POOL_RAMP_FULL / view->ramp_window_ns;
    uint64_t least = (uint64_t)view->ramp_min_percent * POOL_RAMP_FULL / 100;
    return (uint32_t)LL_MAX(LL_MAX(share, least), 1);
}

#endif
