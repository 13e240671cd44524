/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/alloc.h"

#include <stdlib.h>

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void memory_comes_zeroed(void **state)
{
    (void)state;
    for (size_t size = 1; size < 5000; size = size * 3 + 1) {
        unsigned char *memory = alloc_zero(3, size);
        assert_true(all_zero(memory, 3 * size));
        memset(memory, 0xff, 3 * size); /* so that the next one is zero by clearing, not by luck */
        free(memory);
    }
}

static void lines_are_aligned_whole_and_zeroed(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 2 * LL_CACHE_LINE + 1; size++) {
        unsigned char *memory = alloc_lines(1, size);
        size_t         whole  = (size + LL_CACHE_LINE - 1) / LL_CACHE_LINE * LL_CACHE_LINE;
        assert_int_equal((uintptr_t)memory % LL_CACHE_LINE, 0);
        assert_true(all_zero(memory, whole));
        memset(memory, 0xff, whole);
        free(memory);
    }
}

static void nothing_asked_for_is_still_something_to_free(void **state)
{
    (void)state;
    void *none[] = {alloc_zero(0, 8), alloc_zero(8, 0), alloc_resize(NULL, 0, 8),
                    alloc_lines(0, 8)};
    for (size_t i = 0; i < LL_COUNT(none); i++) {
        assert_non_null(none[i]);
        free(none[i]);
    }
}

static void resizing_keeps_what_was_there(void **state)
{
    (void)state;
    uint32_t *numbers = NULL;
    for (uint32_t count = 1; count < 3000; count++) {
        numbers            = alloc_resize(numbers, count, sizeof *numbers);
        numbers[count - 1] = count;
    }
    for (uint32_t i = 0; i < 2999; i++)
        assert_int_equal(numbers[i], i + 1);
    free(numbers);
}

static void a_string_is_copied(void **state)
{
    (void)state;
    char  text[] = "lime";
    char *copy   = alloc_string(text);
    text[0]      = 't';
    assert_string_equal(copy, "lime");
    free(copy);
}

/* Four of these wrap around to a few bytes; volatile, or the compiler sees it coming. */
static volatile size_t huge = SIZE_MAX / 4 + 3;

static void resize_overflowing(void)
{
    free(alloc_resize(NULL, huge, 4));
}

static void lines_overflowing(void)
{
    free(alloc_lines(huge, 4));
}

static void a_product_that_overflows_is_out_of_memory_not_a_small_block(void **state)
{
    (void)state;
    void (*calls[])(void) = {resize_overflowing, lines_overflowing};
    for (size_t i = 0; i < LL_COUNT(calls); i++) {
        char said[512];
        int  status = unit_run_apart(calls[i], said, sizeof said);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        assert_string_equal(said, "limeload: out of memory\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(lines_are_aligned_whole_and_zeroed),
        cmocka_unit_test(nothing_asked_for_is_still_something_to_free),
        cmocka_unit_test(resizing_keeps_what_was_there),
        cmocka_unit_test(a_string_is_copied),
        cmocka_unit_test(a_product_that_overflows_is_out_of_memory_not_a_small_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
