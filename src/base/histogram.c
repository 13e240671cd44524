/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include "base/assert.h"

static uint64_t histogram_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* There is one writer, so a plain load and store will do; an atomic add would lock the bus. */
static void histogram_add(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, histogram_load(word) + value, memory_order_relaxed);
}

static void histogram_raise(_Atomic uint64_t *word, uint64_t value)
{
    if (value > histogram_load(word))
        atomic_store_explicit(word, value, memory_order_relaxed);
}

uint32_t histogram_bucket(uint64_t value)
{
    if (value < HISTOGRAM_PARTS)
        return (uint32_t)value;
    unsigned top = 63u - (unsigned)__builtin_clzll(value);
    if (top >= HISTOGRAM_VALUE_BITS)
        return HISTOGRAM_BUCKETS - 1;
    unsigned shift = top - HISTOGRAM_PART_BITS;
    return (shift + 1) * HISTOGRAM_PARTS + ((uint32_t)(value >> shift) - HISTOGRAM_PARTS);
}

uint64_t histogram_bucket_low(uint32_t bucket)
{
    LL_ASSERT(bucket <= HISTOGRAM_BUCKETS);
    if (bucket < HISTOGRAM_PARTS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_PARTS - 1;
    return (uint64_t)(HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS) << shift;
}

void histogram_reset(struct histogram *histogram)
{
    atomic_store_explicit(&histogram->count, 0, memory_order_relaxed);
    atomic_store_explicit(&histogram->sum, 0, memory_order_relaxed);
    atomic_store_explicit(&histogram->max, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_store_explicit(&histogram->buckets[i], 0, memory_order_relaxed);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_add(&histogram->buckets[histogram_bucket(value)], 1);
    histogram_add(&histogram->count, 1);
    histogram_add(&histogram->sum, value);
    histogram_raise(&histogram->max, value);
}

void histogram_merge(struct histogram *histogram, const struct histogram *from)
{
    /* The count is taken from the buckets and not from the counter: read at different moments, the
     * two could disagree, and quantiles would then run off the end. */
    uint64_t count = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t in_bucket = histogram_load(&from->buckets[i]);
        if (in_bucket > 0)
            histogram_add(&histogram->buckets[i], in_bucket);
        count += in_bucket;
    }
    histogram_add(&histogram->count, count);
    histogram_add(&histogram->sum, histogram_load(&from->sum));
    histogram_raise(&histogram->max, histogram_load(&from->max));
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    LL_ASSERT(share >= 0.0 && share <= 1.0);
    uint64_t count = histogram_load(&histogram->count);
    if (count == 0)
        return 0;
    /* The rank of the wanted value, from 1; rounded up, so that 1.0 is the last one. */
    double   exact = share * (double)count;
    uint64_t rank  = (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    uint64_t max  = histogram_load(&histogram->max);
    uint64_t seen = 0;
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        seen += histogram_load(&histogram->buckets[i]);
        if (seen >= rank)
            return LL_MIN(histogram_bucket_low(i + 1) - 1, max);
    }
    return max;
}

double histogram_mean(const struct histogram *histogram)
{
    uint64_t count = histogram_load(&histogram->count);
    return count == 0 ? 0.0 : (double)histogram_load(&histogram->sum) / (double)count;
}
