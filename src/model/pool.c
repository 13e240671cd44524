/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pool.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/rng.h"
#include "model/pool_build.h"
#include "model/pool_sets.h"

#include <stdlib.h>
#include <string.h>

/* Where a removed server is on its way out. Readers of older views may still pick it until they
 * have passed; only then do its leases only decrease; and whoever ends the last one may still look
 * at it until that reader has passed as well. */
enum removal {
    REMOVAL_SEEN,   /* a view that readers use may hold it */
    REMOVAL_UNSEEN, /* only leases do */
    REMOVAL_UNUSED, /* nobody does, and readers are passing */
};

struct pool_removed {
    struct pool_removed *next;
    struct pool         *pool;
    struct server       *server;
    enum removal         state;
    bool                 retired; /* on its way through the qsbr */
};

struct pool {
    struct pool_shared   shared;
    struct pool_settings settings;
    struct pool_sets     sets;
    struct map           by_id;
    struct qsbr         *qsbr;
    struct pool_policy  *policy;
    struct pool_removed *removed;
    uint32_t             removed_count;
    uint64_t             next_serial;
    uint64_t             generation;
    bool                 changed;
    uint32_t             slot_count; /* slots ever given out */
    uint16_t *free_slots; /* a ring, oldest first: a slot rests before it is used again */
    uint32_t  free_slot_first;
    uint32_t  free_slot_count;
    char     *name;
};

/* The same in every process, so that balancers agree on where a key goes. */
#define POOL_ID_SEED UINT64_C(0x6c696d656c6f6164)

struct pool_settings pool_settings_default(void)
{
    return (struct pool_settings){.panic_percent = 50, .slow_start_min_percent = 10};
}

struct pool *pool_new(const char *name, uint32_t number, struct qsbr *qsbr,
                      struct event_bus *events)
{
    struct pool *pool   = alloc_lines(1, sizeof *pool);
    pool->settings      = pool_settings_default();
    pool->name          = alloc_string(name);
    pool->qsbr          = qsbr;
    pool->shared.events = events;
    pool->shared.number = number;
    pool->changed       = true;
    pool->free_slots    = alloc_zero(POOL_SERVERS_MAX, sizeof *pool->free_slots);
    map_init(&pool->by_id, rng_mix((uint64_t)(uintptr_t)pool));
    return pool;
}

static void server_free(struct server *server)
{
    free((void *)(uintptr_t)server->id);
    free(server->stats);
    free(server);
}

static void policy_unref(struct pool_policy *policy)
{
    if (policy == NULL)
        return;
    LL_ASSERT(policy->references > 0);
    if (--policy->references > 0)
        return;
    struct arena arena = policy->arena;
    arena_fini(&arena);
}

static void view_free(void *object)
{
    struct pool_view *view = object;
    policy_unref(view->policy);
    arena_fini(&view->arena);
    free(view);
}

const char *pool_name(const struct pool *pool)
{
    return pool->name;
}

static void pool_emit(struct pool *pool, enum event_type type, const struct server *server,
                      uint8_t detail, uint64_t value)
{
    if (!event_wanted(pool->shared.events, type))
        return;
    event_emit(pool->shared.events, &(struct event){
                                        .type   = (uint8_t)type,
                                        .detail = detail,
                                        .slot   = server != NULL ? server->slot : POOL_NO_INDEX,
                                        .pool   = pool->shared.number,
                                        .serial = server != NULL ? server->serial : EVENT_NO_SERVER,
                                        .value  = value,
                                    });
}

void pool_configure(struct pool *pool, const struct pool_settings *settings)
{
    LL_ASSERT(settings->panic_percent <= 100);
    LL_ASSERT(settings->slow_start_min_percent <= 100);
    LL_ASSERT(settings->slow_start_ns <= POOL_SLOW_START_MAX_NS);
    bool zone_changed = settings->zone != pool->settings.zone;
    pool->settings    = *settings;
    pool->changed     = true;
    if (!zone_changed)
        return;
    for (uint32_t i = 0; i < pool->sets.all.count; i++)
        pool_sets_place(&pool->sets, pool->sets.all.servers[i], settings->zone);
}

