/* SPDX-License-Identifier: Apache-2.0 */
#include "model/server.h"

#include "base/assert.h"

static const char *const outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_OK]              = "ok",
    [OUTCOME_CANCELLED]       = "cancelled",
    [OUTCOME_CONNECT_REFUSED] = "connect_refused",
    [OUTCOME_CONNECT_TIMEOUT] = "connect_timeout",
    [OUTCOME_CONNECT_ERROR]   = "connect_error",
    [OUTCOME_RESET]           = "reset",
    [OUTCOME_TIMEOUT]         = "timeout",
    [OUTCOME_ERROR]           = "error",
};

const char *outcome_name(enum outcome outcome)
{
    LL_ASSERT(outcome < OUTCOME_COUNT);
    return outcome_names[outcome];
}

static uint32_t server_latency_bucket(uint64_t latency_ns)
{
    if (latency_ns < (UINT64_C(1) << SERVER_LATENCY_LOW_BITS))
        return 0;
    uint32_t log    = 63 - (uint32_t)__builtin_clzll(latency_ns);
    uint32_t part   = (uint32_t)(latency_ns >> (log - 2)) & 3;
    uint32_t bucket = 1 + 4 * (log - SERVER_LATENCY_LOW_BITS) + part;
    return LL_MIN(bucket, SERVER_LATENCY_BUCKETS - 1);
}

/* The first value beyond a bucket. */
static uint64_t server_latency_bound(uint32_t bucket)
{
    uint32_t log  = SERVER_LATENCY_LOW_BITS + bucket / 4;
    uint32_t part = bucket % 4;
    return (UINT64_C(4) + part) << (log - 2);
}

void server_count(struct server *server, enum outcome outcome, uint64_t latency_ns, uint64_t now_ns)
{
    LL_ASSERT(outcome < OUTCOME_COUNT);
    struct server_stats *stats = server->stats;

    atomic_fetch_add_explicit(&stats->finished[outcome], 1, memory_order_relaxed);
    if (outcome == OUTCOME_OK) {
        atomic_fetch_add_explicit(&stats->latency_sum_ns, latency_ns, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->latency[server_latency_bucket(latency_ns)], 1,
                                  memory_order_relaxed);
        atomic_store_explicit(&stats->last_ok_ns, now_ns, memory_order_relaxed);
    } else if (outcome_failed(outcome)) {
        atomic_store_explicit(&stats->last_failed_ns, now_ns, memory_order_relaxed);
    }
}

uint32_t server_failed_percent(const struct server *server)
{
    uint64_t ok = atomic_load_explicit(&server->stats->finished[OUTCOME_OK], memory_order_relaxed);
    uint64_t failed = 0;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        if (outcome_failed((enum outcome)i))
            failed += atomic_load_explicit(&server->stats->finished[i], memory_order_relaxed);
    }
    return ok + failed == 0 ? 0 : (uint32_t)(failed * 100 / (ok + failed));
}

uint64_t server_latency_percentile(const struct server *server, uint32_t percent)
{
    LL_ASSERT(percent <= 100);
    uint64_t total = 0;
    for (uint32_t i = 0; i < SERVER_LATENCY_BUCKETS; i++)
        total += atomic_load_explicit(&server->stats->latency[i], memory_order_relaxed);

    uint64_t wanted = (total * percent + 99) / 100;
    uint64_t seen   = 0;
    for (uint32_t i = 0; i < SERVER_LATENCY_BUCKETS && total > 0; i++) {
        seen += atomic_load_explicit(&server->stats->latency[i], memory_order_relaxed);
        if (seen > 0 && seen >= wanted)
            return server_latency_bound(i);
    }
    return 0;
}

uint64_t server_staleness_ns(const struct server *server, uint64_t now_ns)
{
    uint64_t last = atomic_load_explicit(&server->stats->last_ok_ns, memory_order_relaxed);
    if (last == 0)
        return UINT64_MAX;
    return now_ns > last ? now_ns - last : 0;
}
