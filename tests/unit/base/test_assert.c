/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/assert.h"

static int evaluated;

static void break_a_promise(void)
{
    LL_ASSERT(1 + 1 == 3);
}

static void a_condition_that_holds_goes_on_and_is_evaluated_once(void **state)
{
    (void)state;
    LL_ASSERT(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

static void a_broken_one_aborts_and_names_place_and_condition(void **state)
{
    (void)state;
    char said[512];
    int  status = unit_run_apart(break_a_promise, said, sizeof said);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "test_assert.c:"));
    assert_non_null(strstr(said, "break_a_promise: assertion failed: 1 + 1 == 3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_that_holds_goes_on_and_is_evaluated_once),
        cmocka_unit_test(a_broken_one_aborts_and_names_place_and_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
