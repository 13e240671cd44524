/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/alias.h"

#include "base/assert.h"

/* Each server owns weight * count of area; a column holds sum. Columns that are short are filled up
 * by one that is long, until none is. */
struct alias *alias_build(const struct pool_view *view, struct arena *arena)
{
    uint32_t count = view->count;
    LL_ASSERT(view->weight_sum <= UINT32_MAX);
    struct alias *alias =
        arena_alloc(arena, 1, sizeof *alias + count * sizeof(struct alias_column));
    alias->count = count;
    alias->sum   = (uint32_t)view->weight_sum;

    struct arena scratch;
    arena_init(&scratch);
    uint64_t *area        = arena_alloc(&scratch, count, sizeof *area);
    uint32_t *shorts      = arena_alloc(&scratch, count, sizeof *shorts);
    uint32_t *longs       = arena_alloc(&scratch, count, sizeof *longs);
    uint32_t  short_count = 0;
    uint32_t  long_count  = 0;
    for (uint32_t i = 0; i < count; i++) {
        area[i]           = (uint64_t)view->weights[i] * count;
        alias->columns[i] = (struct alias_column){alias->sum, i};
        if (area[i] < alias->sum)
            shorts[short_count++] = i;
        else
            longs[long_count++] = i;
    }
    while (short_count > 0) {
        /* Areas add up to count * sum exactly, so there is a long one for every short one. */
        LL_ASSERT(long_count > 0);
        uint32_t low              = shorts[--short_count];
        uint32_t high             = longs[long_count - 1];
        alias->columns[low].keep  = (uint32_t)area[low];
        alias->columns[low].other = high;
        area[high] -= alias->sum - area[low];
        if (area[high] < alias->sum) {
            long_count--;
            shorts[short_count++] = high;
        }
    }
    arena_fini(&scratch);
    return alias;
}
