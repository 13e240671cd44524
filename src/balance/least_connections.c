/* SPDX-License-Identifier: Apache-2.0
 *
 * Least connections: the server with the fewest leases, or the fewest per unit of weight.
 *
 * Compares (leases + 1) / weight; the +1 lets an idle heavy server beat an idle light one. All of
 * the servers are compared, or, with choices set, that many different random ones: nearly as good,
 * and a server that is new, empty and perhaps not up to it is not sent everything at once. Ties are
 * broken at random: with a fixed order, balancers that see little of each other's load all send to
 * the same server.
 *
 * Full comparison of many servers uses a load tree, in which servers that start slowly are left
 * out: their weight changes with time. They are compared one by one; where they are too many for
 * that, as after an outage of half the pool, so are all until they are warm. Cost: O(1) with
 * choices, O(log servers) without. Staleness: see load_tree.h.
 */
#include "balance/algorithms.h"
#include "balance/load_tree.h"
#include "balance/sample.h"

/* Up to here looking at each server costs less than keeping a tree. */
#define LEAST_SCAN_MAX 24u

/* More servers that start slowly than this are not worth comparing one by one beside the tree. */
#define LEAST_RAMPING_MAX 16u

/* Keys are (leases + 1) / weight, rounded to so many bits: exact where leases and weights are below
 * 2^12, and at worst a tie between loads that differ by less than a ten-millionth. */
#define LEAST_KEY_BITS 25u

struct least_table {
    struct load_tree *tree;
    bool              many_ramping;
    uint32_t          ramping_count;
    uint16_t          ramping[LEAST_RAMPING_MAX];
};

/* Load as a fraction: leases + 1 over weight times share of a slow start. */
struct least_load {
    uint64_t leases;
    uint64_t weight;
};

static struct least_load least_load_of(const struct pool_view *view, uint32_t index, bool weighted,
                                       uint64_t now_ns)
{
    const struct server *server = view->servers[index];
    return (struct least_load){
        .leases = (uint64_t)server_inflight(server) + 1,
        .weight =
            (uint64_t)(weighted ? view->weights[index] : 1) * pool_view_ramp(view, server, now_ns),
    };
}

/* Below 0: a is less. Leases and weights are below 2^32 each. */
static int least_compare(struct least_load a, struct least_load b)
{
    uint64_t x = a.leases * b.weight;
    uint64_t y = b.leases * a.weight;
    return x < y ? -1 : x > y;
}

/* The least of those seen, a random one where they tie. */
struct least_best {
    uint32_t          index; /* POOL_NO_INDEX: none yet */
    uint32_t          ties;
    struct least_load load;
};

static void least_consider(struct least_best *best, const struct pick_query *query, uint32_t index,
                           struct least_load load)
{
    int order = best->index == POOL_NO_INDEX ? -1 : least_compare(load, best->load);
    if (order < 0) {
        *best = (struct least_best){index, 1, load};
    } else if (order == 0) {
        best->ties++;
        if (rng_scale(choice_random(query, 1024 + best->ties), best->ties) == 0)
            best->index = index;
    }
}

static struct choice least_choice(const struct balance_site *site, const struct least_best *best)
{
    return best->index == POOL_NO_INDEX ? choice_pass() : choice_pick(site, best->index);
}

/* As keys of the load tree. */
static uint32_t least_key(const struct pool_view *view, uint32_t index);
static uint32_t least_weighted_key(const struct pool_view *view, uint32_t index);

/* A random one of a few with the least key. In passes without branches, which would be guessed
 * wrong: that costs more than the work. */
