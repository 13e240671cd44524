/* SPDX-License-Identifier: Apache-2.0
 *
 * A pool of servers: who is in it, what is known of them, and which of them may be picked.
 *
 * Servers are found by id in constant time. The set that may be picked is kept up to date by every
 * change, and pool_publish makes it visible to workers as one immutable view.
 * Not here:  how a server is picked (balance/), how its health is found out (health/).
 * Threading: the control thread alone calls what is here, but for pool_view, which any reader may
 *            call between qsbr_online and qsbr_offline.
 */
#ifndef LL_MODEL_POOL_H
#define LL_MODEL_POOL_H

#include "base/compiler.h"
#include "base/qsbr.h"
#include "base/slice.h"
#include "model/pool_view.h"
#include "model/server.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct pool_settings {
    uint32_t panic_percent; /* fewer healthy than this: use all; 0: never */
    uint64_t slow_start_ns; /* how long a server that joins later takes to get its share; 0: no */
    uint32_t slow_start_min_percent; /* share it starts with */
    uint8_t  zone;        /* servers of this zone come before others of their tier; 0: no matter */
    uint32_t subset;      /* use only so many servers of a tier; 0: all */
    uint64_t subset_seed; /* which ones: differs between balancers, so that all servers are used */
};

#define POOL_SLOW_START_MAX_NS (UINT64_C(24) * 3600 * 1000 * 1000 * 1000)

struct pool_settings pool_settings_default(void);

struct server_spec {
    struct slice           id;
    struct address         address;
    struct server_settings settings;
};

enum invalid_kind {
    INVALID_VALUE,
    INVALID_DUPLICATE, /* the id is taken */
    INVALID_UNKNOWN,   /* no server has this id */
    INVALID_FULL,      /* POOL_SERVERS_MAX are there */
};

/* Why a server was refused; texts are complete clauses for "FIELD: WHY (REMEDY)". */
struct invalid_server {
    enum invalid_kind kind;
    const char       *field; /* a name in the configuration */
    const char       *why;
    const char       *remedy;
};

/* qsbr: of those who read the views; NULL where this thread is the only one, and what is replaced
 * is then freed at once. events may be NULL. number names the pool in events. */
struct pool *pool_new(const char *name, uint32_t number, struct qsbr *qsbr,
                      struct event_bus *events);

/* No reader and no lease may be left. NULL is fine. */
void pool_free(struct pool *pool);

const char *pool_name(const struct pool *pool);

/* Takes effect with the next pool_publish. */
void pool_configure(struct pool *pool, const struct pool_settings *settings);

/* The policy that prepares views from the next pool_publish on; the pool takes over the caller's
 * reference. */
void pool_set_policy(struct pool *pool, struct pool_policy *policy);

/* The policy last set, or NULL. */
struct pool_policy *pool_policy(const struct pool *pool);

/* Adds a server as healthy. NULL, nothing changed and ret_invalid filled where it is refused. */
LL_MUST_CHECK struct server *pool_add(struct pool *pool, const struct server_spec *spec,
                                      struct invalid_server *ret_invalid);

/* Leases on it go on; the id is free at once. */
LL_MUST_CHECK bool pool_remove(struct pool *pool, struct slice id,
                               struct invalid_server *ret_invalid);

/* Replaces the settings of a server. A different id or address is another server: add it. */
LL_MUST_CHECK bool pool_update(struct pool *pool, struct slice id,
                               const struct server_settings *settings,
                               struct invalid_server        *ret_invalid);

/* NULL where there is none. */
struct server *pool_get(const struct pool *pool, struct slice id);

/* In configuration order; index below pool_count. */
uint32_t       pool_count(const struct pool *pool);
struct server *pool_at(const struct pool *pool, uint32_t index);

void pool_set_health(struct pool *pool, struct server *server, bool healthy);

/* Makes all changes since the last time visible as a new view, if there are any. Servers that were
 * not in the view before start slowly from now_ns, except where it had none at all. */
void pool_publish(struct pool *pool, uint64_t now_ns);

/* Frees what nobody uses any more; call it now and then. Returns what is still in use: replaced
 * views and removed servers. */
uint32_t pool_reclaim(struct pool *pool);

/* The newest view; never NULL after the first pool_publish. */
const struct pool_view *pool_view(const struct pool *pool);

#endif
