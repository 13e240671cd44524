/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be set about balancing: the chain of algorithms and their tunables.
 *
 * A tunable is one row of balance_knobs: configuration takes its name, range, default and help from
 * there.
 * Threading: plain data, constant tables.
 */
#ifndef LL_BALANCE_BALANCE_CONFIG_H
#define LL_BALANCE_BALANCE_CONFIG_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

/* Longer chains than sticky, zone, algorithm, fallback have no use. */
#define BALANCE_CHAIN_MAX 4u

struct balance_tunables {
#define BALANCE_KNOB(name, unit, low, high, standard, help) uint64_t name;
#include "balance/balance_knobs.h"
#undef BALANCE_KNOB
};

enum balance_unit {
    BALANCE_COUNT,
    BALANCE_PERCENT,
    BALANCE_DURATION, /* nanoseconds */
};

struct balance_knob {
    const char       *name;
    enum balance_unit unit;
    uint64_t          low; /* least and greatest values that are allowed */
    uint64_t          high;
    uint64_t          standard;
    size_t            offset; /* in struct balance_tunables, of a uint64_t */
    const char       *help;
};

/* All tunables; algorithms ignore those that are not theirs. */
const struct balance_knob *balance_knobs(size_t *ret_count);

/* What the key of a step is the hash of; how to find it is the host's business. */
enum balance_key {
    BALANCE_KEY_NONE,
    BALANCE_KEY_CLIENT_IP,
    BALANCE_KEY_URI,
    BALANCE_KEY_HEADER,
    BALANCE_KEY_COOKIE,
    BALANCE_KEY_SERVER, /* not a hash of anything: server->hash, as the client's cookie told it */
};

struct balance_step_config {
    const char             *algorithm; /* one of balance_names() */
    enum balance_key        key;       /* BALANCE_KEY_NONE: the algorithm's usual one */
    struct balance_tunables tunables;
};

struct balance_config {
    uint32_t                   count; /* 1 to BALANCE_CHAIN_MAX */
    struct balance_step_config steps[BALANCE_CHAIN_MAX];
};

/* A chain of one algorithm with default tunables. */
struct balance_config balance_config_of(const char *algorithm);

struct balance_tunables balance_tunables_default(void);

enum balance_config_problem {
    BALANCE_CONFIG_OK,
    BALANCE_CONFIG_COUNT,   /* the chain is empty or too long */
    BALANCE_CONFIG_UNKNOWN, /* no algorithm has this name */
    BALANCE_CONFIG_RANGE,   /* a tunable is out of its range */
};

/* The first problem, with the step and knob (or NULL) that it is about. */
LL_MUST_CHECK enum balance_config_problem balance_config_check(
    const struct balance_config *config, uint32_t *ret_step, const struct balance_knob **ret_knob);

#endif
