/* SPDX-License-Identifier: Apache-2.0
 *
 * First: the first server, in configuration order, that has room (HAProxy's "first").
 *
 * Fills one server up to its max_connections before it touches the next, so that the rest can be
 * switched off. Without max_connections the first server gets everything.
 * Cost: O(log servers) where max_connections are set.
 */
#include "balance/algorithms.h"
#include "balance/load_tree.h"

/* All servers with room are equal, all others out. */
static uint32_t first_key(const struct pool_view *view, uint32_t index)
{
    return server_saturated(view->servers[index]) ? LOAD_TREE_OUT : 0;
}

static void *first_build(struct balance_site *site, struct arena *arena,
                         const struct balance_site *old)
{
    (void)old;
    return site->view->limited ? load_tree_build(site->view, first_key, arena) : NULL;
}

static struct choice first_pick(const struct balance_site *site, const struct pick_query *query)
{
    const struct pool_view *view  = site->view;
    uint32_t                index = 0;
    if (site->table != NULL) {
        index = load_tree_first(site->table);
        if (index == POOL_NO_INDEX)
            return choice_pass();
    }
    /* Beyond come servers that were tried, start slowly or have filled up this moment. */
    for (; index < view->count; index++) {
        if (choice_usable(view, query, index, index))
            return choice_pick(site, index);
    }
    return choice_pass();
}

static void first_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    if (site->table != NULL && feedback->index != POOL_NO_INDEX)
        load_tree_update(site->table, feedback->index);
}

static void first_published(const struct balance_site *site)
{
    if (site->table != NULL)
        load_tree_update_all(site->table);
}

const struct algorithm algorithm_first = {
    .name      = "first",
    .summary   = "the first server with room for one more connection",
    .wants     = FEEDBACK_MASK(FEEDBACK_START) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .build     = first_build,
    .pick      = first_pick,
    .feedback  = first_feedback,
    .published = first_published,
};
