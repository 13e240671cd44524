/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing a server with the probability of its weight in constant time (Walker 1977, Vose 1991), in
 * integers and therefore exact.
 *
 * Threading: immutable once built. Memory: from the arena given.
 */
#ifndef LL_BALANCE_ALIAS_H
#define LL_BALANCE_ALIAS_H

#include "base/arena.h"
#include "base/rng.h"
#include "model/pool_view.h"

#include <stdint.h>

struct alias_column {
    uint32_t keep; /* of the sum of weights: so much is the column's own */
    uint32_t other;
};

struct alias {
    uint32_t            count;
    uint32_t            sum; /* of weights */
    struct alias_column columns[];
};

struct alias *alias_build(const struct pool_view *view, struct arena *arena);

static inline uint32_t alias_draw(const struct alias *alias, uint64_t random)
{
    /* The high part of the product chooses the column, the low part is as good as a new word. */
    rng_wide wide   = (rng_wide)random * alias->count;
    uint32_t column = (uint32_t)(wide >> 64);
    uint64_t level  = rng_scale((uint64_t)wide, alias->sum);
    return level < alias->columns[column].keep ? column : alias->columns[column].other;
}

#endif
