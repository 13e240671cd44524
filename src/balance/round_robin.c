/* SPDX-License-Identifier: Apache-2.0
 *
 * Round robin: each pick takes the next server, in configuration order.
 *
 * One cursor serves all workers, so the order is exact however many there are. When the servers
 * change, the rotation goes on with the next one after the last picked, not from the start, so that
 * frequent changes favour nobody. A retry moves the cursor like any pick, which keeps the shares of
 * the others equal while one server fails.
 * Cost: one atomic add. Ignores weight and load; see weighted_round_robin and least_connections.
 */
#include "balance/algorithms.h"

/* Turns that a pick may take from the rotation to find a server that it can use. */
#define ROUND_ROBIN_TURNS 32u

struct round_robin_state {
    _Atomic uint64_t turn;
};

/* Server of a turn: (turn + offset) modulo the count of servers. */
struct round_robin_table {
    uint64_t offset;
};

static size_t round_robin_state_size(const struct balance_tunables *tunables)
{
    (void)tunables;
    return sizeof(struct round_robin_state);
}

/* Position in the new view of the first server that comes after the one last picked. */
static uint32_t round_robin_successor(const struct pool_view *view, const struct server *last)
{
    uint32_t low = 0;
    uint32_t end = view->count;
    while (low < end) {
        uint32_t middle = low + (end - low) / 2;
        if (view->servers[middle]->order <= last->order)
            low = middle + 1;
        else
            end = middle;
    }
    return low == view->count ? 0 : low;
}

static void *round_robin_build(struct balance_site *site, struct arena *arena,
                               const struct balance_site *old)
{
    const struct round_robin_state *state = site->step->state;
    struct round_robin_table       *table = arena_alloc(arena, 1, sizeof *table);

    uint64_t turn = atomic_load_explicit(&state->turn, memory_order_relaxed);
    if (old == NULL || turn == 0 || site->view->count == 0)
        return table;
    if (old->view->count == 0) {
        table->offset = ((const struct round_robin_table *)old->table)->offset;
        return table;
    }
    const struct round_robin_table *before = old->table;
    uint64_t                        index  = (turn - 1 + before->offset) % old->view->count;
    const struct server            *last   = old->view->servers[index];
    uint32_t                        count  = site->view->count;
    uint32_t                        wanted = round_robin_successor(site->view, last);
    table->offset                          = (wanted + count - turn % count) % count;
    return table;
}

static struct choice round_robin_pick(const struct balance_site *site,
                                      const struct pick_query   *query)
{
    struct round_robin_state       *state = site->step->state;
    const struct round_robin_table *table = site->table;
    const struct pool_view         *view  = site->view;

    uint32_t turns = LL_MIN(view->count, ROUND_ROBIN_TURNS);
    for (uint32_t i = 0; i < turns; i++) {
        uint64_t turn  = atomic_fetch_add_explicit(&state->turn, 1, memory_order_relaxed);
        uint32_t index = (uint32_t)((turn + table->offset) % view->count);
        if (LL_LIKELY(choice_usable(view, query, index, i)))
            return choice_pick(site, index);
    }
    return choice_pass();
}

const struct algorithm algorithm_round_robin = {
    .name       = "round_robin",
    .summary    = "each server in turn",
    .state_size = round_robin_state_size,
    .build      = round_robin_build,
    .pick       = round_robin_pick,
};
