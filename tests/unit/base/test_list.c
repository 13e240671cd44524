/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/list.h"

struct thing {
    int              number;
    struct list_link link;
};

static void expect(const struct list *list, const int *numbers, size_t count)
{
    size_t                  seen = 0;
    const struct list_link *prev = &list->head;
    LIST_FOR_EACH(link, list)
    {
        assert_true(seen < count);
        assert_int_equal(LIST_ITEM(link, struct thing, link)->number, numbers[seen]);
        assert_ptr_equal(link->prev, prev);
        prev = link;
        seen++;
    }
    assert_int_equal(seen, count);
    assert_ptr_equal(list->head.prev, prev);
    assert_int_equal(list_empty(list), count == 0);
}

#define EXPECT(list, ...)                                                                          \
    expect(list, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void links_keep_their_order(void **state)
{
    (void)state;
    struct thing things[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list  list;
    list_init(&list);
    expect(&list, NULL, 0);
    assert_null(list_first(&list));
    assert_null(list_take(&list));

    list_append(&list, &things[1].link);
    list_append(&list, &things[2].link);
    list_prepend(&list, &things[0].link);
    list_append(&list, &things[3].link);
    EXPECT(&list, 0, 1, 2, 3);
    assert_ptr_equal(list_first(&list), &things[0].link);

    list_remove(&things[2].link);
    EXPECT(&list, 0, 1, 3);
    assert_false(list_linked(&things[2].link));
    assert_true(list_linked(&things[3].link));

    assert_ptr_equal(list_take(&list), &things[0].link);
    assert_false(list_linked(&things[0].link));
    list_append(&list, &things[0].link);
    EXPECT(&list, 1, 3, 0);
}

static void the_link_at_hand_may_be_removed_while_walking(void **state)
{
    (void)state;
    struct thing things[6] = {0};
    struct list  list;
    list_init(&list);
    for (int i = 0; i < 6; i++) {
        things[i].number = i;
        list_append(&list, &things[i].link);
    }
    LIST_FOR_EACH(link, &list)
    if (LIST_ITEM(link, struct thing, link)->number % 2 == 0)
        list_remove(link);
    EXPECT(&list, 1, 3, 5);
    LIST_FOR_EACH(link, &list)
    list_remove(link);
    expect(&list, NULL, 0);
}

static void splicing_moves_all_to_the_end(void **state)
{
    (void)state;
    struct thing things[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct list  left, right;
    list_init(&left);
    list_init(&right);
    list_splice(&left, &right);
    expect(&left, NULL, 0);

    list_append(&right, &things[0].link);
    list_append(&right, &things[1].link);
    list_splice(&left, &right);
    EXPECT(&left, 0, 1);
    expect(&right, NULL, 0);

    list_splice(&left, &right);
    EXPECT(&left, 0, 1);

    list_append(&right, &things[2].link);
    list_append(&right, &things[3].link);
    list_splice(&left, &right);
    EXPECT(&left, 0, 1, 2, 3);
    list_append(&right, list_take(&left));
    EXPECT(&right, 0);
    EXPECT(&left, 1, 2, 3);
}

static void append_twice(void)
{
    struct thing thing = {0};
    struct list  list;
    list_init(&list);
    list_append(&list, &thing.link);
    list_append(&list, &thing.link);
}

static void remove_what_is_in_no_list(void)
{
    struct thing thing = {0};
    list_remove(&thing.link);
}

static void misuse_asserts(void **state)
{
    (void)state;
    assert_true(unit_asserts(append_twice));
    assert_true(unit_asserts(remove_what_is_in_no_list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_keep_their_order),
        cmocka_unit_test(the_link_at_hand_may_be_removed_while_walking),
        cmocka_unit_test(splicing_moves_all_to_the_end),
        cmocka_unit_test(misuse_asserts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
