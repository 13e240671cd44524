/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/map.h"
#include "base/rng.h"

#include <stdio.h>

enum { KEYS = 300 };

struct world {
    char  text[KEYS][16];
    void *value[KEYS]; /* the model: what the map must hold, NULL for nothing */
};

static struct slice key_of(const struct world *world, size_t i)
{
    return slice_of(world->text[i]);
}

static void expect_same(const struct map *map, const struct world *world)
{
    uint32_t count = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(map, key_of(world, i)), world->value[i]);
        count += world->value[i] != NULL;
    }
    assert_int_equal(map->count, count);

    bool     seen[KEYS] = {false};
    uint32_t position = 0, walked = 0;
    for (const struct map_entry *entry; (entry = map_next(map, &position)) != NULL; walked++) {
        size_t i = (size_t)(entry->key.data - world->text[0]) / sizeof world->text[0];
        assert_true(i < KEYS && !seen[i]);
        assert_ptr_equal(entry->value, world->value[i]);
        seen[i] = true;
    }
    assert_int_equal(walked, count);
}

/* Deletion closes the gap in a run of entries; a wrong step hides a key that is still inside, which
 * only a comparison of all keys after each removal shows. */
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    static struct world world;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng rng;
        rng_seed(&rng, 4, seed);
        memset(&world, 0, sizeof world);
        for (size_t i = 0; i < KEYS; i++)
            snprintf(world.text[i], sizeof world.text[i], "key-%zu", i);
        struct map map;
        map_init(&map, seed * 77);
        /* The aimed fill swings, so that the map is both nearly full and nearly empty. */
        for (uint32_t step = 0; step < 4000; step++) {
            uint64_t aim = step / 500 % 2 == 0 ? 80 : 20;
            size_t   i   = (size_t)rng_below(&rng, KEYS);
            void    *own = &world.value[rng_below(&rng, KEYS)];
            if (rng_below(&rng, 100) < aim) {
                assert_int_equal(map_add(&map, key_of(&world, i), own), world.value[i] == NULL);
                if (world.value[i] == NULL)
                    world.value[i] = own;
            } else {
                assert_ptr_equal(map_remove(&map, key_of(&world, i)), world.value[i]);
                world.value[i] = NULL;
            }
            if (step % 16 == 0)
                expect_same(&map, &world);
        }
        for (size_t i = 0; i < KEYS; i++) {
            assert_ptr_equal(map_remove(&map, key_of(&world, i)), world.value[i]);
            world.value[i] = NULL;
            expect_same(&map, &world);
        }
        map_fini(&map);
    }
}

/* Every order of removal from one run that wraps around the end of the array. The keys are made so
 * that all live in the last two places or the first two. */
static void removal_from_a_run_that_wraps_hides_no_key(void **state)
{
    (void)state;
    enum { RUN = 6, CAPACITY = 16, ORDERS = 720 };
    char     keys[RUN][16];
    uint32_t found = 0;
    for (uint32_t n = 0; found < RUN; n++) {
        snprintf(keys[found], sizeof keys[found], "k%u", n);
        uint32_t home = (uint32_t)hash_bytes(keys[found], strlen(keys[found]), 9) % CAPACITY;
        if (home >= CAPACITY - 2 || home <= 1)
            found++;
    }
    for (uint32_t order = 0; order < ORDERS; order++) {
        struct map map;
        map_init(&map, 9);
        for (uint32_t i = 0; i < RUN; i++)
            assert_true(map_add(&map, slice_of(keys[i]), keys[i]));
        assert_int_equal(map.capacity, CAPACITY);
        bool     gone[RUN] = {false};
        uint32_t code      = order;
        for (uint32_t left = RUN; left > 0; code /= left, left--) {
            uint32_t pick = code % left, i = 0;
            for (;; i++)
                if (!gone[i] && pick-- == 0)
                    break;
            assert_ptr_equal(map_remove(&map, slice_of(keys[i])), keys[i]);
            gone[i] = true;
            for (uint32_t k = 0; k < RUN; k++)
                assert_ptr_equal(map_get(&map, slice_of(keys[k])), gone[k] ? NULL : keys[k]);
        }
        map_fini(&map);
    }
}

static void an_empty_map_holds_nothing(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, 0);
    uint32_t position = 0;
    assert_null(map_get(&map, SLICE("a")));
    assert_null(map_remove(&map, SLICE("a")));
    assert_null(map_next(&map, &position));
    map_fini(&map);
}

static void a_key_that_is_there_is_not_replaced(void **state)
{
    (void)state;
    int        one = 1, two = 2;
    struct map map;
    map_init(&map, 1);
    assert_true(map_add(&map, SLICE("id"), &one));
    assert_false(map_add(&map, SLICE("id"), &two));
    assert_ptr_equal(map_get(&map, SLICE("id")), &one);
    assert_int_equal(map.count, 1);
    map_fini(&map);
}

static void keys_are_bytes_of_any_length(void **state)
{
    (void)state;
    int          values[4];
    struct slice keys[] = {slice_of(NULL), SLICE("a"), SLICE("a\0"), SLICE("a\0b")};
    struct map   map;
    map_init(&map, 1);
    for (size_t i = 0; i < LL_COUNT(keys); i++)
        assert_true(map_add(&map, keys[i], &values[i]));
    for (size_t i = 0; i < LL_COUNT(keys); i++)
        assert_ptr_equal(map_get(&map, keys[i]), &values[i]);
    map_fini(&map);
}

/* The published value of XXH3 for no bytes and seed 0. */
static void the_hash_is_xxh3(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("", 0, 0), UINT64_C(0x2d06800538d394c2));
    assert_int_not_equal(hash_bytes("a", 1, 0), hash_bytes("a", 1, 1));
}

static void add_null(void)
{
    struct map map;
    map_init(&map, 0);
    if (map_add(&map, SLICE("a"), NULL))
        _exit(0);
}

static void a_value_of_null_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(add_null));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(removal_from_a_run_that_wraps_hides_no_key),
        cmocka_unit_test(an_empty_map_holds_nothing),
        cmocka_unit_test(a_key_that_is_there_is_not_replaced),
        cmocka_unit_test(keys_are_bytes_of_any_length),
        cmocka_unit_test(the_hash_is_xxh3),
        cmocka_unit_test(a_value_of_null_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
