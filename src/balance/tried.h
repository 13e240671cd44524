/* SPDX-License-Identifier: Apache-2.0
 *
 * The servers that a request has tried already.
 *
 * Keyed by slot, which stays the server's whatever happens to views between attempts. Slots below
 * 64 are bits of one word, so that a small pool is covered whole; beyond, so many as fit are
 * listed. Memory:    zeroed is empty; 40 bytes, copied freely.
 */
#ifndef LL_BALANCE_TRIED_H
#define LL_BALANCE_TRIED_H

#include "base/assert.h"
#include "model/server.h"

#include <stdbool.h>
#include <stdint.h>

/* More attempts than that help nobody. */
#define TRIED_LISTED_MAX 15u

struct tried {
    uint64_t low; /* bit per slot below 64 */
    uint16_t count;
    uint16_t listed[TRIED_LISTED_MAX];
};

static inline bool tried_has(const struct tried *tried, uint16_t slot)
{
    if (slot < 64)
        return (tried->low >> slot & 1) != 0;
    for (uint32_t i = 0; i < tried->count; i++) {
        if (tried->listed[i] == slot)
            return true;
    }
    return false;
}

/* No more attempts may be made: one more server could not be noted. */
static inline bool tried_full(const struct tried *tried)
{
    return tried->count == TRIED_LISTED_MAX;
}

static inline void tried_add(struct tried *tried, const struct server *server)
{
    LL_ASSERT(!tried_has(tried, server->slot) && !tried_full(tried));
    if (server->slot < 64)
        tried->low |= UINT64_C(1) << server->slot;
    else
        tried->listed[tried->count++] = server->slot;
}

static inline uint32_t tried_count(const struct tried *tried)
{
    return (uint32_t)__builtin_popcountll(tried->low) + tried->count;
}

#endif
