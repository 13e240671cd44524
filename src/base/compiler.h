/* SPDX-License-Identifier: Apache-2.0
 *
 * The few compiler attributes and macros that the whole tree uses.
 */
#ifndef LL_BASE_COMPILER_H
#define LL_BASE_COMPILER_H

#include <stddef.h>

#define LL_MUST_CHECK          __attribute__((warn_unused_result))
#define LL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define LL_NORETURN            __attribute__((noreturn))
#define LL_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define LL_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* One writer per line: what different threads write never shares a cache line. */
#define LL_CACHE_LINE 64

#define LL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LL_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define LL_MIN(a, b) ((a) < (b) ? (a) : (b))
#define LL_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
