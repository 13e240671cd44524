/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration as a tree of texts, lists and maps, each knowing where it was written.
 *
 * Not here:  what the texts mean (read) and how YAML spells them (yaml).
 * Memory:    in the scratch arena of the loading. An alias shares the node that it stands for, so
 * that nodes never change once they are built.
 */
#ifndef LL_CONFIG_NODE_H
#define LL_CONFIG_NODE_H

#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum node_kind {
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind     kind;
    struct error_place place;
    struct slice       text;   /* also terminated */
    bool               plain;  /* a text without quotes: only then off, true and null are words */
    bool               open;   /* its end has not been seen yet */
    bool               broken; /* an error about it has been reported: say no more */
    uint32_t           weight; /* nodes that a walk visits, itself included */
    struct node_item  *first;
    struct node_item  *last;
    uint32_t           count;
};

struct node_item {
    const struct node *key; /* a text; NULL in lists */
    const struct node *value;
    struct node_item  *next;
};

void node_append(struct node *node, struct node_item *item);

/* The first value of that key, or NULL. */
const struct node *node_find(const struct node *map, struct slice key);

bool node_is_null(const struct node *node); /* written as null, ~ or not at all */
bool node_is_off(const struct node *node);  /* off or false */

/* "text", "list" or "map" with the article, for messages. */
const char *node_kind_name(const struct node *node);

#endif
