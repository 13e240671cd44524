/* SPDX-License-Identifier: Apache-2.0
 *
 * Least time and peak EWMA: the server that will answer soonest, by its latency of late and what it
 * has to do.
 *
 * Both compare average latency * (leases + 1) / weight. least_time takes the mean and compares all
 * servers of a small pool, or some at random of a large one (nginx's least_time). peak_ewma takes a
 * latency above the average as the new average at once, and lets it decay; it compares two at
 * random (Finagle).
 *
 * Failures count as slow answers. Latency that differs by a server's distance rather than by its
 * load makes both send nearly everything to the near ones. Cost: O(1); least_time in pools of up to
 * 64 servers O(servers).
 */
#include "balance/algorithms.h"
#include "balance/latency.h"
#include "balance/sample.h"

/* Up to here least_time looks at all. */
#define LEAST_TIME_SCAN_MAX 64u

/* Without choices set. */
#define LEAST_TIME_CHOICES 8u
#define PEAK_EWMA_CHOICES  2u

struct least_time_best {
    uint32_t            index;
    uint32_t            ties;
    struct latency_cost cost;
};

static void least_time_consider(const struct balance_site *site, const struct pick_query *query,
                                uint32_t index, struct least_time_best *best)
{
    struct latency_cost cost = latency_cost_of(site, index, query->now_ns);
    if (best->index == POOL_NO_INDEX || latency_cost_less(cost, best->cost)) {
        *best = (struct least_time_best){index, 1, cost};
    } else if (!latency_cost_less(best->cost, cost)) {
        best->ties++;
        if (rng_scale(choice_random(query, 1024 + best->ties), best->ties) == 0)
            best->index = index;
    }
}

static struct choice least_time_sample(const struct balance_site *site,
                                       const struct pick_query *query, uint32_t choices)
{
    struct sample          sample;
    struct least_time_best best = {.index = POOL_NO_INDEX};
    sample_draw(&sample, site->view, query, choices);
    for (uint32_t i = 0; i < sample.count; i++)
        least_time_consider(site, query, sample.indexes[i], &best);
    return best.index == POOL_NO_INDEX ? choice_pass() : choice_pick(site, best.index);
}

static struct choice least_time_pick(const struct balance_site *site,
                                     const struct pick_query   *query)
{
    uint32_t choices = (uint32_t)site->step->tunables.choices;
    if (choices > 0 || site->view->count > LEAST_TIME_SCAN_MAX)
        return least_time_sample(site, query, choices > 0 ? choices : LEAST_TIME_CHOICES);

    struct least_time_best best = {.index = POOL_NO_INDEX};
    for (uint32_t i = 0; i < site->view->count; i++) {
        if (choice_free(site->view, query, i))
            least_time_consider(site, query, i, &best);
    }
    return best.index == POOL_NO_INDEX ? choice_pass() : choice_pick(site, best.index);
}

static void least_time_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    latency_learn(site, feedback, LATENCY_MEAN);
}

static struct choice peak_ewma_pick(const struct balance_site *site, const struct pick_query *query)
{
    uint32_t choices = (uint32_t)site->step->tunables.choices;
    return least_time_sample(site, query, LL_MAX(choices, PEAK_EWMA_CHOICES));
}

static void peak_ewma_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    latency_learn(site, feedback, LATENCY_PEAK);
}

const struct algorithm algorithm_least_time = {
    .name     = "least_time",
    .summary  = "the server with the least mean latency for its load",
    .wants    = FEEDBACK_MASK(FEEDBACK_FIRST_BYTE) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .pick     = least_time_pick,
    .feedback = least_time_feedback,
};

const struct algorithm algorithm_peak_ewma = {
    .name     = "peak_ewma",
    .summary  = "the better of two random servers by peak latency and load",
    .wants    = FEEDBACK_MASK(FEEDBACK_FIRST_BYTE) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .pick     = peak_ewma_pick,
    .feedback = peak_ewma_feedback,
};
