/* SPDX-License-Identifier: Apache-2.0
 *
 * One row per tunable: BALANCE_KNOB(name, unit, least, greatest, default, help). Included where a
 * table of them is made; durations are in nanoseconds.
 */
/* clang-format off */
BALANCE_KNOB(choices, BALANCE_COUNT, 0, 16, 0,
             "least_connections: compare so many random servers; 0 compares all")
BALANCE_KNOB(schedule_size, BALANCE_COUNT, 0, 4194304, 262144,
             "weighted_round_robin: longest precomputed rotation; longer ones are computed")
BALANCE_KNOB(table_size, BALANCE_COUNT, 0, 16777216, 0,
             "maglev: entries of the lookup table, made prime; 0 takes 100 per server or more")
BALANCE_KNOB(ring_points, BALANCE_COUNT, 1, 65536, 160,
             "ring_hash, bounded_hash: points per server of average weight")
BALANCE_KNOB(balance_factor, BALANCE_PERCENT, 101, 10000, 125,
             "bounded_hash: most load of a server, relative to the mean")
BALANCE_KNOB(decay, BALANCE_DURATION, 1000000, UINT64_C(3600000000000), UINT64_C(10000000000),
             "least_time, peak_ewma: time in which the past loses weight")
BALANCE_KNOB(error_penalty, BALANCE_DURATION, 0, UINT64_C(3600000000000), UINT64_C(5000000000),
             "least_time, peak_ewma: latency that a failure counts for")
BALANCE_KNOB(sticky_size, BALANCE_COUNT, 64, 4194304, 65536,
             "sticky_ip: clients that are remembered; the oldest are forgotten first")
BALANCE_KNOB(sticky_ttl, BALANCE_DURATION, UINT64_C(1000000000), UINT64_C(86400000000000),
             UINT64_C(1800000000000),
             "sticky_ip: how long a client is remembered after its last visit")
BALANCE_KNOB(probe_rate, BALANCE_PERCENT, 0, 1000, 300,
             "prequal: probes per request, in percent")
BALANCE_KNOB(probe_remove, BALANCE_PERCENT, 0, 1000, 100,
             "prequal: probe results dropped per request, in percent")
BALANCE_KNOB(probe_pool, BALANCE_COUNT, 2, 16, 16,
             "prequal: probe results kept")
BALANCE_KNOB(probe_age, BALANCE_DURATION, 1000000, UINT64_C(8000000000), UINT64_C(1000000000),
             "prequal: how long a probe result is good for")
BALANCE_KNOB(probe_hot, BALANCE_PERCENT, 0, 100, 84,
             "prequal: quantile of requests in flight above which a server is hot")
BALANCE_KNOB(probe_slack, BALANCE_PERCENT, 1, 1000, 100,
             "prequal: how much more often than they arrive probe results may be used")
