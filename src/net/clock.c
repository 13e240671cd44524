/* SPDX-License-Identifier: Apache-2.0 */
#include "net/clock.h"

#include "base/assert.h"

#include <time.h>

static uint64_t clock_read(clockid_t clock)
{
    struct timespec time;
    LL_ASSERT(clock_gettime(clock, &time) == 0);
    return (uint64_t)time.tv_sec * CLOCK_NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
    return clock_read(CLOCK_REALTIME);
}
