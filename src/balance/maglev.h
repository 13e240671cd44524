/* SPDX-License-Identifier: Apache-2.0
 *
 * The lookup table of Maglev hashing (Eisenbud et al., NSDI 2016): from a key to a server in one
 * load, nearly even shares, few keys moved when servers change.
 *
 * Threading: immutable once built. Memory: from the arena given.
 */
#ifndef LL_BALANCE_MAGLEV_H
#define LL_BALANCE_MAGLEV_H

#include "base/arena.h"
#include "base/rng.h"
#include "model/pool_view.h"

#include <stdint.h>

struct maglev {
    uint32_t size; /* a prime */
    uint16_t indexes[];
};

/* wanted: entries, made prime and at least twice the servers; 0 for 100 per server, at least
 * 65,537. NULL for an empty view. */
struct maglev *maglev_build(const struct pool_view *view, uint64_t wanted, struct arena *arena);

static inline uint32_t maglev_lookup(const struct maglev *maglev, uint64_t key)
{
    return maglev->indexes[rng_scale(key, maglev->size)];
}

#endif
