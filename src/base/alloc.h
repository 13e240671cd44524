/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation for set-up code, where there is no sensible way on without memory.
 *
 * Not here:  the data path. It takes from slabs and buffer pools that are bounded, and sheds load
 * when they are empty. Memory:    what these return is released with free().
 */
#ifndef LL_BASE_ALLOC_H
#define LL_BASE_ALLOC_H

#include "base/compiler.h"

#include <stddef.h>

/* Zeroed memory for count objects; prints "out of memory" and exits 1 where there is none. */
void *alloc_zero(size_t count, size_t size);

/* Like realloc for arrays, with the same promise. */
void *alloc_resize(void *memory, size_t count, size_t size);

/* Zeroed, on a cache line of its own: size is rounded up to whole lines. */
void *alloc_lines(size_t count, size_t size);

char *alloc_string(const char *text);

/* For set-up code that takes memory elsewhere and got none. */
LL_NORETURN void alloc_failed(void);

#endif
