/* SPDX-License-Identifier: Apache-2.0
 *
 * A bound on how many sessions there may be at once, shared by all workers.
 */
#ifndef LL_PROXY_ADMISSION_H
#define LL_PROXY_ADMISSION_H

#include "base/assert.h"
#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct admission {
    _Alignas(LL_CACHE_LINE) _Atomic uint32_t active;
    uint32_t max;
};

/* Sequentially consistent, both of them: a worker that finds the house full marks itself as waiting
 * and tries once more, and one that leaves looks for waiting workers afterwards. In any order of
 * the two, one of them notices the other. */
static inline bool admission_enter(struct admission *admission)
{
    if (atomic_fetch_add(&admission->active, 1) < admission->max)
        return true;
    atomic_fetch_sub(&admission->active, 1);
    return false;
}

static inline void admission_leave(struct admission *admission)
{
    LL_ASSERT(atomic_fetch_sub(&admission->active, 1) > 0);
}

static inline uint32_t admission_active(const struct admission *admission)
{
    return atomic_load_explicit(&admission->active, memory_order_relaxed);
}

#endif