void pool_set_policy(struct pool *pool, struct pool_policy *policy)
{
    LL_ASSERT(policy != NULL && policy->references == 1);
    policy_unref(pool->policy);
    pool->policy  = policy;
    pool->changed = true;
}

struct pool_policy *pool_policy(const struct pool *pool)
{
    return pool->policy;
}

static bool refuse(struct invalid_server *ret_invalid, enum invalid_kind kind, const char *field,
                   const char *why, const char *remedy)
{
    *ret_invalid = (struct invalid_server){kind, field, why, remedy};
    return false;
}

static bool settings_valid(const struct server_settings *settings,
                           struct invalid_server        *ret_invalid)
{
    if (settings->weight > SERVER_WEIGHT_MAX)
        return refuse(ret_invalid, INVALID_VALUE, "weight", "is above 65535",
                      "weights are shares: divide all of the pool by the same number");
    if (settings->tier >= SERVER_TIERS_MAX)
        return refuse(ret_invalid, INVALID_VALUE, "tier", "is above 7",
                      "tier 0 is used first, and 8 tiers are all there are");
    if ((unsigned)settings->admin > SERVER_ADMIN_DOWN)
        return refuse(ret_invalid, INVALID_VALUE, "state", "is not a state",
                      "use up, drain or down");
    return true;
}

static bool id_valid(struct slice id, struct invalid_server *ret_invalid)
{
    if (id.size == 0)
        return refuse(ret_invalid, INVALID_VALUE, "id", "is empty",
                      "give it a name, or leave it out and the address is its name");
    if (id.size > SERVER_ID_MAX)
        return refuse(ret_invalid, INVALID_VALUE, "id", "is longer than 255 bytes",
                      "use a shorter name");
    for (size_t i = 0; i < id.size; i++) {
        if ((unsigned char)id.data[i] <= ' ' || id.data[i] == 0x7f)
            return refuse(ret_invalid, INVALID_VALUE, "id", "holds a space or a control character",
                          "use letters, digits and punctuation");
    }
    return true;
}

static bool address_valid(const struct address *address, struct invalid_server *ret_invalid)
{
    switch (address->family) {
    case ADDRESS_IPV4:
    case ADDRESS_IPV6:
        if (address->endpoint.port != 0)
            return true;
        return refuse(ret_invalid, INVALID_VALUE, "address", "has no port",
                      "write ADDRESS:PORT, with a port from 1 to 65535");
    case ADDRESS_UNIX:
        if (address->path[0] != '\0')
            return true;
        return refuse(ret_invalid, INVALID_VALUE, "address", "is an empty path",
                      "write unix:/PATH/TO/SOCKET");
    case ADDRESS_NONE:
        break;
    }
    return refuse(ret_invalid, INVALID_VALUE, "address", "is missing",
                  "write ADDRESS:PORT or unix:/PATH");
}

static uint16_t pool_take_slot(struct pool *pool)
{
    if (pool->free_slot_count == 0) {
        LL_ASSERT(pool->slot_count < POOL_SERVERS_MAX);
        return (uint16_t)pool->slot_count++;
    }
    uint16_t slot         = pool->free_slots[pool->free_slot_first];
    pool->free_slot_first = (pool->free_slot_first + 1) % POOL_SERVERS_MAX;
    pool->free_slot_count--;
    return slot;
}

static void pool_give_slot(struct pool *pool, uint16_t slot)
{
    uint32_t place          = (pool->free_slot_first + pool->free_slot_count) % POOL_SERVERS_MAX;
    pool->free_slots[place] = slot;
    pool->free_slot_count++;
}

