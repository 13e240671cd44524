/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pool_sets.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* The first place whose server does not come before the one given. */
static uint32_t server_set_place(const struct server_set *set, const struct server *server)
{
    uint32_t low = 0;
    uint32_t end = set->count;
    while (low < end) {
        uint32_t middle = low + (end - low) / 2;
        if (set->servers[middle]->order < server->order)
            low = middle + 1;
        else
            end = middle;
    }
    return low;
}

/* Adds or takes out, whatever makes the set hold the server or not. */
static void server_set_correct(struct server_set *set, struct server *server, bool holds)
{
    uint32_t place = server_set_place(set, server);
    bool     held  = place < set->count && set->servers[place] == server;
    if (held == holds)
        return;
    if (holds) {
        if (set->count == set->capacity) {
            set->capacity = LL_MAX(16, 2 * set->capacity);
            set->servers  = alloc_resize(set->servers, set->capacity, sizeof(struct server *));
        }
        memmove(set->servers + place + 1, set->servers + place,
                (set->count - place) * sizeof(struct server *));
        set->servers[place] = server;
        set->count++;
    } else {
        set->count--;
        memmove(set->servers + place, set->servers + place + 1,
                (set->count - place) * sizeof(struct server *));
    }
}

void pool_sets_place(struct pool_sets *sets, struct server *server, uint8_t zone)
{
    const struct server_settings *settings = &server->settings;
    LL_ASSERT(settings->tier < SERVER_TIERS_MAX);
    bool     here      = !server->removed;
    bool     returning = here && server->healthy && settings->admin != SERVER_ADMIN_DOWN;
    bool     member    = here && settings->admin == SERVER_ADMIN_UP && settings->weight > 0;
    bool     far       = zone != 0 && settings->zone != zone;
    uint32_t rank      = 2u * settings->tier + far;

    server_set_correct(&sets->all, server, here);
    server_set_correct(&sets->returning, server, returning);
    /* The rank may have changed: a search in the other sets is cheap, as they are mostly empty. */
    for (uint32_t i = 0; i < POOL_RANKS; i++) {
        server_set_correct(&sets->members[i], server, member && i == rank);
        server_set_correct(&sets->eligible[i], server, member && i == rank && server->healthy);
    }
}

void pool_sets_fini(struct pool_sets *sets)
{
    free(sets->all.servers);
    free(sets->returning.servers);
    for (uint32_t i = 0; i < POOL_RANKS; i++) {
        free(sets->members[i].servers);
        free(sets->eligible[i].servers);
    }
    *sets = (struct pool_sets){0};
}
