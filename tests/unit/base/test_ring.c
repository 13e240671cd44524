/* SPDX-License-Identifier: Apache-2.0
 *
 * The stress tests are short here; under MODE=tsan they are what proves the memory orders.
 */
#include "support/unit.h"

#include "base/ring.h"

#include <pthread.h>
#include <sched.h>

/* Bigger than a word, so that a torn copy shows. */
struct record {
    uint64_t writer;
    uint64_t number;
    uint64_t check;
    char     odd; /* a size that is no multiple of the alignment before padding */
};

static struct record record_of(uint64_t writer, uint64_t number)
{
    return (struct record){
        .writer = writer, .number = number, .check = ~(writer * 1000003 + number), .odd = 'x'};
}

static void expect_whole(const struct record *record)
{
    assert_int_equal(record->check, ~(record->writer * 1000003 + record->number));
    assert_int_equal(record->odd, 'x');
}

static void spsc_keeps_the_order_and_refuses_when_full(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= 64; capacity *= 2) {
        struct spsc_ring ring;
        struct record    out = {0};
        spsc_ring_init(&ring, sizeof out, capacity);
        assert_false(spsc_ring_pop(&ring, &out));
        uint64_t pushed = 0, popped = 0;
        for (uint32_t lap = 0; lap < 10; lap++) {
            for (uint32_t i = 0; i < capacity; i++) {
                struct record in = record_of(0, pushed++);
                assert_true(spsc_ring_push(&ring, &in));
            }
            struct record extra = record_of(0, 0);
            assert_false(spsc_ring_push(&ring, &extra));
            /* Not always emptied, so that the laps shift against the array. */
            for (uint32_t i = 0; i < (lap % 2 == 0 ? capacity : (capacity + 1) / 2); i++) {
                assert_true(spsc_ring_pop(&ring, &out));
                expect_whole(&out);
                assert_int_equal(out.number, popped++);
            }
            while (lap % 2 == 1 && spsc_ring_pop(&ring, &out))
                assert_int_equal(out.number, popped++);
        }
        assert_int_equal(popped, pushed);
        spsc_ring_fini(&ring);
    }
}

static void mpsc_keeps_the_order_and_refuses_when_full(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= 64; capacity *= 2) {
        struct mpsc_ring ring;
        struct record    out = {0};
        mpsc_ring_init(&ring, sizeof out, capacity);
        assert_false(mpsc_ring_pop(&ring, &out));
        uint64_t pushed = 0, popped = 0;
        for (uint32_t lap = 0; lap < 10; lap++) {
            while (pushed - popped < capacity) {
                struct record in = record_of(0, pushed++);
                assert_true(mpsc_ring_push(&ring, &in));
            }
            struct record extra = record_of(0, 0);
            assert_false(mpsc_ring_push(&ring, &extra));
            assert_false(mpsc_ring_push(&ring, &extra));
            for (uint32_t i = 0; i < (capacity + 1) / 2; i++) {
                assert_true(mpsc_ring_pop(&ring, &out));
                expect_whole(&out);
                assert_int_equal(out.number, popped++);
            }
        }
        while (mpsc_ring_pop(&ring, &out))
            assert_int_equal(out.number, popped++);
        assert_int_equal(popped, pushed);
        mpsc_ring_fini(&ring);
    }
}

static void a_refused_pop_leaves_the_record_alone(void **state)
{
    (void)state;
    struct spsc_ring spsc;
    struct mpsc_ring mpsc;
    spsc_ring_init(&spsc, sizeof(uint32_t), 4);
    mpsc_ring_init(&mpsc, sizeof(uint32_t), 4);
    uint32_t word = 77;
    assert_false(spsc_ring_pop(&spsc, &word));
    assert_false(mpsc_ring_pop(&mpsc, &word));
    assert_int_equal(word, 77);
    spsc_ring_fini(&spsc);
    mpsc_ring_fini(&mpsc);
}

enum { STRESS_RECORDS = 60000, STRESS_WRITERS = 3, STRESS_CAPACITY = 16 };

struct stress {
    struct spsc_ring *spsc;
    struct mpsc_ring *mpsc;
    uint64_t          writer;
};

static void *stress_write(void *argument)
{
    const struct stress *stress = argument;
    for (uint64_t i = 0; i < STRESS_RECORDS; i++) {
        struct record record = record_of(stress->writer, i);
        while (stress->spsc != NULL ? !spsc_ring_push(stress->spsc, &record)
                                    : !mpsc_ring_push(stress->mpsc, &record))
            sched_yield();
    }
    return NULL;
}

static void spsc_loses_nothing_between_two_threads(void **state)
{
    (void)state;
    struct spsc_ring ring;
    spsc_ring_init(&ring, sizeof(struct record), STRESS_CAPACITY);
    struct stress stress = {.spsc = &ring, .writer = 5};
    pthread_t     thread;
    assert_int_equal(pthread_create(&thread, NULL, stress_write, &stress), 0);
    for (uint64_t i = 0; i < STRESS_RECORDS; i++) {
        struct record record;
        while (!spsc_ring_pop(&ring, &record))
            sched_yield();
        expect_whole(&record);
        assert_int_equal(record.writer, 5);
        assert_int_equal(record.number, i);
    }
    pthread_join(thread, NULL);
    struct record none;
    assert_false(spsc_ring_pop(&ring, &none));
    spsc_ring_fini(&ring);
}

static void mpsc_keeps_the_order_of_each_of_several_writers(void **state)
{
    (void)state;
    struct mpsc_ring ring;
    mpsc_ring_init(&ring, sizeof(struct record), STRESS_CAPACITY);
    struct stress stress[STRESS_WRITERS];
    pthread_t     threads[STRESS_WRITERS];
    for (uint64_t i = 0; i < STRESS_WRITERS; i++) {
        stress[i] = (struct stress){.mpsc = &ring, .writer = i};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_write, &stress[i]), 0);
    }
    uint64_t next[STRESS_WRITERS] = {0};
    for (uint64_t i = 0; i < (uint64_t)STRESS_RECORDS * STRESS_WRITERS; i++) {
        struct record record;
        while (!mpsc_ring_pop(&ring, &record))
            sched_yield();
        expect_whole(&record);
        assert_in_range(record.writer, 0, STRESS_WRITERS - 1);
        assert_int_equal(record.number, next[record.writer]++);
    }
    for (int i = 0; i < STRESS_WRITERS; i++)
        pthread_join(threads[i], NULL);
    struct record none;
    assert_false(mpsc_ring_pop(&ring, &none));
    mpsc_ring_fini(&ring);
}

static void spsc_of_an_odd_capacity(void)
{
    struct spsc_ring ring;
    spsc_ring_init(&ring, 8, 6);
}

static void mpsc_of_no_capacity(void)
{
    struct mpsc_ring ring;
    mpsc_ring_init(&ring, 8, 0);
}

static void a_capacity_that_is_no_power_of_two_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(spsc_of_an_odd_capacity));
    assert_true(unit_asserts(mpsc_of_no_capacity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spsc_keeps_the_order_and_refuses_when_full),
        cmocka_unit_test(mpsc_keeps_the_order_and_refuses_when_full),
        cmocka_unit_test(a_refused_pop_leaves_the_record_alone),
        cmocka_unit_test(spsc_loses_nothing_between_two_threads),
        cmocka_unit_test(mpsc_keeps_the_order_of_each_of_several_writers),
        cmocka_unit_test(a_capacity_that_is_no_power_of_two_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
