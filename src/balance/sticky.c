/* SPDX-License-Identifier: Apache-2.0
 *
 * Sticky sessions: a client comes back to the server that it had. First in a chain; a client that
 * is not known, or whose server cannot take it, is passed on to the next algorithm.
 *
 * sticky_cookie: the client tells: the key of the step is the hash of the server's id, which the
 * host writes to a cookie. Nothing is stored here, and every balancer understands the cookie.
 *
 * sticky_ip: the key is the client's address, and a bounded table remembers the server last picked
 * for it, whatever algorithm did. A set of eight words shares a cache line; the one not used for
 * longest makes room. A word names the server by its slot: when a server is gone and its slot is
 * another's, its clients stay together, on that one.
 *
 * Servers that drain are found, servers that are down are not.
 * Cost: O(1), one cache miss.
 */
#include "balance/algorithms.h"

#define STICKY_WAYS 8u

/* Of the stamps: a good second. */
#define STICKY_STAMP_SHIFT 30u

/* Servers that clients may come back to, by hash of the id: open addressing, at most half full. */
struct sticky_cookie_table {
    uint64_t        mask;
    struct server **servers;
};

static void *sticky_cookie_build(struct balance_site *site, struct arena *arena,
                                 const struct balance_site *old)
{
    (void)old;
    const struct pool_view     *view  = site->view;
    struct sticky_cookie_table *table = arena_alloc(arena, 1, sizeof *table);
    uint64_t                    size  = 2;
    while (size < 2 * (uint64_t)view->returning_count)
        size *= 2;
    table->mask    = size - 1;
    table->servers = arena_alloc(arena, size, sizeof(struct server *));
    for (uint32_t i = 0; i < view->returning_count; i++) {
        uint64_t place = view->returning[i]->hash & table->mask;
        while (table->servers[place] != NULL)
            place = (place + 1) & table->mask;
        table->servers[place] = view->returning[i];
    }
    return table;
}

static struct choice sticky_choice(const struct pick_query *query, struct server *server)
{
    if (choice_tried(query, server) || server_saturated(server))
        return choice_pass();
    return (struct choice){.kind = CHOICE_PICK, .index = POOL_NO_INDEX, .server = server};
}

static struct choice sticky_cookie_pick(const struct balance_site *site,
                                        const struct pick_query   *query)
{
    const struct sticky_cookie_table *table = site->table;
    uint64_t                          key;
    if (!choice_key(site, query, &key))
        return choice_pass();
    for (uint64_t place = key & table->mask; table->servers[place] != NULL;
         place          = (place + 1) & table->mask) {
        if (table->servers[place]->hash == key)
            return sticky_choice(query, table->servers[place]);
    }
    return choice_pass();
}

/* Words are tag (24 bits), slot + 1 (16 bits), stamp (24 bits, wrapping after half a year); 0 is
 * free. */
static uint64_t sticky_ip_sets(const struct balance_tunables *tunables)
{
    uint64_t sets = (tunables->sticky_size + STICKY_WAYS - 1) / STICKY_WAYS;
    return sets <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(sets - 1));
}

static size_t sticky_ip_state_size(const struct balance_tunables *tunables)
{
    return sticky_ip_sets(tunables) * STICKY_WAYS * sizeof(uint64_t);
}

/* By slot: the server of the view that clients may come back to, or NULL. */
static void *sticky_ip_build(struct balance_site *site, struct arena *arena,
                             const struct balance_site *old)
{
    (void)old;
    const struct pool_view *view    = site->view;
    struct server         **servers = arena_alloc(arena, view->slot_count, sizeof(struct server *));
    for (uint32_t i = 0; i < view->returning_count; i++)
        servers[view->returning[i]->slot] = view->returning[i];
    return servers;
}

/* States begin on a cache line, and a set fills one. */
static _Atomic uint64_t *sticky_ip_set(const struct balance_site *site, uint64_t key)
{
    _Atomic uint64_t *words = site->step->state;
    return words + (key & (sticky_ip_sets(&site->step->tunables) - 1)) * STICKY_WAYS;
}

static uint32_t sticky_ip_stamp(uint64_t now_ns)
{
    return (uint32_t)(now_ns >> STICKY_STAMP_SHIFT) & 0xffffff;
}

static uint64_t sticky_ip_word(uint64_t key, uint16_t slot, uint64_t now_ns)
{
    return key >> 40 << 40 | (uint64_t)(slot + 1u) << 24 | sticky_ip_stamp(now_ns);
}

static uint32_t sticky_ip_age(uint64_t word, uint64_t now_ns)
{
    return (sticky_ip_stamp(now_ns) - (uint32_t)word) & 0xffffff;
}

static struct choice sticky_ip_pick(const struct balance_site *site, const struct pick_query *query)
{
    struct server *const *servers = site->table;
    uint64_t              ttl     = site->step->tunables.sticky_ttl >> STICKY_STAMP_SHIFT;
    uint64_t              key;
    if (!choice_key(site, query, &key))
        return choice_pass();
    const _Atomic uint64_t *set = sticky_ip_set(site, key);
    for (uint32_t i = 0; i < STICKY_WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (word == 0 || word >> 40 != key >> 40 || sticky_ip_age(word, query->now_ns) > ttl)
            continue;
        uint64_t slot = (word >> 24 & 0xffff) - 1;
        if (slot < site->view->slot_count && servers[slot] != NULL)
            return sticky_choice(query, servers[slot]);
    }
    return choice_pass();
}

/* Whoever picked, remembers it. Two workers that store at once may cost one client its place. */
static void sticky_ip_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    uint64_t key;
    if (!choice_key(site, feedback->query, &key))
        return;
    _Atomic uint64_t *set    = sticky_ip_set(site, key);
    uint32_t          oldest = 0;
    uint32_t          most   = 0;
    for (uint32_t i = 0; i < STICKY_WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        uint32_t age  = word == 0 ? UINT32_MAX : sticky_ip_age(word, feedback->now_ns);
        if (word != 0 && word >> 40 == key >> 40) {
            oldest = i;
            break;
        }
        if (age >= most) {
            most   = age;
            oldest = i;
        }
    }
    uint64_t fresh = sticky_ip_word(key, feedback->server->slot, feedback->now_ns);
    if (atomic_load_explicit(&set[oldest], memory_order_relaxed) != fresh)
        atomic_store_explicit(&set[oldest], fresh, memory_order_relaxed);
}

const struct algorithm algorithm_sticky_cookie = {
    .name    = "sticky_cookie",
    .summary = "the server that the client's cookie names; first in a chain",
    .key     = BALANCE_KEY_SERVER,
    .reason  = PICK_REASON_STICKY,
    .build   = sticky_cookie_build,
    .pick    = sticky_cookie_pick,
};

const struct algorithm algorithm_sticky_ip = {
    .name       = "sticky_ip",
    .summary    = "the server that the client's address had last; first in a chain",
    .key        = BALANCE_KEY_CLIENT_IP,
    .wants      = FEEDBACK_MASK(FEEDBACK_START),
    .reason     = PICK_REASON_STICKY,
    .state_size = sticky_ip_state_size,
    .build      = sticky_ip_build,
    .pick       = sticky_ip_pick,
    .feedback   = sticky_ip_feedback,
};
