/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/rng.h"
#include "base/slab.h"

/* Objects come and go at random; each live one keeps its own bytes, so two that share memory, or
 * an object that is handed out twice, show. */
static void live_objects_never_overlap(void **state)
{
    (void)state;
    enum { MAX = 3000, STEPS = 40000 };
    static unsigned char *live[MAX];
    const size_t          sizes[] = {1, 8, 24, 100, 5000};

    for (size_t s = 0; s < LL_COUNT(sizes); s++) {
        struct rng rng;
        rng_seed(&rng, 2, s);
        struct slab slab;
        slab_init(&slab, sizes[s], MAX);
        uint32_t count = 0;
        for (uint32_t step = 0; step < STEPS; step++) {
            if (count == 0 || (count < MAX && rng_below(&rng, 100) < 55)) {
                unsigned char *object = slab_get(&slab);
                assert_non_null(object);
                assert_int_equal((uintptr_t)object % _Alignof(max_align_t), 0);
                memset(object, (int)((uintptr_t)object / 16 % 255), sizes[s]);
                live[count++] = object;
            } else {
                uint32_t       i      = (uint32_t)rng_below(&rng, count);
                unsigned char *object = live[i];
                unsigned char  mark   = (unsigned char)((uintptr_t)object / 16 % 255);
                for (size_t j = 0; j < sizes[s]; j++)
                    assert_int_equal(object[j], mark);
                slab_put(&slab, object);
                live[i] = live[--count];
            }
            assert_int_equal(slab.live, count);
        }
        while (count > 0)
            slab_put(&slab, live[--count]);
        assert_int_equal(slab.refused, 0);
        slab_fini(&slab);
    }
}

static void at_the_bound_it_refuses_counts_and_recovers(void **state)
{
    (void)state;
    enum { MAX = 10 };
    struct slab slab;
    slab_init(&slab, 32, MAX);
    void *objects[MAX];
    for (int i = 0; i < MAX; i++)
        objects[i] = slab_get(&slab);
    for (int i = 0; i < MAX; i++)
        assert_non_null(objects[i]);
    assert_null(slab_get(&slab));
    assert_null(slab_get(&slab));
    assert_int_equal(slab.refused, 2);
    assert_int_equal(slab.live, MAX);

    slab_put(&slab, objects[4]);
    objects[4] = slab_get(&slab);
    assert_non_null(objects[4]);
    assert_int_equal(slab.refused, 2);
    for (int i = 0; i < MAX; i++)
        slab_put(&slab, objects[i]);
    slab_fini(&slab);
}

/* What was put back last is warm in the cache, so it goes out first. */
static void freed_objects_are_used_again_before_new_memory(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab, 64, 1000000);
    void *objects[2000];
    for (size_t i = 0; i < LL_COUNT(objects); i++) {
        objects[i] = slab_get(&slab);
        slab_put(&slab, objects[i]);
        assert_ptr_equal(slab_get(&slab), objects[i]);
    }
    for (size_t i = 0; i < LL_COUNT(objects); i++)
        slab_put(&slab, objects[i]);
    for (size_t i = LL_COUNT(objects); i > 0; i--)
        assert_ptr_equal(slab_get(&slab), objects[i - 1]);
    for (size_t i = 0; i < LL_COUNT(objects); i++)
        slab_put(&slab, objects[i]);
    slab_fini(&slab);
}

static void fini_with_a_live_object(void)
{
    struct slab slab;
    slab_init(&slab, 16, 4);
    if (slab_get(&slab) != NULL)
        slab_fini(&slab);
}

static void put_nothing(void)
{
    struct slab slab;
    slab_init(&slab, 16, 4);
    slab_put(&slab, NULL);
}

static void put_once_too_often(void)
{
    struct slab slab;
    slab_init(&slab, 16, 4);
    void *object = slab_get(&slab);
    slab_put(&slab, object);
    slab_put(&slab, object);
}

static void misuse_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(fini_with_a_live_object));
    assert_true(unit_asserts(put_nothing));
    assert_true(unit_asserts(put_once_too_often));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_objects_never_overlap),
        cmocka_unit_test(at_the_bound_it_refuses_counts_and_recovers),
        cmocka_unit_test(freed_objects_are_used_again_before_new_memory),
        cmocka_unit_test(misuse_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
