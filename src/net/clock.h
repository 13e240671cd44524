/* SPDX-License-Identifier: Apache-2.0
 *
 * The only place that reads a clock. Everybody else is told what time it is.
 */
#ifndef LL_NET_CLOCK_H
#define LL_NET_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_US UINT64_C(1000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S  UINT64_C(1000000000)

/* Never goes back; starts somewhere. For durations and deadlines. */
uint64_t clock_now_ns(void);

/* Since 1970, and follows corrections of the machine's clock. For log lines only. */
uint64_t clock_wall_ns(void);

#endif
