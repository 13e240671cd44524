/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/rng.h"
#include "net/timer.h"

#define TICK_NS (UINT64_C(1) << TIMER_TICK_BITS)

enum { TIMERS = 64 };

/* What each timer has to do, kept without any wheel. */
struct item {
    struct timer   timer;
    struct oracle *oracle;
    uint64_t       deadline_ns;
    bool           armed;
};

struct oracle {
    struct timers *timers;
    struct rng     rng;
    struct item    items[TIMERS];
    uint64_t       now_ns; /* of the run that is under way, or of the last one */
    uint64_t       last_fired_ns;
    uint32_t       armed;
    uint32_t       fired;
    bool           meddle; /* callbacks arm and cancel */
};

/* Deadlines of every magnitude up to far beyond the wheel's reach, often on the edge of a level. */
static uint64_t random_delay(struct rng *rng)
{
    uint64_t bits  = rng_below(rng, 56);
    uint64_t delay = rng_below(rng, UINT64_C(1) << bits);
    if (rng_below(rng, 4) == 0) {
        uint64_t level = TIMER_TICK_BITS + TIMER_LEVEL_BITS * rng_below(rng, TIMER_LEVELS + 1);
        delay          = (UINT64_C(1) << level) + rng_below(rng, 3 * TICK_NS) - TICK_NS;
    }
    return delay;
}

static void oracle_arm(struct item *item, uint64_t deadline_ns)
{
    struct oracle *oracle = item->oracle;
    timer_arm(oracle->timers, &item->timer, deadline_ns);
    assert_true(timer_armed(&item->timer));
    oracle->armed += item->armed ? 0 : 1;
    item->armed       = true;
    item->deadline_ns = LL_MAX(deadline_ns, oracle->now_ns); /* what is past is due now */
}

static void oracle_cancel(struct item *item)
{
    struct oracle *oracle = item->oracle;
    timer_cancel(oracle->timers, &item->timer);
    assert_false(timer_armed(&item->timer));
    oracle->armed -= item->armed ? 1 : 0;
    item->armed = false;
}

static void oracle_change_one(struct oracle *oracle)
{
    struct item *item = &oracle->items[rng_below(&oracle->rng, TIMERS)];
    if (rng_below(&oracle->rng, 3) == 0)
        oracle_cancel(item);
    else
        oracle_arm(item, oracle->now_ns + random_delay(&oracle->rng));
}

static void oracle_on_expiry(struct timer *timer, uint64_t now_ns)
{
    struct item   *item   = LL_CONTAINER_OF(timer, struct item, timer);
    struct oracle *oracle = item->oracle;
    assert_true(item->armed);
    assert_int_equal(now_ns, oracle->now_ns);
    assert_true(item->deadline_ns <= now_ns); /* never early */
    /* In the order of the deadlines, to within a tick. */
    assert_true(item->deadline_ns / TICK_NS >= oracle->last_fired_ns / TICK_NS);
    oracle->last_fired_ns = item->deadline_ns;
    item->armed           = false;
    oracle->armed--;
    oracle->fired++;
    if (oracle->meddle)
        oracle_change_one(oracle);
}

static void oracle_init(struct oracle *oracle, struct timers *timers, uint64_t seed)
{
    memset(oracle, 0, sizeof *oracle);
    rng_seed(&oracle->rng, 11, seed);
    oracle->timers = timers;
    oracle->now_ns = rng_next(&oracle->rng) >> (8 + rng_below(&oracle->rng, 40));
    timers_init(timers, oracle->now_ns);
    for (uint32_t i = 0; i < TIMERS; i++) {
        oracle->items[i].timer.on_expiry = oracle_on_expiry;
        oracle->items[i].oracle          = oracle;
    }
}

static uint64_t oracle_earliest_ns(const struct oracle *oracle)
{
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < TIMERS; i++)
        if (oracle->items[i].armed)
            earliest = LL_MIN(earliest, oracle->items[i].deadline_ns);
    return earliest;
}

static void oracle_run(struct oracle *oracle, uint64_t now_ns)
{
    oracle->now_ns        = now_ns;
    oracle->last_fired_ns = 0;
    timers_run(oracle->timers, now_ns);
    /* At most a tick late. Only a callback may have armed one that is due already. */
    if (!oracle->meddle)
        assert_true(oracle_earliest_ns(oracle) > now_ns - LL_MIN(now_ns, TICK_NS));
    assert_int_equal(oracle->timers->armed, oracle->armed);
}

/* The wheel asks to be run neither so late that a timer would be, nor again and again for nothing.
 */
static void oracle_check_next(const struct oracle *oracle)
{
    uint64_t next     = timers_next_ns(oracle->timers);
    uint64_t earliest = oracle_earliest_ns(oracle);
    if (earliest == UINT64_MAX) {
        assert_int_equal(next, UINT64_MAX);
        return;
    }
    assert_true(next > oracle->now_ns);
    assert_true(next <= LL_MAX(earliest, oracle->now_ns) + TICK_NS);
}

