/* SPDX-License-Identifier: Apache-2.0 */
#include "model/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void counts_how_leases_end(void **state)
{
    (void)state;
    struct server_stats stats  = {0};
    struct server       server = {.stats = &stats};
    assert_int_equal(server_failed_percent(&server), 0);
    assert_int_equal(server_staleness_ns(&server, 50), UINT64_MAX);
    server_count(&server, OUTCOME_OK, 10, 100);
    server_count(&server, OUTCOME_CONNECT_REFUSED, 10, 200);
    server_count(&server, OUTCOME_CANCELLED, 10, 300);
    server_count(&server, OUTCOME_TIMEOUT, 10, 400);
    assert_int_equal(server_failed_percent(&server), 66);
    assert_int_equal(server_staleness_ns(&server, 150), 50);
    assert_int_equal(stats.last_failed_ns, 400);
    assert_int_equal(stats.latency_sum_ns, 10);
    assert_string_equal(outcome_name(OUTCOME_CONNECT_REFUSED), "connect_refused");
}

static void latency_percentiles_are_within_a_quarter(void **state)
{
    (void)state;
    for (uint64_t latency = 1024; latency < UINT64_C(60000000000); latency = latency * 5 / 4 + 1) {
        struct server_stats stats  = {0};
        struct server       server = {.stats = &stats};
        server_count(&server, OUTCOME_OK, latency, 1);
        uint64_t found = server_latency_percentile(&server, 50);
        assert_true(found >= latency && found <= latency + latency / 4 + 1);
    }
    struct server_stats stats  = {0};
    struct server       server = {.stats = &stats};
    assert_int_equal(server_latency_percentile(&server, 99), 0);
    for (uint64_t i = 1; i <= 100; i++)
        server_count(&server, OUTCOME_OK, i * 1000000, 1);
    uint64_t p50 = server_latency_percentile(&server, 50);
    uint64_t p99 = server_latency_percentile(&server, 99);
    assert_true(p50 >= 50000000 && p50 <= 62500000);
    assert_true(p99 >= 99000000 && p99 <= 124000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_how_leases_end),
        cmocka_unit_test(latency_percentiles_are_within_a_quarter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
