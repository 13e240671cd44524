/* SPDX-License-Identifier: Apache-2.0
 *
 * A hierarchical timing wheel: arming and cancelling are O(1) however many timers there are.
 *
 * Time comes as an argument. A tick is 2^20 ns (about a millisecond); a timer never fires early and
 * fires at the latest one tick after its deadline, as soon as timers_run is told of the time.
 * Meant for lazy use: a connection does not move its timer at each byte, it looks at its last
 * activity when the timer fires and arms it again for the rest. Memory:    intrusive; nothing is
 * allocated. Threading: one thread.
 */
#ifndef LL_NET_TIMER_H
#define LL_NET_TIMER_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_BITS  20u
#define TIMER_LEVEL_BITS 8u
#define TIMER_SLOTS      (1u << TIMER_LEVEL_BITS)
#define TIMER_LEVELS     4u /* 2^32 ticks: 52 days. What is due later waits at the far end. */

struct timer;

typedef void (*timer_fn)(struct timer *timer, uint64_t now_ns);

/* Zeroed but for on_expiry before its first use. */
struct timer {
    struct list_link link;
    uint64_t         tick;
    timer_fn         on_expiry;
};

struct timers {
    uint64_t tick; /* all timers up to here have fired */
    uint32_t armed;
    uint64_t occupied[TIMER_LEVELS][TIMER_SLOTS / 64]; /* may claim a slot that is empty by now */
    struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timers_init(struct timers *timers, uint64_t now_ns);

/* Also moves a timer that is armed. Deadlines in the past fire at the next run. */
void timer_arm(struct timers *timers, struct timer *timer, uint64_t deadline_ns);

/* Nothing happens to a timer that is not armed. */
void timer_cancel(struct timers *timers, struct timer *timer);

static inline bool timer_armed(const struct timer *timer)
{
    return list_linked(&timer->link);
}

/* Fires everything that is due. Callbacks may arm and cancel any timer. */
void timers_run(struct timers *timers, uint64_t now_ns);

/* When timers_run should be called at the latest, so that no timer fires more than a tick after its
 * deadline; possibly before anything is due. UINT64_MAX where no timer is armed. */
uint64_t timers_next_ns(const struct timers *timers);

#endif
