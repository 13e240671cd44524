/* SPDX-License-Identifier: Apache-2.0 */
#include "base/qsbr.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

static void count_free(void *object)
{
    (*(int *)object)++;
}

static void frees_when_every_reader_has_passed(void **state)
{
    (void)state;
    struct qsbr qsbr;
    int         freed = 0;
    qsbr_init(&qsbr, 3);
    qsbr_online(&qsbr, 0);
    qsbr_online(&qsbr, 1);
    qsbr_retire(&qsbr, count_free, &freed);
    assert_int_equal(qsbr_reclaim(&qsbr), 1);
    qsbr_pass(&qsbr, 0);
    assert_int_equal(qsbr_reclaim(&qsbr), 1);
    assert_int_equal(freed, 0);
    qsbr_pass(&qsbr, 1);
    assert_int_equal(qsbr_reclaim(&qsbr), 0);
    assert_int_equal(freed, 1);
    qsbr_offline(&qsbr, 0);
    qsbr_offline(&qsbr, 1);
    qsbr_fini(&qsbr);
}

static void passing_before_does_not_count(void **state)
{
    (void)state;
    struct qsbr qsbr;
    int         freed = 0;
    qsbr_init(&qsbr, 1);
    qsbr_online(&qsbr, 0);
    qsbr_pass(&qsbr, 0);
    qsbr_retire(&qsbr, count_free, &freed);
    assert_int_equal(qsbr_reclaim(&qsbr), 1);
    qsbr_offline(&qsbr, 0);
    assert_int_equal(qsbr_reclaim(&qsbr), 0);
    /* Coming back later does not bring the past back. */
    qsbr_retire(&qsbr, count_free, &freed);
    qsbr_online(&qsbr, 0);
    assert_int_equal(qsbr_reclaim(&qsbr), 0);
    assert_int_equal(freed, 2);
    qsbr_offline(&qsbr, 0);
    qsbr_fini(&qsbr);
}

enum { READERS = 3, ROUNDS = 20000 };

struct shared {
    struct qsbr     qsbr;
    _Atomic(int *)  published;
    _Atomic int     next_reader;
    _Atomic bool    over;
    _Atomic int64_t reads;
};

static void *reader_run(void *argument)
{
    struct shared *shared = argument;
    uint32_t       reader = (uint32_t)atomic_fetch_add(&shared->next_reader, 1);
    int64_t        reads  = 0;
    int            last   = 0;
    while (!atomic_load_explicit(&shared->over, memory_order_acquire)) {
        qsbr_online(&shared->qsbr, reader);
        for (int turn = 0; turn < 10; turn++) {
            const int *value = atomic_load_explicit(&shared->published, memory_order_acquire);
            assert_true(*value >= last);
            last = *value;
            reads++;
            qsbr_pass(&shared->qsbr, reader);
        }
        qsbr_offline(&shared->qsbr, reader);
    }
    atomic_fetch_add(&shared->reads, reads);
    return NULL;
}

/* What is freed is poisoned by malloc or caught by a sanitizer; values only grow. */
static void readers_never_see_what_is_freed(void **state)
{
    (void)state;
    struct shared shared = {0};
    pthread_t     threads[READERS];
    qsbr_init(&shared.qsbr, READERS);
    shared.published  = malloc(sizeof(int));
    *shared.published = 1;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &shared), 0);
    for (int round = 2; round < ROUNDS; round++) {
        int *old = shared.published;
        int *new = malloc(sizeof *new);
        *new     = round;
        atomic_store_explicit(&shared.published, new, memory_order_release);
        qsbr_retire(&shared.qsbr, free, old);
        qsbr_reclaim(&shared.qsbr);
    }
    atomic_store_explicit(&shared.over, true, memory_order_release);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(qsbr_reclaim(&shared.qsbr), 0);
    qsbr_fini(&shared.qsbr);
    free(shared.published);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_when_every_reader_has_passed),
        cmocka_unit_test(passing_before_does_not_count),
        cmocka_unit_test(readers_never_see_what_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
