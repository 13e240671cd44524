/* SPDX-License-Identifier: Apache-2.0
 *
 * A log-linear histogram: fixed size, constant-time recording, relative error below 1/64.
 *
 * Every power of two is cut into 64 equal parts; values below 64 are exact. Histograms of one kind
 * add up, so each thread keeps its own and a reader merges them. Threading: one writer. A reader on
 * another thread merges with histogram_merge, whose loads are relaxed: what it sees may lag behind,
 * never tear.
 */
#ifndef LL_BASE_HISTOGRAM_H
#define LL_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_PART_BITS 6u
#define HISTOGRAM_PARTS     (1u << HISTOGRAM_PART_BITS)

/* Values at and above 2^42 (73 minutes in nanoseconds) are counted in the last bucket. */
#define HISTOGRAM_VALUE_BITS 42u
#define HISTOGRAM_BUCKETS    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_PART_BITS + 1) * HISTOGRAM_PARTS)

struct histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);

/* Adds what from holds to histogram. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/* The value below or at which the given share (0 to 1) of the recorded values lies: the upper bound
 * of its bucket, at most the largest value recorded; 0 where nothing was recorded. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

double histogram_mean(const struct histogram *histogram);

/* Bucket of a value, and the smallest value that it counts: for those who export buckets. */
uint32_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_low(uint32_t bucket);

#endif
