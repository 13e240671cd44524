/* SPDX-License-Identifier: Apache-2.0 */
#include "balance/fixed_math.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void the_logarithm_is_near_the_true_one(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 200000; i++) {
        uint64_t word = rng_mix(i) >> (i % 60);
        if (word == 0)
            continue;
        double mine = (double)fixed_log2_below(word) / 0x1p32;
        double real = 64 - (double)log2l((long double)word);
        assert_true(fabs(mine - real) < 1e-6 + 1e-4 * real);
    }
    assert_true(fixed_log2_below(UINT64_MAX) > 0);
    assert_true(fixed_log2_below(UINT64_C(1) << 63) == FIXED_ONE);
}

static void it_falls_with_its_argument(void **state)
{
    (void)state;
    uint64_t last = UINT64_MAX;
    for (uint64_t word = 1; word < UINT64_MAX / 2; word += word / 1000 + 1) {
        uint64_t log = fixed_log2_below(word);
        assert_true(log <= last);
        last = log;
    }
}

static void the_decay_is_near_the_true_one(void **state)
{
    (void)state;
    const uint64_t decay = UINT64_C(10000000000);
    uint64_t       last  = UINT64_MAX;
    for (uint64_t age = 0; age < 25 * decay; age += decay / 997) {
        uint64_t mine = fixed_decay(age, decay);
        double   real = exp(-(double)age / (double)decay);
        assert_true(fabs((double)mine / 0x1p32 - real) < 1e-6);
        assert_true(mine <= last);
        last = mine;
    }
    assert_true(fixed_decay(0, decay) == FIXED_ONE);
    assert_true(fixed_decay(UINT64_MAX, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_logarithm_is_near_the_true_one),
        cmocka_unit_test(it_falls_with_its_argument),
        cmocka_unit_test(the_decay_is_near_the_true_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
