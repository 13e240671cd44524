/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers that a seed repeats: xoshiro256++ (Blackman and Vigna, 2019), seeded by
 * splitmix64.
 *
 * Not here:  secrets. Tokens and keys come from the cryptographic library.
 * Threading: one generator, one thread. Give each concern a stream of its own, so that drawing more
 * in one does not shift another.
 */
#ifndef LL_BASE_RNG_H
#define LL_BASE_RNG_H

#include <stdint.h>

__extension__ typedef unsigned __int128 rng_wide;

struct rng {
    uint64_t state[4];
};

/* Different streams of one seed are independent. */
void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream);

/* Finalizer of splitmix64: a good mix of one word, for hashing small integers. */
static inline uint64_t rng_mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static inline uint64_t rng_rotate(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t *s      = rng->state;
    uint64_t  result = rng_rotate(s[0] + s[3], 23) + s[0];
    uint64_t  shift  = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shift;
    s[3] = rng_rotate(s[3], 45);
    return result;
}

/* A random word mapped to 0 .. bound - 1 without a division. The bias is below bound / 2^64. */
static inline uint64_t rng_scale(uint64_t random, uint64_t bound)
{
    return (uint64_t)(((rng_wide)random * bound) >> 64);
}

static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    return rng_scale(rng_next(rng), bound);
}

/* Uniform in [0, 1), every value a multiple of 2^-53. */
static inline double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif
