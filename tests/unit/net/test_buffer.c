/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "net/buffer.h"

static void there_is_always_a_spare(void **state)
{
    (void)state;
    struct buffer_pool pool;
    buffer_pool_init(&pool, 2);
    struct buffer *spare = pool.spare;
    assert_non_null(spare);
    assert_int_equal(buffer_used(spare), 0);
    assert_int_equal(pool.live, 1);

    assert_true(buffer_pool_may_keep(&pool));
    assert_ptr_equal(pool.spare, spare); /* asking takes nothing */
    assert_ptr_equal(buffer_pool_keep_spare(&pool), spare);
    assert_non_null(pool.spare);
    assert_ptr_not_equal(pool.spare, spare);
    buffer_pool_put(&pool, spare);
    buffer_pool_fini(&pool);
}

static void at_the_bound_none_may_be_kept(void **state)
{
    (void)state;
    enum { MAX = 5 };
    struct buffer_pool pool;
    struct buffer     *kept[MAX - 1];
    buffer_pool_init(&pool, MAX);
    for (uint32_t i = 0; i < MAX - 1; i++) {
        assert_true(buffer_pool_may_keep(&pool));
        kept[i] = buffer_pool_keep_spare(&pool);
    }
    assert_false(buffer_pool_may_keep(&pool));
    assert_non_null(pool.spare);
    assert_int_equal(pool.live, MAX);
    buffer_pool_put(&pool, kept[0]);
    assert_true(buffer_pool_may_keep(&pool));
    assert_int_equal(pool.live, MAX); /* it was there already */
    for (uint32_t i = 1; i < MAX - 1; i++)
        buffer_pool_put(&pool, kept[i]);
    buffer_pool_fini(&pool);
}

static void what_is_put_back_comes_out_empty(void **state)
{
    (void)state;
    struct buffer_pool pool;
    buffer_pool_init(&pool, 2);
    assert_true(buffer_pool_may_keep(&pool));
    struct buffer *buffer = buffer_pool_keep_spare(&pool);
    buffer->start         = 5;
    buffer->end           = 17;
    assert_int_equal(buffer_used(buffer), 12);
    buffer_pool_put(&pool, buffer);
    assert_true(buffer_pool_may_keep(&pool));
    struct buffer *other = buffer_pool_keep_spare(&pool);
    assert_ptr_equal(pool.spare, buffer);
    assert_int_equal(buffer_used(buffer), 0);
    assert_int_equal(buffer->start, 0);
    buffer_pool_put(&pool, other);
    buffer_pool_fini(&pool);
}

/* After a burst the memory goes back to the system, but for a few. */
static void a_burst_is_not_kept(void **state)
{
    (void)state;
    enum { BURST = 100 };
    struct buffer_pool pool;
    struct buffer     *kept[BURST];
    buffer_pool_init(&pool, BURST + 1);
    for (uint32_t i = 0; i < BURST; i++) {
        assert_true(buffer_pool_may_keep(&pool));
        kept[i] = buffer_pool_keep_spare(&pool);
        memset(kept[i]->bytes, 'x', sizeof kept[i]->bytes);
    }
    assert_int_equal(pool.live, BURST + 1);
    for (uint32_t i = 0; i < BURST; i++)
        buffer_pool_put(&pool, kept[i]);
    assert_int_equal(pool.live, pool.cached_count + 1);
    assert_true(pool.cached_count > 0 && pool.cached_count * BUFFER_SIZE <= 1024 * 1024);
    buffer_pool_fini(&pool);
}

static void leak_one(void)
{
    struct buffer_pool pool;
    buffer_pool_init(&pool, 2);
    if (buffer_pool_may_keep(&pool))
        (void)buffer_pool_keep_spare(&pool);
    buffer_pool_fini(&pool);
}

static void keep_without_asking(void)
{
    struct buffer_pool pool;
    buffer_pool_init(&pool, 1);
    (void)buffer_pool_keep_spare(&pool);
}

static void put_the_spare(void)
{
    struct buffer_pool pool;
    buffer_pool_init(&pool, 2);
    buffer_pool_put(&pool, pool.spare);
}

static void misuse_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(leak_one));
    assert_true(unit_asserts(keep_without_asking));
    assert_true(unit_asserts(put_the_spare));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_always_a_spare),
        cmocka_unit_test(at_the_bound_none_may_be_kept),
        cmocka_unit_test(what_is_put_back_comes_out_empty),
        cmocka_unit_test(a_burst_is_not_kept),
        cmocka_unit_test(misuse_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
