/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/heap.h"
#include "base/rng.h"

struct item {
    struct heap_entry entry;
    uint64_t          arrival; /* the model's own order among equal keys */
    bool              inside;
};

static struct item *item_of(struct heap_entry *entry)
{
    return LL_CONTAINER_OF(entry, struct item, entry);
}

/* What the heap must hand out next, found by looking at all of them. */
static struct item *model_first(struct item *items, size_t count)
{
    struct item *first = NULL;
    for (size_t i = 0; i < count; i++) {
        struct item *item = &items[i];
        if (!item->inside)
            continue;
        if (first == NULL || item->entry.key < first->entry.key ||
            (item->entry.key == first->entry.key && item->arrival < first->arrival))
            first = item;
    }
    return first;
}

static void agrees_with_a_plain_search(void **state)
{
    (void)state;
    enum { ITEMS = 120, STEPS = 20000 };
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct item items[ITEMS] = {0};
        struct rng  rng;
        rng_seed(&rng, 3, seed);
        struct heap heap;
        heap_init(&heap);
        uint64_t arrivals = 0;
        uint32_t inside   = 0;
        for (uint32_t step = 0; step < STEPS; step++) {
            struct item *item = &items[rng_below(&rng, ITEMS)];
            uint64_t     key  = rng_below(&rng, 40); /* few keys, so many ties */
            if (!item->inside) {
                heap_push(&heap, &item->entry, key);
                item->arrival = arrivals++;
                item->inside  = true;
                inside++;
            } else if (rng_below(&rng, 3) == 0) {
                heap_remove(&heap, &item->entry);
                item->inside = false;
                inside--;
            } else if (rng_below(&rng, 2) == 0) {
                heap_update(&heap, &item->entry, key);
                item->arrival = arrivals++;
            } else {
                struct item *first = model_first(items, ITEMS);
                assert_ptr_equal(item_of(heap_peek(&heap)), first);
                assert_ptr_equal(item_of(heap_pop(&heap)), first);
                first->inside = false;
                inside--;
            }
            assert_int_equal(heap.count, inside);
            assert_int_equal(heap_holds(&item->entry), item->inside);
        }
        for (; inside > 0; inside--) {
            struct item *first = model_first(items, ITEMS);
            assert_ptr_equal(item_of(heap_pop(&heap)), first);
            first->inside = false;
        }
        assert_null(heap_pop(&heap));
        heap_fini(&heap);
    }
}

static void equal_keys_leave_in_the_order_of_arrival(void **state)
{
    (void)state;
    enum { ITEMS = 1000 };
    static struct item items[ITEMS];
    struct heap        heap;
    heap_init(&heap);
    for (size_t i = 0; i < ITEMS; i++)
        heap_push(&heap, &items[i].entry, 7);
    heap_update(&heap, &items[0].entry, 7); /* now the last of them */
    for (size_t i = 1; i < ITEMS; i++)
        assert_ptr_equal(heap_pop(&heap), &items[i].entry);
    assert_ptr_equal(heap_pop(&heap), &items[0].entry);
    heap_fini(&heap);
}

static void an_empty_heap_has_no_first(void **state)
{
    (void)state;
    struct heap heap;
    heap_init(&heap);
    assert_null(heap_peek(&heap));
    assert_null(heap_pop(&heap));
    heap_fini(&heap);
}

static void pushes_within_the_reserve_do_not_allocate(void **state)
{
    (void)state;
    enum { ITEMS = 500 };
    static struct item items[ITEMS];
    struct heap        heap;
    heap_init(&heap);
    heap_reserve(&heap, ITEMS);
    struct heap_entry **array = heap.entries;
    for (size_t i = 0; i < ITEMS; i++)
        heap_push(&heap, &items[i].entry, ITEMS - i);
    assert_ptr_equal(heap.entries, array);
    heap_reserve(&heap, 3); /* never shrinks */
    assert_int_equal(heap.capacity, ITEMS);
    heap_fini(&heap);
}

static void extreme_keys_are_ordered_too(void **state)
{
    (void)state;
    struct item items[3] = {0};
    struct heap heap;
    heap_init(&heap);
    heap_push(&heap, &items[0].entry, UINT64_MAX);
    heap_push(&heap, &items[1].entry, 0);
    heap_push(&heap, &items[2].entry, UINT64_MAX - 1);
    assert_ptr_equal(heap_pop(&heap), &items[1].entry);
    assert_ptr_equal(heap_pop(&heap), &items[2].entry);
    assert_ptr_equal(heap_pop(&heap), &items[0].entry);
    heap_fini(&heap);
}

static void fini_forgets_the_entries_inside(void **state)
{
    (void)state;
    struct item item = {0};
    struct heap heap;
    heap_init(&heap);
    heap_push(&heap, &item.entry, 1);
    heap_fini(&heap);
    assert_false(heap_holds(&item.entry));
    heap_push(&heap, &item.entry, 2); /* and both are as good as new */
    assert_ptr_equal(heap_peek(&heap), &item.entry);
    heap_fini(&heap);
}

static void push_twice(void)
{
    struct item item = {0};
    struct heap heap;
    heap_init(&heap);
    heap_push(&heap, &item.entry, 1);
    heap_push(&heap, &item.entry, 1);
}

static void remove_what_is_outside(void)
{
    struct item item = {0};
    struct heap heap;
    heap_init(&heap);
    heap_remove(&heap, &item.entry);
}

static void remove_from_another_heap(void)
{
    struct item items[2] = {0};
    struct heap heaps[2];
    for (int i = 0; i < 2; i++) {
        heap_init(&heaps[i]);
        heap_push(&heaps[i], &items[i].entry, 1);
    }
    heap_remove(&heaps[0], &items[1].entry);
}

static void misuse_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(push_twice));
    assert_true(unit_asserts(remove_what_is_outside));
    assert_true(unit_asserts(remove_from_another_heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_search),
        cmocka_unit_test(equal_keys_leave_in_the_order_of_arrival),
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(pushes_within_the_reserve_do_not_allocate),
        cmocka_unit_test(extreme_keys_are_ordered_too),
        cmocka_unit_test(fini_forgets_the_entries_inside),
        cmocka_unit_test(misuse_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
