/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *file, int line, const char *function, const char *condition)
{
    fprintf(stderr, "limeload: bug: %s:%d: %s: assertion failed: %s\n", file, line, function,
            condition);
    abort();
}
