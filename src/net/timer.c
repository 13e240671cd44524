/* SPDX-License-Identifier: Apache-2.0 */
#include "net/timer.h"

#include "base/assert.h"

#define TIMER_SLOT_MASK (TIMER_SLOTS - 1)
#define TIMER_SPAN      (UINT64_C(1) << (TIMER_LEVEL_BITS * TIMER_LEVELS))

void timers_init(struct timers *timers, uint64_t now_ns)
{
    *timers = (struct timers){.tick = now_ns >> TIMER_TICK_BITS};
    for (uint32_t level = 0; level < TIMER_LEVELS; level++)
        for (uint32_t slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&timers->slots[level][slot]);
}

/* Into the lowest level that reaches as far as the timer's tick. Ticks that the wheel has reached
 * exist only while a higher level is emptied into lower ones, just before its level 0 slot is
 * fired. */
static void timers_place(struct timers *timers, struct timer *timer)
{
    uint64_t tick = timer->tick;
    if (tick - timers->tick >= TIMER_SPAN)
        tick =
            timers->tick + TIMER_SPAN - 1; /* looked at again, and placed again, when that comes */

    uint64_t distance = tick - timers->tick;
    uint32_t level    = 0;
    while (distance >> (TIMER_LEVEL_BITS * (level + 1)) != 0)
        level++;
    uint32_t slot = (uint32_t)(tick >> (TIMER_LEVEL_BITS * level)) & TIMER_SLOT_MASK;
    list_append(&timers->slots[level][slot], &timer->link);
    timers->occupied[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t deadline_ns)
{
    LL_ASSERT(timer->on_expiry != NULL);
    timer_cancel(timers, timer);
    /* Rounded up: never early. */
    uint64_t tick = (deadline_ns >> TIMER_TICK_BITS) + 1;
    timer->tick   = LL_MAX(tick, timers->tick + 1);
    timers_place(timers, timer);
    timers->armed++;
}

void timer_cancel(struct timers *timers, struct timer *timer)
{
    if (!timer_armed(timer))
        return;
    list_remove(&timer->link);
    timers->armed--;
}

/* Takes a slot's timers out, so that callbacks may change the wheel freely. */
static void timers_take_slot(struct timers *timers, uint32_t level, uint32_t slot,
                             struct list *ret_taken)
{
    list_init(ret_taken);
    list_splice(ret_taken, &timers->slots[level][slot]);
    timers->occupied[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

/* At the turn of a level's hand, what the next level holds for the coming round moves down. */
static void timers_cascade(struct timers *timers)
{
    for (uint32_t level = 1; level < TIMER_LEVELS; level++) {
        if ((timers->tick & ((UINT64_C(1) << (TIMER_LEVEL_BITS * level)) - 1)) != 0)
            break;
        uint32_t    slot = (uint32_t)(timers->tick >> (TIMER_LEVEL_BITS * level)) & TIMER_SLOT_MASK;
        struct list taken;
        struct list_link *link;
        timers_take_slot(timers, level, slot, &taken);
        while ((link = list_take(&taken)) != NULL)
            timers_place(timers, LIST_ITEM(link, struct timer, link));
    }
}

static void timers_fire_slot(struct timers *timers, uint64_t now_ns)
{
    struct list       due;
    struct list_link *link;
    timers_take_slot(timers, 0, (uint32_t)timers->tick & TIMER_SLOT_MASK, &due);
    while ((link = list_take(&due)) != NULL) {
        struct timer *timer = LIST_ITEM(link, struct timer, link);
        LL_ASSERT(timer->tick <= timers->tick);
        timers->armed--;
        timer->on_expiry(timer, now_ns);
    }
}

/* The first occupied slot at or after from, or TIMER_SLOTS. */
static uint32_t timers_find(const uint64_t *occupied, uint32_t from)
{
    for (uint32_t word = from / 64; word < TIMER_SLOTS / 64; word++) {
        uint64_t bits = occupied[word];
        if (word == from / 64)
            bits &= ~UINT64_C(0) << (from % 64);
        if (bits != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return TIMER_SLOTS;
}

/* The next tick after the current one at which something may have to be done on that level, within
 * its current round; the beginning of the next round at the latest. */
static uint64_t timers_next_on_level(const struct timers *timers, uint32_t level)
{
    uint32_t shift = TIMER_LEVEL_BITS * level;
    uint64_t hand  = timers->tick >> shift;
    uint32_t from  = ((uint32_t)hand & TIMER_SLOT_MASK) + 1;
    uint32_t slot  = from < TIMER_SLOTS ? timers_find(timers->occupied[level], from) : TIMER_SLOTS;
    return (hand - (hand & TIMER_SLOT_MASK) + slot) << shift;
}

static bool timers_level_empty(const struct timers *timers, uint32_t level)
{
    return timers_find(timers->occupied[level], 0) == TIMER_SLOTS;
}

/* Levels that are wholly empty need no stop; where all are, there is nothing to stop for. */
static uint64_t timers_next_tick(const struct timers *timers)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t level = 0; level < TIMER_LEVELS; level++)
        if (!timers_level_empty(timers, level))
            next = LL_MIN(next, timers_next_on_level(timers, level));
    return next;
}

void timers_run(struct timers *timers, uint64_t now_ns)
{
    uint64_t target = now_ns >> TIMER_TICK_BITS;
    while (timers->tick < target) {
        uint64_t next = timers_next_tick(timers);
        if (next > target) {
            timers->tick = target;
            break;
        }
        timers->tick = next;
        timers_cascade(timers);
        timers_fire_slot(timers, now_ns);
    }
}

uint64_t timers_next_ns(const struct timers *timers)
{
    if (timers->armed == 0)
        return UINT64_MAX;
    uint64_t tick = timers_next_tick(timers);
    return tick == UINT64_MAX ? UINT64_MAX : tick << TIMER_TICK_BITS;
}
