/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/compiler.h"
#include "base/histogram.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdlib.h>

static const uint64_t limit = UINT64_C(1) << HISTOGRAM_VALUE_BITS;

static void expect_in_its_bucket(uint64_t value)
{
    uint32_t bucket = histogram_bucket(value);
    assert_true(bucket < HISTOGRAM_BUCKETS);
    uint64_t low = histogram_bucket_low(bucket), next = histogram_bucket_low(bucket + 1);
    assert_true(low <= value && value < next);
    /* The promised error: a bucket is narrower than a 64th of the least value in it. */
    if (value < HISTOGRAM_PARTS)
        assert_int_equal(next - low, 1);
    else
        assert_true((next - low) * HISTOGRAM_PARTS <= low);
}

static void every_value_lies_in_its_bucket_with_an_error_below_a_64th(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 100000; value++)
        expect_in_its_bucket(value);
    for (unsigned bits = 1; bits < HISTOGRAM_VALUE_BITS; bits++) {
        expect_in_its_bucket((UINT64_C(1) << bits) - 1);
        expect_in_its_bucket(UINT64_C(1) << bits);
    }
    expect_in_its_bucket(limit - 1);
    struct rng rng;
    rng_seed(&rng, 6, 0);
    for (int i = 0; i < 100000; i++)
        expect_in_its_bucket(rng_next(&rng) >> (64 - HISTOGRAM_VALUE_BITS + rng_below(&rng, 40)));
}

static void buckets_follow_each_other_without_gap_or_overlap(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_low(0), 0);
    for (uint32_t bucket = 1; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t low = histogram_bucket_low(bucket);
        assert_int_equal(histogram_bucket(low), bucket);
        assert_int_equal(histogram_bucket(low - 1), bucket - 1);
    }
    assert_int_equal(histogram_bucket_low(HISTOGRAM_BUCKETS), limit);
}

static void values_beyond_the_range_fall_into_the_last_bucket(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket(limit), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    static struct histogram histogram;
    histogram_reset(&histogram);
    histogram_record(&histogram, limit * 5);
    assert_int_equal(histogram_quantile(&histogram, 0.5), limit * 5);
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Against the sorted values themselves: never below the true quantile, and above it by less than a
 * 64th. */
static void quantiles_agree_with_sorting(void **state)
{
    (void)state;
    enum { MOST = 5000 };
    static uint64_t         values[MOST];
    static struct histogram histogram;
    const double            shares[] = {0.0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rng rng;
        rng_seed(&rng, 7, seed);
        size_t count = 1 + (size_t)rng_below(&rng, seed % 3 == 0 ? 10 : MOST);
        histogram_reset(&histogram);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            values[i] = rng_next(&rng) >> (22 + rng_below(&rng, 42));
            histogram_record(&histogram, values[i]);
            sum += (double)values[i];
        }
        qsort(values, count, sizeof *values, compare);
        for (size_t s = 0; s < LL_COUNT(shares); s++) {
            double rank  = shares[s] * (double)count;
            size_t place = (size_t)rank;
            if ((double)place == rank && place > 0)
                place--; /* the rank counts from 1 and is rounded up */
            uint64_t exact = values[place], given = histogram_quantile(&histogram, shares[s]);
            assert_true(given >= exact);
            assert_true(given - exact <= exact / HISTOGRAM_PARTS);
        }
        assert_int_equal(histogram_quantile(&histogram, 1.0), values[count - 1]);
        assert_true(histogram_mean(&histogram) >= sum / (double)count * 0.999999);
        assert_true(histogram_mean(&histogram) <= sum / (double)count * 1.000001);
    }
}

static void nothing_recorded_is_zero(void **state)
{
    (void)state;
    static struct histogram histogram;
    histogram_reset(&histogram);
    assert_int_equal(histogram_quantile(&histogram, 0.0), 0);
    assert_int_equal(histogram_quantile(&histogram, 1.0), 0);
    assert_true(histogram_mean(&histogram) == 0.0);
}

static void merging_is_the_same_as_recording_all_into_one(void **state)
{
    (void)state;
    static struct histogram parts[3], merged, whole;
    for (int i = 0; i < 3; i++)
        histogram_reset(&parts[i]);
    histogram_reset(&merged);
    histogram_reset(&whole);
    struct rng rng;
    rng_seed(&rng, 8, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t value = rng_next(&rng) >> rng_below(&rng, 64);
        value /= 30000; /* so that the sum stays in a word */
        histogram_record(&parts[i % 3], value);
        histogram_record(&whole, value);
    }
    for (int i = 0; i < 3; i++)
        histogram_merge(&merged, &parts[i]);
    assert_int_equal(merged.count, whole.count);
    assert_int_equal(merged.sum, whole.sum);
    assert_int_equal(merged.max, whole.max);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(merged.buckets[i], whole.buckets[i]);

    histogram_reset(&merged);
    assert_int_equal(merged.count, 0);
    assert_int_equal(merged.max, 0);
    assert_int_equal(histogram_quantile(&merged, 1.0), 0);
}

struct live {
    struct histogram histogram;
    atomic_bool      stop;
    uint64_t         recorded; /* to be read after the thread has ended */
};

static void *record_live(void *argument)
{
    struct live *live = argument;
    while (!atomic_load(&live->stop))
        histogram_record(&live->histogram, live->recorded++ % 1000);
    return NULL;
}

/* The reader may lag behind the writer; what it sees is still a histogram. */
static void merging_while_another_thread_records_sees_no_torn_state(void **state)
{
    (void)state;
    static struct live      live;
    static struct histogram seen;
    pthread_t               thread;
    assert_int_equal(pthread_create(&thread, NULL, record_live, &live), 0);
    uint64_t last = 0;
    for (int round = 0; round < 500 || last == 0; round++) {
        histogram_reset(&seen);
        histogram_merge(&seen, &live.histogram);
        uint64_t in_buckets = 0;
        for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
            in_buckets += seen.buckets[i];
        assert_int_equal(seen.count, in_buckets);
        assert_true(seen.count >= last);
        assert_true(histogram_quantile(&seen, 1.0) <= 999);
        last = seen.count;
    }
    atomic_store(&live.stop, true);
    pthread_join(thread, NULL);
    histogram_reset(&seen);
    histogram_merge(&seen, &live.histogram);
    assert_int_equal(seen.count, live.recorded);
}

static void bad_share(void)
{
    static struct histogram histogram;
    (void)histogram_quantile(&histogram, 1.5);
}

static void a_share_above_one_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(bad_share));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_in_its_bucket_with_an_error_below_a_64th),
        cmocka_unit_test(buckets_follow_each_other_without_gap_or_overlap),
        cmocka_unit_test(values_beyond_the_range_fall_into_the_last_bucket),
        cmocka_unit_test(quantiles_agree_with_sorting),
        cmocka_unit_test(nothing_recorded_is_zero),
        cmocka_unit_test(merging_is_the_same_as_recording_all_into_one),
        cmocka_unit_test(merging_while_another_thread_records_sees_no_torn_state),
        cmocka_unit_test(a_share_above_one_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