static void fires_like_a_plain_list(void **state)
{
    (void)state;
    static struct timers timers;
    static struct oracle oracle;
    uint32_t             fired = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        oracle_init(&oracle, &timers, seed);
        for (uint32_t step = 0; step < 1000; step++) {
            for (uint64_t changes = rng_below(&oracle.rng, 4); changes > 0; changes--)
                oracle_change_one(&oracle);
            oracle_check_next(&oracle);
            /* Small steps and jumps over whole levels. */
            uint64_t step_ns = random_delay(&oracle.rng) >> rng_below(&oracle.rng, 24);
            oracle_run(&oracle, oracle.now_ns + step_ns);
            oracle_check_next(&oracle);
        }
        fired += oracle.fired;
    }
    assert_true(fired > 100000);
}

/* As the loop does it: running only when the wheel asks for it fires everything, in time. */
static void wakes_in_time_when_it_is_followed(void **state)
{
    (void)state;
    static struct timers timers;
    static struct oracle oracle;
    for (uint64_t seed = 0; seed < 500; seed++) {
        oracle_init(&oracle, &timers, seed);
        for (uint32_t i = 0; i < TIMERS; i++)
            oracle_arm(&oracle.items[i], oracle.now_ns + random_delay(&oracle.rng));
        for (uint32_t wakes = 0; oracle.armed > 0; wakes++) {
            /* A timer costs at most one wake-up per level that it descends, and one per round of
             * the outermost level for what is beyond its reach. */
            assert_true(wakes < TIMERS * (TIMER_LEVELS + 20));
            uint64_t next = timers_next_ns(&timers);
            assert_true(next > oracle.now_ns);
            oracle_run(&oracle, next);
        }
        assert_int_equal(oracle.fired, TIMERS);
        assert_int_equal(timers_next_ns(&timers), UINT64_MAX);
    }
}

static void callbacks_may_arm_and_cancel(void **state)
{
    (void)state;
    static struct timers timers;
    static struct oracle oracle;
    for (uint64_t seed = 0; seed < 200; seed++) {
        oracle_init(&oracle, &timers, seed);
        oracle.meddle = true;
        for (uint32_t step = 0; step < 500; step++) {
            oracle_change_one(&oracle);
            uint64_t step_ns = random_delay(&oracle.rng) >> rng_below(&oracle.rng, 24);
            oracle_run(&oracle, oracle.now_ns + step_ns);
        }
    }
}

static void a_deadline_in_the_past_fires_at_the_next_run(void **state)
{
    (void)state;
    static struct timers timers;
    static struct oracle oracle;
    oracle_init(&oracle, &timers, 0);
    oracle_arm(&oracle.items[0], 0);
    oracle_arm(&oracle.items[1], oracle.now_ns);
    oracle_run(&oracle, oracle.now_ns);
    assert_int_equal(oracle.fired, 0);
    oracle_run(&oracle, oracle.now_ns + TICK_NS);
    assert_int_equal(oracle.fired, 2);
}

struct chain {
    struct timer   timer;
    struct timers *timers;
    uint32_t       fired;
};

static void chain_on_expiry(struct timer *timer, uint64_t now_ns)
{
    struct chain *chain = LL_CONTAINER_OF(timer, struct chain, timer);
    chain->fired++;
    timer_arm(chain->timers, timer, now_ns);
}

/* A timer that arms itself for now does not keep the run from ending. */
static void a_timer_without_delay_fires_once_per_run(void **state)
{
    (void)state;
    static struct timers timers;
    struct chain         chain = {.timer.on_expiry = chain_on_expiry, .timers = &timers};
    timers_init(&timers, 0);
    timer_arm(&timers, &chain.timer, 0);
    for (uint32_t run = 1; run <= 1000; run++) {
        timers_run(&timers, run * 3 * TICK_NS);
        assert_int_equal(chain.fired, run);
    }
}

static void time_may_stand_still(void **state)
{
    (void)state;
    static struct timers timers;
    static struct oracle oracle;
    oracle_init(&oracle, &timers, 1);
    oracle_arm(&oracle.items[0], oracle.now_ns + 5 * TICK_NS);
    for (uint32_t run = 0; run < 100; run++)
        oracle_run(&oracle, oracle.now_ns);
    assert_int_equal(oracle.fired, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_like_a_plain_list),
        cmocka_unit_test(wakes_in_time_when_it_is_followed),
        cmocka_unit_test(callbacks_may_arm_and_cancel),
        cmocka_unit_test(a_deadline_in_the_past_fires_at_the_next_run),
        cmocka_unit_test(a_timer_without_delay_fires_once_per_run),
        cmocka_unit_test(time_may_stand_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