static struct choice least_of_few(const struct balance_site *site, const struct pick_query *query,
                                  const uint32_t *indexes, uint32_t count, bool weighted)
{
    uint32_t keys[LEAST_SCAN_MAX];
    uint32_t tied[LEAST_SCAN_MAX];
    uint32_t least = LOAD_TREE_OUT;
    uint32_t ties  = 0;
    LL_ASSERT(count <= LEAST_SCAN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = weighted ? least_weighted_key(site->view, indexes[i])
                           : least_key(site->view, indexes[i]);
        least   = LL_MIN(least, keys[i]);
    }
    if (least == LOAD_TREE_OUT)
        return choice_pass();
    for (uint32_t i = 0; i < count; i++) {
        tied[ties] = indexes[i];
        ties += keys[i] == least;
    }
    return choice_pick(site, tied[rng_scale(choice_random(query, 1024), ties)]);
}

/* While somebody starts slowly, and where all of many are compared. */
static struct choice least_scan_slow(const struct balance_site *site,
                                     const struct pick_query *query, bool weighted)
{
    struct least_best best = {.index = POOL_NO_INDEX};
    for (uint32_t i = 0; i < site->view->count; i++) {
        if (choice_free(site->view, query, i))
            least_consider(&best, query, i, least_load_of(site->view, i, weighted, query->now_ns));
    }
    return least_choice(site, &best);
}

static struct choice least_scan(const struct balance_site *site, const struct pick_query *query,
                                bool weighted)
{
    if (site->view->count > LEAST_SCAN_MAX || query->now_ns < site->view->ramp_until_ns)
        return least_scan_slow(site, query, weighted);
    uint32_t indexes[LEAST_SCAN_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < site->view->count; i++) {
        if (choice_free(site->view, query, i))
            indexes[count++] = i;
    }
    return least_of_few(site, query, indexes, count, weighted && !site->view->equal_weights);
}

static struct choice least_sample(const struct balance_site *site, const struct pick_query *query,
                                  bool weighted)
{
    struct sample sample;
    sample_draw(&sample, site->view, query, (uint32_t)site->step->tunables.choices);
    if (LL_LIKELY(query->now_ns >= site->view->ramp_until_ns))
        return least_of_few(site, query, sample.indexes, sample.count,
                            weighted && !site->view->equal_weights);
    struct least_best best = {.index = POOL_NO_INDEX};
    for (uint32_t i = 0; i < sample.count; i++)
        least_consider(&best, query, sample.indexes[i],
                       least_load_of(site->view, sample.indexes[i], weighted, query->now_ns));
    return least_choice(site, &best);
}

struct least_search {
    const struct pool_view  *view;
    const struct pick_query *query;
};

static bool least_accept(const void *context, uint32_t index)
{
    const struct least_search *search = context;
    return choice_free(search->view, search->query, index);
}

static struct choice least_tree(const struct balance_site *site, const struct pick_query *query,
                                bool weighted)
{
    const struct least_table *table = site->table;
    const struct pool_view   *view  = site->view;
    uint32_t                  index = load_tree_least(table->tree, query->random);
    if (LL_UNLIKELY(index == POOL_NO_INDEX || !choice_free(view, query, index))) {
        struct least_search search = {view, query};
        index = load_tree_search(table->tree, query->random, least_accept, &search);
    }
    if (LL_LIKELY(table->ramping_count == 0))
        return index == POOL_NO_INDEX ? choice_pass() : choice_pick(site, index);

    struct least_best best = {.index = POOL_NO_INDEX};
    if (index != POOL_NO_INDEX)
        least_consider(&best, query, index, least_load_of(view, index, weighted, query->now_ns));
    for (uint32_t i = 0; i < table->ramping_count; i++) {
        index = table->ramping[i];
        if (choice_free(view, query, index))
            least_consider(&best, query, index,
                           least_load_of(view, index, weighted, query->now_ns));
    }
    return least_choice(site, &best);
}

static struct choice least_pick(const struct balance_site *site, const struct pick_query *query,
                                bool weighted)
{
    const struct least_table *table = site->table;
    if (site->step->tunables.choices > 0)
        return least_sample(site, query, weighted);
    if (table->tree == NULL || (table->many_ramping && query->now_ns < site->view->ramp_until_ns))
        return least_scan(site, query, weighted);
    return least_tree(site, query, weighted);
}

