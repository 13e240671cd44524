/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing a few different servers at random, for algorithms that compare those.
 */
#ifndef LL_BALANCE_SAMPLE_H
#define LL_BALANCE_SAMPLE_H

#include "balance/algorithm.h"

#define SAMPLE_MAX 16u

struct sample {
    uint32_t count;
    uint32_t indexes[SAMPLE_MAX];
};

static inline bool sample_has(const struct sample *sample, uint32_t index)
{
    for (uint32_t i = 0; i < sample->count; i++) {
        if (sample->indexes[i] == index)
            return true;
    }
    return false;
}

/* wanted different free servers, or fewer where there are not that many. Draws may hit the same or
 * a busy one; after four times as many as are wanted, what has been found must do, if anything. */
static inline void sample_draw(struct sample *sample, const struct pool_view *view,
                               const struct pick_query *query, uint32_t wanted)
{
    LL_ASSERT(wanted <= SAMPLE_MAX);
    sample->count = 0;
    if (view->count <= wanted) {
        for (uint32_t i = 0; i < view->count; i++) {
            if (choice_free(view, query, i))
                sample->indexes[sample->count++] = i;
        }
        return;
    }
    for (uint32_t draw = 0; draw < 4 * wanted && sample->count < wanted; draw++) {
        uint64_t random = draw == 0 ? query->random : choice_random(query, draw);
        uint32_t index  = (uint32_t)rng_scale(random, view->count);
        if (choice_free(view, query, index) && !sample_has(sample, index))
            sample->indexes[sample->count++] = index;
    }
}

#endif
