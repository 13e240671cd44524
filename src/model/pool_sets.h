/* SPDX-License-Identifier: Apache-2.0
 *
 * The servers of a pool, sorted into those that may be picked and those that may not.
 *
 * Every set is in configuration order and is corrected by each change of one server, so nothing is
 * searched through when a view is made.
 * Threading: the control thread. Memory: sets own their arrays, the pool owns the servers.
 */
#ifndef LL_MODEL_POOL_SETS_H
#define LL_MODEL_POOL_SETS_H

#include "model/server.h"

#include <stdint.h>

/* Each tier twice: first the servers of the zone at hand, then the others. */
#define POOL_RANKS (2 * SERVER_TIERS_MAX)

struct server_set {
    struct server **servers;
    uint32_t        count;
    uint32_t        capacity;
};

struct pool_sets {
    struct server_set all;
    struct server_set returning;            /* healthy, not down, of any weight */
    struct server_set members[POOL_RANKS];  /* up, of some weight, healthy or not */
    struct server_set eligible[POOL_RANKS]; /* those of them that are healthy */
};

/* Puts a server where its state of now belongs, from where it was. zone: the pool's. */
void pool_sets_place(struct pool_sets *sets, struct server *server, uint8_t zone);

void pool_sets_fini(struct pool_sets *sets);

#endif