struct server *pool_add(struct pool *pool, const struct server_spec *spec,
                        struct invalid_server *ret_invalid)
{
    if (!id_valid(spec->id, ret_invalid) || !address_valid(&spec->address, ret_invalid) ||
        !settings_valid(&spec->settings, ret_invalid))
        return NULL;
    if (map_get(&pool->by_id, spec->id) != NULL) {
        (void)refuse(ret_invalid, INVALID_DUPLICATE, "id", "is already the name of another server",
                     "give each server of a pool a name of its own");
        return NULL;
    }
    /* Removed servers that still serve somebody count: they have a slot. */
    if (pool->sets.all.count + pool->removed_count >= POOL_SERVERS_MAX) {
        (void)refuse(ret_invalid, INVALID_FULL, "servers", "are 65535 already, the most of a pool",
                     "remove others first, or use a second pool");
        return NULL;
    }

    struct server *server = alloc_lines(1, sizeof *server);
    char          *id     = alloc_zero(spec->id.size + 1, 1);
    memcpy(id, spec->id.data, spec->id.size);
    server->id       = id;
    server->address  = spec->address;
    server->hash     = hash_bytes(id, spec->id.size, POOL_ID_SEED);
    server->serial   = pool->next_serial++;
    server->order    = server->serial;
    server->slot     = pool_take_slot(pool);
    server->stats    = alloc_lines(1, sizeof *server->stats);
    server->settings = spec->settings;
    server->healthy  = true;
    atomic_init(&server->load.max_connections, spec->settings.max_connections);

    bool added = map_add(&pool->by_id, (struct slice){id, spec->id.size}, server);
    LL_ASSERT(added);
    pool_sets_place(&pool->sets, server, pool->settings.zone);
    pool->changed = true;
    pool_emit(pool, EVENT_SERVER_ADDED, server, 0, server->settings.weight);
    return server;
}

static bool unknown(struct invalid_server *ret_invalid)
{
    return refuse(ret_invalid, INVALID_UNKNOWN, "id", "is not the name of a server of this pool",
                  "list the servers of the pool to see their names");
}

static void removed_step(struct pool_removed *removed);

/* Readers have passed once more. */
static void removed_passed(void *object)
{
    struct pool_removed *removed = object;
    removed->retired             = false;
    LL_ASSERT(removed->state != REMOVAL_UNSEEN);
    if (removed->state == REMOVAL_SEEN) {
        removed->state = REMOVAL_UNSEEN;
        removed_step(removed);
        return;
    }
    struct pool          *pool = removed->pool;
    struct pool_removed **link = &pool->removed;
    while (*link != removed)
        link = &(*link)->next;
    *link = removed->next;
    pool->removed_count--;
    pool_give_slot(pool, removed->server->slot);
    server_free(removed->server);
    free(removed);
}

static void pool_retire(struct pool *pool, qsbr_free_fn *free_fn, void *object)
{
    if (pool->qsbr != NULL)
        qsbr_retire(pool->qsbr, free_fn, object);
    else
        free_fn(object);
}

static void removed_step(struct pool_removed *removed)
{
    if (removed->retired || removed->state == REMOVAL_UNUSED)
        return;
    if (removed->state == REMOVAL_UNSEEN) {
        if (atomic_load(&removed->server->load.inflight) != 0)
            return;
        removed->state = REMOVAL_UNUSED;
    }
    removed->retired = true;
    pool_retire(removed->pool, removed_passed, removed);
}

static void pool_step_removed(struct pool *pool)
{
    for (struct pool_removed *removed = pool->removed, *next; removed != NULL; removed = next) {
        next = removed->next;
        removed_step(removed);
    }
}

bool pool_remove(struct pool *pool, struct slice id, struct invalid_server *ret_invalid)
{
    struct server *server = map_remove(&pool->by_id, id);
    if (server == NULL)
        return unknown(ret_invalid);
    server->removed = true;
    pool_sets_place(&pool->sets, server, pool->settings.zone);

    struct pool_removed *removed = alloc_zero(1, sizeof *removed);
    *removed      = (struct pool_removed){.next = pool->removed, .pool = pool, .server = server};
    pool->removed = removed;
    pool->removed_count++;
    pool->changed = true;
    pool_emit(pool, EVENT_SERVER_REMOVED, server, 0, server_inflight(server));
    return true;
}

