/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/fixed_math.h"

#include "balance/fixed_tables.h"
#include "base/assert.h"
#include "base/rng.h"

#define FIXED_LOG2_E UINT64_C(6196328019) /* log2(e) * 2^32 */

/* Half the second derivative of log2(1 + x), in parts: 2^32 / (2 ln 2) / 256^2. */
#define FIXED_LOG2_CURVE UINT64_C(47275)

/* The same for 2^-x: 2^32 * (ln 2)^2 / 2 / 256^2. */
#define FIXED_EXP2_CURVE UINT64_C(15744)

uint64_t fixed_log2_below(uint64_t word)
{
    LL_ASSERT(word != 0);
    unsigned zeros    = (unsigned)__builtin_clzll(word);
    uint64_t mantissa = word << zeros; /* 1.xxx, its leading bit is 2^63 */
    uint64_t index    = mantissa >> 55 & 0xff;
    uint64_t part     = mantissa >> 23 & UINT32_MAX; /* between two entries, of 2^32 */
    uint64_t low      = fixed_log2_table[index];
    uint64_t high     = fixed_log2_table[index + 1];
    uint64_t log      = low + ((high - low) * part >> 32);
    /* The curve bulges by part * (1 - part) times its bend, which falls with the square of 1.xxx.
     */
    uint64_t bulge = (part * (FIXED_ONE - part) >> 32) * FIXED_LOG2_CURVE >> 32;
    uint64_t one_x = 256 + index;
    log += bulge * 65536 / (one_x * one_x);
    uint64_t below = ((uint64_t)(zeros + 1) << 32) - log;
    return below > 0 ? below : 1;
}

uint64_t fixed_exp2_below(uint64_t x)
{
    uint64_t whole = x >> 32;
    if (whole >= 32)
        return 0;
    uint64_t index = x >> 24 & 0xff;
    uint64_t part  = x << 8 & UINT32_MAX;
    uint64_t high  = fixed_exp2_table[index];
    uint64_t low   = fixed_exp2_table[index + 1];
    uint64_t value = high - ((high - low) * part >> 32);
    uint64_t sag   = (part * (FIXED_ONE - part) >> 32) * FIXED_EXP2_CURVE >> 32;
    value -= sag * high >> 32;
    return value >> whole;
}

uint64_t fixed_decay(uint64_t age, uint64_t decay)
{
    LL_ASSERT(decay != 0);
    /* Beyond 22 decay times nothing is left of 2^32. */
    if (age / decay >= 22)
        return 0;
    uint64_t share = (uint64_t)(((rng_wide)age << 32) / decay);
    return fixed_exp2_below((uint64_t)((rng_wide)share * FIXED_LOG2_E >> 32));
}
