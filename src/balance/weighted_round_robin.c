/* SPDX-License-Identifier: Apache-2.0
 *
 * Smooth weighted round robin: each server gets its exact share of every full rotation, and its
 * turns are spread over it. Weights {5,1,1} give a a b a c a a.
 *
 * The rule is nginx's: every server gains its weight per turn; the one that has gained most is
 * picked and pays the sum of all weights; ties go to the first. As that is periodic, the whole
 * rotation is worked out when the view is made, and a pick is one step of a cursor that all workers
 * share. Servers of one weight take turns among themselves, so a step costs as much as there are
 * different weights.
 *
 * Where the rotation is longer than schedule_size (weights without a common divisor, many servers),
 * turn t takes the server at point t * s mod W of the weights laid end to end, with W their sum and
 * s prime to W and near W / golden ratio. Any W turns in a row visit every point once, so shares
 * are just as exact, and the golden ratio spreads the turns nearly as evenly.
 *
 * When servers or weights change, the new rotation begins as far along as the old one was: from the
 * start, frequent changes would favour heavy servers.
 * Cost: O(1), or O(log servers) for long rotations; one atomic add.
 */
#include "balance/algorithms.h"

/* Turns that a pick may take from the rotation to find a server that it can use. */
#define WEIGHTED_ROUND_ROBIN_TURNS 32u

/* Bound on steps times different weights while a rotation is worked out: some 50 ms. */
#define WEIGHTED_ROUND_ROBIN_WORK (UINT64_C(1) << 25)

struct weighted_round_robin_state {
    _Atomic uint64_t turn;
};

struct wrr_table {
    uint64_t        period;   /* turns until the rotation repeats */
    uint64_t        offset;   /* place in the rotation of turn 0 */
    const uint16_t *schedule; /* index by place, or NULL and: */
    uint64_t        stride;
    const uint32_t *ends;  /* by index: sum of the weights up to and with it */
    const uint16_t *guide; /* by x * count / period: an index at or before that of x */
};

/* Servers of one weight, in a circle. */
struct wrr_class {
    uint32_t        weight;
    uint32_t        count;
    uint32_t        next;   /* member whose turn it is */
    int64_t         rounds; /* turns that the next member has had */
    const uint16_t *members;
};

static size_t weighted_round_robin_state_size(const struct balance_tunables *tunables)
{
    (void)tunables;
    return sizeof(struct weighted_round_robin_state);
}

static uint64_t wrr_gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a             = b;
        b             = rest;
    }
    return a;
}

/* Sorts the servers by weight into classes: by counting, as weights are below 2^16. */
static struct wrr_class *wrr_classes(const struct pool_view *view, uint64_t divisor,
                                     struct arena *scratch, uint32_t *ret_count)
{
    uint32_t *counts  = arena_alloc(scratch, SERVER_WEIGHT_MAX + 1, sizeof *counts);
    uint32_t  classes = 0;
    for (uint32_t i = 0; i < view->count; i++)
        classes += counts[view->weights[i]]++ == 0;

    struct wrr_class *sorted    = arena_alloc(scratch, classes, sizeof *sorted);
    uint16_t         *members   = arena_alloc(scratch, view->count, sizeof *members);
    uint32_t         *class_of  = arena_alloc(scratch, SERVER_WEIGHT_MAX + 1, sizeof *class_of);
    uint16_t        **fill      = arena_alloc(scratch, classes, sizeof *fill);
    uint32_t          used      = 0;
    uint32_t          used_from = 0;
    for (uint32_t weight = 0; weight <= SERVER_WEIGHT_MAX; weight++) {
        if (counts[weight] == 0)
            continue;
        sorted[used] = (struct wrr_class){
            .weight  = (uint32_t)(weight / divisor),
            .count   = counts[weight],
            .members = members + used_from,
        };
        fill[used]       = members + used_from;
        class_of[weight] = used++;
        used_from += counts[weight];
    }
    for (uint32_t i = 0; i < view->count; i++)
        *fill[class_of[view->weights[i]]]++ = (uint16_t)i;
    *ret_count = classes;
    return sorted;
}

static const uint16_t *wrr_schedule(struct wrr_class *classes, uint32_t class_count,
                                    uint64_t period, struct arena *arena)
{
    uint16_t *schedule = arena_alloc(arena, period, sizeof *schedule);
    for (uint64_t turn = 1; turn <= period; turn++) {
        struct wrr_class *best      = NULL;
        int64_t           best_gain = 0;
        for (uint32_t i = 0; i < class_count; i++) {
            struct wrr_class *class = &classes[i];
            int64_t gain = (int64_t)(turn * class->weight) - (int64_t)period * class->rounds;
            if (best == NULL || gain > best_gain ||
                (gain == best_gain && class->members[class->next] < best->members[best->next])) {
                best      = class;
                best_gain = gain;
            }
        }
        LL_ASSERT(best != NULL);
        schedule[turn - 1] = best->members[best->next];
        if (++best->next == best->count) {
            best->next = 0;
            best->rounds++;
        }
    }
    return schedule;
}

static void wrr_stride(const struct pool_view *view, uint64_t divisor, struct wrr_table *table,
                       struct arena *arena)
{
    uint32_t *ends  = arena_alloc(arena, view->count, sizeof *ends);
    uint16_t *guide = arena_alloc(arena, view->count, sizeof *guide);
    uint64_t  sum   = 0;
    for (uint32_t i = 0; i < view->count; i++) {
        sum += view->weights[i] / divisor;
        ends[i] = (uint32_t)sum;
    }
    LL_ASSERT(sum == table->period);
    uint32_t index = 0;
    for (uint32_t bucket = 0; bucket < view->count; bucket++) {
        /* The least x of the bucket. */
        uint64_t x = (bucket * table->period + view->count - 1) / view->count;
        while (ends[index] <= x)
            index++;
        guide[bucket] = (uint16_t)index;
    }
    /* 0.618...: the fraction whose multiples keep furthest apart. */
    table->stride = (uint64_t)(((rng_wide)table->period * UINT64_C(0x9e3779b97f4a7c15)) >> 64);
    while (wrr_gcd(table->period, table->stride) != 1)
        table->stride++;
    table->ends  = ends;
    table->guide = guide;
}

static void *weighted_round_robin_build(struct balance_site *site, struct arena *arena,
                                        const struct balance_site *old)
{
    const struct pool_view                  *view  = site->view;
    const struct weighted_round_robin_state *state = site->step->state;
    struct wrr_table                        *table = arena_alloc(arena, 1, sizeof *table);
    if (view->count == 0)
        return table;

    uint64_t divisor = view->weights[0];
    for (uint32_t i = 0; i < view->count; i++)
        divisor = wrr_gcd(divisor, view->weights[i]);
    LL_ASSERT(divisor > 0);
    table->period = view->weight_sum / divisor;
    LL_ASSERT(table->period > 0);

    struct arena scratch;
    uint32_t     class_count;
    arena_init(&scratch);
    struct wrr_class *classes = wrr_classes(view, divisor, &scratch, &class_count);
    if (table->period <= site->step->tunables.schedule_size &&
        table->period * class_count <= WEIGHTED_ROUND_ROBIN_WORK)
        table->schedule = wrr_schedule(classes, class_count, table->period, arena);
    else
        wrr_stride(view, divisor, table, arena);
    arena_fini(&scratch);

    const struct wrr_table *before = old != NULL ? old->table : NULL;
    if (before == NULL || before->period == 0)
        return table;
    uint64_t turn  = atomic_load_explicit(&state->turn, memory_order_relaxed);
    uint64_t place = (turn + before->offset) % before->period;
    place          = (uint64_t)((rng_wide)place * table->period / before->period);
    table->offset  = (place + table->period - turn % table->period) % table->period;
    return table;
}

static uint32_t wrr_index(const struct pool_view *view, const struct wrr_table *table,
                          uint64_t turn)
{
    uint64_t place = (turn + table->offset) % table->period;
    if (LL_LIKELY(table->schedule != NULL))
        return table->schedule[place];

    /* Both factors are below 2^32. */
    uint64_t x      = place * table->stride % table->period;
    uint64_t bucket = x * view->count / table->period;
    uint32_t low    = table->guide[bucket];
    uint32_t high   = bucket + 1 < view->count ? table->guide[bucket + 1] : view->count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->ends[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct choice weighted_round_robin_pick(const struct balance_site *site,
                                               const struct pick_query   *query)
{
    struct weighted_round_robin_state *state = site->step->state;
    const struct wrr_table            *table = site->table;

    for (uint32_t i = 0; i < WEIGHTED_ROUND_ROBIN_TURNS; i++) {
        uint64_t turn  = atomic_fetch_add_explicit(&state->turn, 1, memory_order_relaxed);
        uint32_t index = wrr_index(site->view, table, turn);
        if (LL_LIKELY(choice_usable(site->view, query, index, i)))
            return choice_pick(site, index);
    }
    return choice_pass();
}

const struct algorithm algorithm_weighted_round_robin = {
    .name       = "weighted_round_robin",
    .summary    = "each server in turn, as often as its weight says",
    .state_size = weighted_round_robin_state_size,
    .build      = weighted_round_robin_build,
    .pick       = weighted_round_robin_pick,
};
