/* SPDX-License-Identifier: Apache-2.0
 *
 * An intrusive doubly linked list: the link lives in the object, so nothing is allocated and
 * removal needs no search.
 *
 * A link that is in no list is zeroed; putting one into two lists is a bug that asserts.
 */
#ifndef LL_BASE_LIST_H
#define LL_BASE_LIST_H

#include "base/assert.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *next;
    struct list_link *prev;
};

struct list {
    struct list_link head; /* head.next is the first, head.prev the last */
};

#define LIST_ITEM(link, type, member) LL_CONTAINER_OF(link, type, member)

/* The loop body may remove the link that it is at, and no other. */
#define LIST_FOR_EACH(link, list)                                                                  \
    for (struct list_link *link = (list)->head.next, *link##_next = link->next;                    \
         link != &(list)->head; link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list)
{
    list->head.next = &list->head;
    list->head.prev = &list->head;
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}

static inline void list_insert(struct list_link *prev, struct list_link *next,
                               struct list_link *link)
{
    LL_ASSERT(!list_linked(link));
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

static inline void list_append(struct list *list, struct list_link *link)
{
    list_insert(list->head.prev, &list->head, link);
}

static inline void list_prepend(struct list *list, struct list_link *link)
{
    list_insert(&list->head, list->head.next, link);
}

static inline void list_remove(struct list_link *link)
{
    LL_ASSERT(list_linked(link));
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next       = NULL;
    link->prev       = NULL;
}

/* NULL where the list is empty. */
static inline struct list_link *list_first(const struct list *list)
{
    return list_empty(list) ? NULL : list->head.next;
}

/* Takes the first off; NULL where the list is empty. */
static inline struct list_link *list_take(struct list *list)
{
    struct list_link *link = list_first(list);
    if (link != NULL)
        list_remove(link);
    return link;
}

/* Appends all of from to list and leaves from empty. */
static inline void list_splice(struct list *list, struct list *from)
{
    if (list_empty(from))
        return;
    from->head.next->prev = list->head.prev;
    list->head.prev->next = from->head.next;
    from->head.prev->next = &list->head;
    list->head.prev       = from->head.prev;
    list_init(from);
}

#endif
