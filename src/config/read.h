/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a struct config from nodes, row by row of the schema.
 *
 * Reports everything that one key alone gets wrong: unknown and missing keys, kinds, units, ranges.
 * Not here:  what takes a look at two keys (validate).
 */
#ifndef LL_CONFIG_READ_H
#define LL_CONFIG_READ_H

#include "base/map.h"
#include "config/config.h"
#include "config/loading.h"
#include "config/node.h"
#include "config/schema.h"

/* A name that stands for a pool, to be looked up when all are known. */
struct read_reference {
    uint32_t              *field;
    const struct node     *node;
    struct read_reference *next;
};

/* What validation knows beyond the configuration. */
struct reading {
    struct loading        *loading;
    struct map             fields;     /* the nodes of fields, by the field's address in memory */
    struct read_reference *references; /* the latest first */
};

void reading_init(struct reading *reading, struct loading *loading);
void reading_fini(struct reading *reading);

/* Every field of config is set afterwards, to its default where it is missing or wrong. */
void read_config(struct reading *reading, const struct node *root, struct config *config);

/* False, and reported, where the key is among those of its map already seen. */
bool read_is_first(struct loading *loading, struct map *seen, const struct node_item *item);

/* Notes what a field's value was read from. */
void read_note(struct reading *reading, const void *field, const struct node *node);

/* That node; NULL where the field has its default. */
const struct node *read_node(const struct reading *reading, const void *field);

#endif
