/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions that stay on in production.
 *
 * A failed assertion is a bug in limeload, never bad input and never a full table: those have
 * answers. It prints the place and the condition and aborts, because a proxy that goes on with a
 * broken invariant corrupts somebody's bytes.
 */
#ifndef LL_BASE_ASSERT_H
#define LL_BASE_ASSERT_H

#include "base/compiler.h"

#define LL_ASSERT(condition)                                                                       \
    do {                                                                                           \
        if (LL_UNLIKELY(!(condition)))                                                             \
            assert_failed(__FILE__, __LINE__, __func__, #condition);                               \
    } while (0)

/* For places that cannot be reached, such as the end of a switch over all values of an enum. */
#define LL_NEVER(what) assert_failed(__FILE__, __LINE__, __func__, what)

LL_NORETURN void assert_failed(const char *file, int line, const char *function,
                               const char *condition);

#endif