bool pool_update(struct pool *pool, struct slice id, const struct server_settings *settings,
                 struct invalid_server *ret_invalid)
{
    struct server *server = map_get(&pool->by_id, id);
    if (server == NULL)
        return unknown(ret_invalid);
    if (!settings_valid(settings, ret_invalid))
        return false;
    struct server_settings old = server->settings;
    server->settings           = *settings;
    atomic_store_explicit(&server->load.max_connections, settings->max_connections,
                          memory_order_relaxed);
    pool_sets_place(&pool->sets, server, pool->settings.zone);
    pool->changed = true;
    if (old.weight != settings->weight)
        pool_emit(pool, EVENT_SERVER_WEIGHT, server, 0, settings->weight);
    if (old.admin != settings->admin)
        pool_emit(pool, EVENT_SERVER_ADMIN, server, (uint8_t)settings->admin, 0);
    return true;
}

struct server *pool_get(const struct pool *pool, struct slice id)
{
    return map_get(&pool->by_id, id);
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->sets.all.count;
}

struct server *pool_at(const struct pool *pool, uint32_t index)
{
    LL_ASSERT(index < pool->sets.all.count);
    return pool->sets.all.servers[index];
}

void pool_set_health(struct pool *pool, struct server *server, bool healthy)
{
    LL_ASSERT(!server->removed);
    if (server->healthy == healthy)
        return;
    server->healthy = healthy;
    pool_sets_place(&pool->sets, server, pool->settings.zone);
    pool->changed = true;
    pool_emit(pool, EVENT_SERVER_STATUS, server, healthy, 0);
}

void pool_publish(struct pool *pool, uint64_t now_ns)
{
    if (!pool->changed)
        return;
    LL_ASSERT(pool->policy != NULL);
    struct pool_view *old = atomic_load_explicit(&pool->shared.view, memory_order_relaxed);
    struct pool_view *view =
        pool_build(&pool->sets, &pool->settings, pool->slot_count, old, now_ns);
    view->shared     = &pool->shared;
    view->generation = ++pool->generation;
    view->policy     = pool->policy;
    view->policy->references++;
    bool same_policy = old != NULL && old->policy == view->policy;
    view->policy->prepare(view->policy, view, same_policy ? old : NULL);

    /* Sequentially consistent, as are the counts of leases: whoever ends a lease and still sees the
     * old view did so before published() looks at the counts. */
    atomic_store(&pool->shared.view, view);
    view->policy->published(view->policy, view);
    pool->changed = false;
    if (old != NULL)
        pool_retire(pool, view_free, old);
    pool_step_removed(pool);
    pool_emit(pool, EVENT_PUBLISHED, NULL, view->panic, view->count);
}

uint32_t pool_reclaim(struct pool *pool)
{
    /* A removal that is not published yet is not over for those who come now. */
    if (!pool->changed)
        pool_step_removed(pool);
    return pool->removed_count + (pool->qsbr != NULL ? qsbr_reclaim(pool->qsbr) : 0);
}

const struct pool_view *pool_view(const struct pool *pool)
{
    return atomic_load_explicit(&pool->shared.view, memory_order_acquire);
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    if (pool->qsbr != NULL)
        (void)qsbr_reclaim(pool->qsbr);
    struct pool_view *view = atomic_load_explicit(&pool->shared.view, memory_order_relaxed);
    if (view != NULL)
        view_free(view);
    policy_unref(pool->policy);
    for (struct pool_removed *removed = pool->removed, *next; removed != NULL; removed = next) {
        next = removed->next;
        LL_ASSERT(!removed->retired);
        server_free(removed->server);
        free(removed);
    }
    for (uint32_t i = 0; i < pool->sets.all.count; i++)
        server_free(pool->sets.all.servers[i]);
    pool_sets_fini(&pool->sets);
    map_fini(&pool->by_id);
    free(pool->free_slots);
    free(pool->name);
    free(pool);
}
