/* SPDX-License-Identifier: Apache-2.0
 *
 * Every algorithm that configuration can name, and every tunable: add a file, add a line.
 */
#include "balance/algorithm.h"
#include "balance/algorithms.h"
#include "balance/balance_config.h"
#include "base/assert.h"

#include <string.h>

/* One list for both tables, in alphabetical order. */
#define ALGORITHMS(row)                                                                            \
    row(bounded_hash) row(cookie_hash) row(first) row(header_hash) row(ip_hash)                    \
        row(least_connections) row(least_time) row(maglev) row(p2c) row(peak_ewma) row(prequal)    \
            row(random) row(rendezvous) row(ring_hash) row(round_robin) row(sticky_cookie)         \
                row(sticky_ip) row(uri_hash) row(weighted_least_connections) row(weighted_random)  \
                    row(weighted_round_robin)

#define ALGORITHM_ROW(name) &algorithm_##name,
#define NAME_ROW(name)      #name,

static const struct algorithm *const algorithms[] = {ALGORITHMS(ALGORITHM_ROW)};
static const char *const             names[]      = {ALGORITHMS(NAME_ROW)};

static const struct balance_knob knobs[] = {
#define BALANCE_KNOB(name, unit, low, high, standard, help)                                        \
    {#name, unit, low, high, standard, offsetof(struct balance_tunables, name), help},
#include "balance/balance_knobs.h"
#undef BALANCE_KNOB
};

const struct algorithm *algorithm_find(const char *name)
{
    for (size_t i = 0; i < LL_COUNT(algorithms); i++) {
        if (strcmp(algorithms[i]->name, name) == 0)
            return algorithms[i];
    }
    return NULL;
}

const struct algorithm *algorithm_at(size_t index)
{
    return index < LL_COUNT(algorithms) ? algorithms[index] : NULL;
}

const char *const *balance_names(size_t *ret_count)
{
    *ret_count = LL_COUNT(names);
    return names;
}

const struct balance_knob *balance_knobs(size_t *ret_count)
{
    *ret_count = LL_COUNT(knobs);
    return knobs;
}

struct balance_tunables balance_tunables_default(void)
{
    struct balance_tunables tunables = {0};
    for (size_t i = 0; i < LL_COUNT(knobs); i++)
        memcpy((char *)&tunables + knobs[i].offset, &knobs[i].standard, sizeof(uint64_t));
    return tunables;
}

struct balance_config balance_config_of(const char *algorithm)
{
    return (struct balance_config){
        .count = 1,
        .steps = {{.algorithm = algorithm, .tunables = balance_tunables_default()}},
    };
}

enum balance_config_problem balance_config_check(const struct balance_config *config,
                                                 uint32_t                    *ret_step,
                                                 const struct balance_knob  **ret_knob)
{
    *ret_step = 0;
    *ret_knob = NULL;
    if (config->count == 0 || config->count > BALANCE_CHAIN_MAX)
        return BALANCE_CONFIG_COUNT;
    for (uint32_t i = 0; i < config->count; i++) {
        const struct balance_step_config *step = &config->steps[i];
        *ret_step                              = i;
        if (step->algorithm == NULL || algorithm_find(step->algorithm) == NULL)
            return BALANCE_CONFIG_UNKNOWN;
        for (size_t k = 0; k < LL_COUNT(knobs); k++) {
            uint64_t value;
            memcpy(&value, (const char *)&step->tunables + knobs[k].offset, sizeof value);
            *ret_knob = &knobs[k];
            if (value < knobs[k].low || value > knobs[k].high)
                return BALANCE_CONFIG_RANGE;
        }
        *ret_knob = NULL;
    }
    return BALANCE_CONFIG_OK;
}
