/* SPDX-License-Identifier: Apache-2.0
 *
 * Maglev: the server of a key, from a table that is nearly even and changes little.
 *
 * Every server has an order of preference over the entries of the table, from its id alone; in turn
 * each takes the first entry that is still free. Weights: a server waits out turns (Envoy's rule),
 * so that entries are in proportion. The turns go by the hash of the ids, so that the configuration
 * may list servers in any order and all balancers agree.
 *
 * A key whose server cannot be used is hashed again, which spreads the keys of one server over all
 * others. ip_hash, uri_hash, header_hash and cookie_hash are this with their key.
 * Cost: O(1) per pick, one or two cache misses; building takes some 20 ns per entry.
 */
#include "balance/maglev.h"

#include "balance/algorithms.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define MAGLEV_SIZE_MIN        65537u
#define MAGLEV_SIZE_PER_SERVER 100u

/* Rehashings before the rest is left to the wrapper. */
#define MAGLEV_TRIES 32u

struct maglev_turn {
    uint64_t hash;
    uint64_t place; /* the next entry that it would take */
    uint64_t skip;
    uint64_t waited; /* weight gathered, of the greatest weight needed for a turn */
    uint32_t weight;
    uint32_t index;
};

static bool maglev_is_prime(uint64_t number)
{
    for (uint64_t i = 3; i * i <= number; i += 2) {
        if (number % i == 0)
            return false;
    }
    return number % 2 == 1;
}

static uint32_t maglev_size(uint32_t count, uint64_t wanted)
{
    uint64_t size = wanted != 0 ? LL_MAX(wanted, 2 * (uint64_t)count)
                                : LL_MAX(MAGLEV_SIZE_MIN, (uint64_t)MAGLEV_SIZE_PER_SERVER * count);
    size          = LL_MAX(size, 3);
    while (!maglev_is_prime(size))
        size++;
    return (uint32_t)size;
}

/* By hash; ids differ, so their hashes do, but for chances of 2^-64. */
static void maglev_sort(struct maglev_turn *turns, struct maglev_turn *spare, uint32_t count)
{
    /* Bottom-up merge sort. */
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = LL_MIN(low + width, count);
            uint32_t end    = LL_MIN(low + 2 * width, count);
            uint32_t a = low, b = middle;
            for (uint32_t i = low; i < end; i++)
                spare[i] = b == end || (a < middle && turns[a].hash <= turns[b].hash) ? turns[a++]
                                                                                      : turns[b++];
        }
        memcpy(turns, spare, count * sizeof *turns);
    }
}

static void maglev_fill(struct maglev *maglev, struct maglev_turn *turns, uint32_t count,
                        uint32_t weight_max)
{
    uint32_t filled = 0;
    memset(maglev->indexes, 0xff, maglev->size * sizeof *maglev->indexes);
    for (uint32_t i = 0;; i = i + 1 == count ? 0 : i + 1) {
        struct maglev_turn *turn = &turns[i];
        turn->waited += turn->weight;
        if (turn->waited < weight_max)
            continue;
        turn->waited -= weight_max;
        while (maglev->indexes[turn->place] != POOL_NO_INDEX) {
            turn->place += turn->skip;
            if (turn->place >= maglev->size)
                turn->place -= maglev->size;
        }
        maglev->indexes[turn->place] = (uint16_t)turn->index;
        if (++filled == maglev->size)
            return;
    }
}

struct maglev *maglev_build(const struct pool_view *view, uint64_t wanted, struct arena *arena)
{
    uint32_t count = view->count;
    if (count == 0)
        return NULL;
    uint32_t size = maglev_size(count, wanted);
    LL_ASSERT(size > 2);
    struct maglev *maglev = arena_alloc(arena, 1, sizeof *maglev + size * sizeof(uint16_t));
    struct arena   scratch;
    arena_init(&scratch);
    struct maglev_turn *turns      = arena_alloc(&scratch, count, sizeof *turns);
    struct maglev_turn *spare      = arena_alloc(&scratch, count, sizeof *spare);
    uint32_t            weight_max = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = view->servers[i]->hash;
        turns[i]      = (struct maglev_turn){
                 .hash   = hash,
                 .place  = rng_mix(hash ^ 1) % size,
                 .skip   = rng_mix(hash ^ 2) % (size - 1) + 1,
                 .weight = view->weights[i],
                 .index  = i,
        };
        weight_max = LL_MAX(weight_max, view->weights[i]);
    }
    maglev_sort(turns, spare, count);
    maglev->size = size;
    maglev_fill(maglev, turns, count, weight_max);
    arena_fini(&scratch);
    return maglev;
}

/* Settings that concern no key change nothing here. */
static bool maglev_still_good(const struct pool_view *view, const struct pool_view *old)
{
    if (view->count != old->count ||
        memcmp(view->weights, old->weights, view->count * sizeof *view->weights) != 0)
        return false;
    for (uint32_t i = 0; i < view->count; i++) {
        if (view->servers[i] != old->servers[i])
            return false;
    }
    return true;
}

static void *maglev_step_build(struct balance_site *site, struct arena *arena,
                               const struct balance_site *old)
{
    if (old == NULL || old->table == NULL || !maglev_still_good(site->view, old->view))
        return maglev_build(site->view, site->step->tunables.table_size, arena);
    const struct maglev *before = old->table;
    size_t               size   = sizeof *before + before->size * sizeof before->indexes[0];
    return memcpy(arena_alloc(arena, 1, size), before, size);
}

static struct choice maglev_pick(const struct balance_site *site, const struct pick_query *query)
{
    uint64_t key;
    if (!choice_key(site, query, &key))
        return choice_pass();
    for (uint32_t i = 0; i < MAGLEV_TRIES; i++) {
        uint32_t index = maglev_lookup(site->table, key);
        if (LL_LIKELY(choice_free(site->view, query, index) &&
                      choice_key_warm(site->view, query, index, key)))
            return choice_pick(site, index);
        key = rng_mix(key + i);
    }
    return choice_pass();
}

#define MAGLEV_ALGORITHM(title, what, about)                                                       \
    const struct algorithm algorithm_##title = {                                                   \
        .name    = #title,                                                                         \
        .summary = (about),                                                                        \
        .key     = (what),                                                                         \
        .build   = maglev_step_build,                                                              \
        .pick    = maglev_pick,                                                                    \
    }

MAGLEV_ALGORITHM(maglev, BALANCE_KEY_CLIENT_IP,
                 "the same server for the same key, from a Maglev table");
MAGLEV_ALGORITHM(ip_hash, BALANCE_KEY_CLIENT_IP, "the same server for the same client address");
MAGLEV_ALGORITHM(uri_hash, BALANCE_KEY_URI, "the same server for the same URI");
MAGLEV_ALGORITHM(header_hash, BALANCE_KEY_HEADER, "the same server for the same header value");
MAGLEV_ALGORITHM(cookie_hash, BALANCE_KEY_COOKIE, "the same server for the same cookie value");