static bool least_ramping(const struct pool_view *view, uint32_t index)
{
    return atomic_load_explicit(&view->servers[index]->load.ramp_from_ns, memory_order_relaxed) !=
           0;
}

static uint32_t least_key(const struct pool_view *view, uint32_t index)
{
    const struct server *server = view->servers[index];
    if (view->limited && server_saturated(server))
        return LOAD_TREE_OUT;
    return LL_MIN(server_inflight(server), LOAD_TREE_OUT - 1);
}

/* As a floating-point number of 7 bits of exponent and 25 of mantissa, which order like integers.
 */
static uint32_t least_weighted_key(const struct pool_view *view, uint32_t index)
{
    const struct server *server = view->servers[index];
    if (view->limited && server_saturated(server))
        return LOAD_TREE_OUT;
    uint64_t load     = (((uint64_t)server_inflight(server) + 1) << 31) / view->weights[index];
    uint32_t bits     = 64 - (uint32_t)__builtin_clzll(load);
    uint64_t mantissa = bits > LEAST_KEY_BITS + 1 ? load >> (bits - LEAST_KEY_BITS - 1)
                                                  : load << (LEAST_KEY_BITS + 1 - bits);
    return bits << LEAST_KEY_BITS | (uint32_t)(mantissa & ((1u << LEAST_KEY_BITS) - 1));
}

static void *least_build(struct balance_site *site, struct arena *arena, load_tree_key_fn *key)
{
    struct least_table *table = arena_alloc(arena, 1, sizeof *table);
    if (site->step->tunables.choices > 0 || site->view->count <= LEAST_SCAN_MAX)
        return table;
    for (uint32_t i = 0; i < site->view->count && !table->many_ramping; i++) {
        if (!least_ramping(site->view, i))
            continue;
        if (table->ramping_count == LEAST_RAMPING_MAX)
            table->many_ramping = true;
        else
            table->ramping[table->ramping_count++] = (uint16_t)i;
    }
    if (table->many_ramping)
        table->ramping_count = 0;
    table->tree = load_tree_build(site->view, key, arena);
    for (uint32_t i = 0; i < table->ramping_count; i++)
        load_tree_exclude(table->tree, table->ramping[i]);
    return table;
}

static void least_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    const struct least_table *table = site->table;
    if (table->tree != NULL && feedback->index != POOL_NO_INDEX)
        load_tree_update(table->tree, feedback->index);
}

static void least_published(const struct balance_site *site)
{
    const struct least_table *table = site->table;
    if (table->tree != NULL)
        load_tree_update_all(table->tree);
}

static void *least_connections_build(struct balance_site *site, struct arena *arena,
                                     const struct balance_site *old)
{
    (void)old;
    return least_build(site, arena, least_key);
}

static struct choice least_connections_pick(const struct balance_site *site,
                                            const struct pick_query   *query)
{
    return least_pick(site, query, false);
}

static void *weighted_least_connections_build(struct balance_site *site, struct arena *arena,
                                              const struct balance_site *old)
{
    (void)old;
    return least_build(site, arena, site->view->equal_weights ? least_key : least_weighted_key);
}

static struct choice weighted_least_connections_pick(const struct balance_site *site,
                                                     const struct pick_query   *query)
{
    return least_pick(site, query, true);
}

const struct algorithm algorithm_least_connections = {
    .name      = "least_connections",
    .summary   = "the server with the fewest connections or requests at the moment",
    .wants     = FEEDBACK_MASK(FEEDBACK_START) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .build     = least_connections_build,
    .pick      = least_connections_pick,
    .feedback  = least_feedback,
    .published = least_published,
};

const struct algorithm algorithm_weighted_least_connections = {
    .name      = "weighted_least_connections",
    .summary   = "the server with the fewest connections or requests per unit of weight",
    .wants     = FEEDBACK_MASK(FEEDBACK_START) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .build     = weighted_least_connections_build,
    .pick      = weighted_least_connections_pick,
    .feedback  = least_feedback,
    .published = least_published,
};
