/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/latency.h"

#include "balance/fixed_math.h"
#include "base/rng.h"

#define LATENCY_VALUE_SHIFT 10u
#define LATENCY_STAMP_SHIFT 20u

static uint64_t latency_age_ns(uint64_t word, uint64_t now_ns)
{
    /* Stamps wrap after 52 days. One slightly in the future, of a worker whose clock reading is
     * newer, is no age. */
    uint32_t age = (uint32_t)(now_ns >> LATENCY_STAMP_SHIFT) - (uint32_t)word;
    return age > UINT32_MAX / 2 ? 0 : (uint64_t)age << LATENCY_STAMP_SHIFT;
}

uint64_t latency_read(const struct server *server, uint64_t decay_ns, uint64_t now_ns)
{
    uint64_t word = atomic_load_explicit(&server->load.latency, memory_order_relaxed);
    uint64_t age  = latency_age_ns(word, now_ns);
    uint64_t mean = word >> 32;
    return age == 0 ? mean : mean * fixed_decay(age, decay_ns) >> 32;
}

static uint64_t latency_mix(uint64_t word, enum latency_rule rule, uint64_t sample,
                            uint64_t decay_ns, uint64_t now_ns)
{
    uint64_t mean = word >> 32;
    if (mean == 0 || (rule == LATENCY_PEAK && sample > mean))
        return sample;
    uint64_t keep  = fixed_decay(latency_age_ns(word, now_ns), decay_ns);
    uint64_t mixed = (mean * keep + sample * (FIXED_ONE - keep)) >> 32;
    return LL_MAX(mixed, 1);
}

void latency_sample(struct server *server, enum latency_rule rule, uint64_t latency_ns,
                    uint64_t decay_ns, uint64_t now_ns)
{
    uint64_t sample = latency_ns >> LATENCY_VALUE_SHIFT;
    sample          = LL_MAX(LL_MIN(sample, UINT32_MAX), 1);
    uint64_t old    = atomic_load_explicit(&server->load.latency, memory_order_relaxed);
    uint64_t fresh;
    do {
        uint64_t mean = latency_mix(old, rule, sample, decay_ns, now_ns);
        /* Samples within one unit of time would not count: the mean keeps the older stamp until
         * it has moved. */
        bool     still = mean == old >> 32 && rule == LATENCY_MEAN;
        uint32_t stamp = still ? (uint32_t)old : (uint32_t)(now_ns >> LATENCY_STAMP_SHIFT);
        fresh          = mean << 32 | stamp;
    } while (!atomic_compare_exchange_weak_explicit(&server->load.latency, &old, fresh,
                                                    memory_order_relaxed, memory_order_relaxed));
}

void latency_learn(const struct balance_site *site, const struct feedback *feedback,
                   enum latency_rule rule)
{
    const struct balance_tunables *tunables = &site->step->tunables;
    uint64_t                       latency  = feedback->latency_ns;
    if (feedback->type == FEEDBACK_FINISH) {
        bool failed = outcome_failed(feedback->outcome);
        if (failed)
            latency = LL_MAX(latency, tunables->error_penalty);
        else if (feedback->answered)
            return;
        /* Who goes away early has seen at least so much latency; that it ended says nothing. */
        if (feedback->outcome == OUTCOME_CANCELLED &&
            latency >> LATENCY_VALUE_SHIFT <=
                latency_read(feedback->server, tunables->decay, feedback->now_ns))
            return;
    }
    latency_sample(feedback->server, rule, latency, tunables->decay, feedback->now_ns);
}

struct latency_cost latency_cost_of(const struct balance_site *site, uint32_t index,
                                    uint64_t now_ns)
{
    const struct pool_view *view   = site->view;
    const struct server    *server = view->servers[index];
    struct latency_cost     cost   = {
              .time   = latency_read(server, site->step->tunables.decay, now_ns),
              .leases = server_inflight(server),
              .weight = (uint64_t)view->weights[index] * pool_view_ramp(view, server, now_ns),
    };
    if (cost.time == 0 && cost.leases > 0)
        cost.time = UINT32_MAX;
    cost.leases++;
    return cost;
}

bool latency_cost_less(struct latency_cost a, struct latency_cost b)
{
    /* Each factor is below 2^32. */
    return (rng_wide)(a.time * a.leases) * b.weight < (rng_wide)(b.time * b.leases) * a.weight;
}
