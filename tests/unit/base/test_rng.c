/* SPDX-License-Identifier: Apache-2.0
 *
 * The expected numbers were computed by a separate program from the authors' description of
 * xoshiro256++ and splitmix64, in arithmetic of unbounded integers.
 */
#include "support/unit.h"

#include "base/rng.h"

static void the_generator_is_xoshiro256_plus_plus(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(41943041),
        UINT64_C(58720359),
        UINT64_C(3588806011781223),
        UINT64_C(3591011842654386),
        UINT64_C(9228616714210784205),
        UINT64_C(9973669472204895162),
        UINT64_C(14011001112246962877),
        UINT64_C(12406186145184390807),
        UINT64_C(15849039046786891736),
        UINT64_C(10450023813501588000),
    };
    struct rng rng = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(rng_next(&rng), expected[i]);
}

static void the_mixer_is_that_of_splitmix64(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    uint64_t counter = 1234567;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        counter += UINT64_C(0x9e3779b97f4a7c15);
        assert_int_equal(rng_mix(counter), expected[i]);
    }
}

/* Simulations are compared across versions, so the numbers of a seed never change. */
static void a_seed_and_stream_give_these_numbers_for_ever(void **state)
{
    (void)state;
    static const uint64_t expected[2][4] = {
        {UINT64_C(0x5b5e4a1bffcbb2f3), UINT64_C(0xdad6b47570f6111d), UINT64_C(0xaa41d8357b710b2f),
         UINT64_C(0xf02f3789cdc59c40)},
        {UINT64_C(0x4d508bae6104bff7), UINT64_C(0x534b2b63a88304f1), UINT64_C(0x3ac1b4daf5b49882),
         UINT64_C(0x34ba4dc49afa3b91)},
    };
    for (uint64_t stream = 0; stream < 2; stream++) {
        struct rng rng;
        rng_seed(&rng, 42, stream);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(rng_next(&rng), expected[stream][i]);
    }
}

static void streams_of_one_seed_do_not_meet(void **state)
{
    (void)state;
    enum { STREAMS = 50, DRAWS = 200 };
    static uint64_t seen[STREAMS * DRAWS];
    size_t          count = 0;
    for (uint64_t stream = 0; stream < STREAMS; stream++) {
        struct rng rng;
        rng_seed(&rng, 7, stream);
        for (int i = 0; i < DRAWS; i++)
            seen[count++] = rng_next(&rng);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (seen[i] == seen[j])
                fail_msg("draws %zu and %zu are equal", i, j);
}

static void scaling_covers_exactly_the_range(void **state)
{
    (void)state;
    for (uint64_t bound = 1; bound < 1000; bound++) {
        assert_int_equal(rng_scale(0, bound), 0);
        assert_int_equal(rng_scale(UINT64_MAX, bound), bound - 1);
    }
    assert_int_equal(rng_scale(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
    assert_int_equal(rng_scale(UINT64_C(1) << 63, 10), 5);
}

/* Chi squared over 16 cells with 15 degrees of freedom: 44.3 is passed once in 10,000 seeds, and
 * the seeds are fixed. */
static void draws_below_a_bound_are_uniform(void **state)
{
    (void)state;
    enum { CELLS = 16, DRAWS = 160000 };
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct rng rng;
        rng_seed(&rng, seed, 0);
        uint32_t cells[CELLS] = {0};
        for (int i = 0; i < DRAWS; i++)
            cells[rng_below(&rng, CELLS)]++;
        double chi = 0;
        for (int i = 0; i < CELLS; i++) {
            double off = (double)cells[i] - (double)DRAWS / CELLS;
            chi += off * off / ((double)DRAWS / CELLS);
        }
        assert_true(chi < 44.3);
    }
}

static void unit_draws_stay_below_one_and_average_a_half(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    struct rng rng;
    rng_seed(&rng, 5, 0);
    double sum = 0, least = 1, most = 0;
    for (int i = 0; i < DRAWS; i++) {
        double draw = rng_unit(&rng);
        assert_true(draw >= 0.0 && draw < 1.0);
        sum += draw;
        least = draw < least ? draw : least;
        most  = draw > most ? draw : most;
    }
    /* Five standard errors of the mean. */
    assert_true(sum / DRAWS > 0.4954 && sum / DRAWS < 0.5046);
    assert_true(least < 0.001 && most > 0.999);

    struct rng top = {.state = {UINT64_MAX, 0, 0, 0}};
    assert_true(rng_unit(&top) < 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256_plus_plus),
        cmocka_unit_test(the_mixer_is_that_of_splitmix64),
        cmocka_unit_test(a_seed_and_stream_give_these_numbers_for_ever),
        cmocka_unit_test(streams_of_one_seed_do_not_meet),
        cmocka_unit_test(scaling_covers_exactly_the_range),
        cmocka_unit_test(draws_below_a_bound_are_uniform),
        cmocka_unit_test(unit_draws_stay_below_one_and_average_a_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
