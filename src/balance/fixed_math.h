/* SPDX-License-Identifier: Apache-2.0
 *
 * Logarithm and exponential in integers, so that every compiler and machine computes the same.
 *
 * From tables of 256 parts with a quadratic between them: relative errors are below 2^-22.
 */
#ifndef LL_BALANCE_FIXED_MATH_H
#define LL_BALANCE_FIXED_MATH_H

#include <stdint.h>

/* 1 in the 32.32 numbers used here. */
#define FIXED_ONE (UINT64_C(1) << 32)

/* -log2(word / 2^64), in 32.32; word is not 0, and the result is never 0. */
uint64_t fixed_log2_below(uint64_t word);

/* 2^-x for x in 32.32. */
uint64_t fixed_exp2_below(uint64_t x);

/* e^(-age / decay), in 32.32; decay is not 0. */
uint64_t fixed_decay(uint64_t age, uint64_t decay);

#endif
