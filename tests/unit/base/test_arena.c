/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/arena.h"
#include "base/rng.h"

/* Sizes from nothing to several blocks, each filled with its own byte: an overlap shows. */
static void allocations_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static unsigned char *memory[COUNT];
    static size_t         sizes[COUNT];
    struct rng            rng;
    rng_seed(&rng, 1, 0);
    struct arena arena;
    arena_init(&arena);

    size_t asked = 0;
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i]  = (size_t)rng_below(&rng, i % 100 == 0 ? 50000 : 200);
        memory[i] = arena_alloc(&arena, 1, sizes[i]);
        assert_non_null(memory[i]);
        assert_int_equal((uintptr_t)memory[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(memory[i][j], 0);
        if (sizes[i] > 0)
            memset(memory[i], (int)(i % 251) + 1, sizes[i]);
        asked += sizes[i];
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(memory[i][j], i % 251 + 1);
    assert_in_range(arena.used, asked, asked + COUNT * _Alignof(max_align_t));
    arena_fini(&arena);
}

static void after_fini_it_is_empty_and_usable(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    (void)arena_alloc(&arena, 100, 100);
    arena_fini(&arena);
    assert_null(arena.block);
    assert_int_equal(arena.used, 0);
    assert_string_equal(arena_string(&arena, SLICE("again")), "again");
    arena_fini(&arena);
    arena_fini(&arena); /* nothing to give back is fine */
}

static void strings_are_terminated_copies(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char  text[] = "limeload";
    char *copy   = arena_string(&arena, (struct slice){.data = text, .size = 4});
    memset(text, 'x', sizeof text);
    assert_string_equal(copy, "lime");
    assert_string_equal(arena_string(&arena, slice_of(NULL)), "");
    arena_fini(&arena);
}

static void printf_writes_texts_of_any_length(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(arena_printf(&arena, "%s:%d", "a.yaml", 7), "a.yaml:7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    char *wide = arena_printf(&arena, "%*d", 40000, 1);
    assert_int_equal(strlen(wide), 40000);
    assert_int_equal(wide[39999], '1');
    arena_fini(&arena);
}

static volatile size_t huge = SIZE_MAX / 2;

static void allocate_too_much(void)
{
    struct arena arena;
    arena_init(&arena);
    (void)arena_alloc(&arena, huge, 4);
}

static void a_size_that_overflows_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(allocate_too_much));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
        cmocka_unit_test(after_fini_it_is_empty_and_usable),
        cmocka_unit_test(strings_are_terminated_copies),
        cmocka_unit_test(printf_writes_texts_of_any_length),
        cmocka_unit_test(a_size_that_overflows_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
