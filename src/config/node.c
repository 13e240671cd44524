/* SPDX-License-Identifier: Apache-2.0 */
#include "config/node.h"

#include <stddef.h>

void node_append(struct node *node, struct node_item *item)
{
    item->next = NULL;
    if (node->last != NULL)
        node->last->next = item;
    else
        node->first = item;
    node->last = item;
    node->count++;
}

const struct node *node_find(const struct node *map, struct slice key)
{
    for (const struct node_item *item = map->first; item != NULL; item = item->next)
        if (item->key != NULL && slice_equal(item->key->text, key))
            return item->value;
    return NULL;
}

bool node_is_null(const struct node *node)
{
    return node->kind == NODE_TEXT && node->plain &&
           (node->text.size == 0 || slice_equal(node->text, SLICE("~")) ||
            slice_equal_nocase(node->text, SLICE("null")));
}

bool node_is_off(const struct node *node)
{
    return node->kind == NODE_TEXT && (slice_equal_nocase(node->text, SLICE("off")) ||
                                       slice_equal_nocase(node->text, SLICE("false")));
}

const char *node_kind_name(const struct node *node)
{
    return node->kind == NODE_LIST ? "a list" : node->kind == NODE_MAP ? "a map" : "a text";
}
