/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from byte strings to pointers: servers by id, pools by name.
 *
 * Open addressing with linear probing and backward-shift deletion, so that lookups never slow down
 * with age. Hashing is XXH3 with a seed per map, so that hostile keys cannot aim at one chain.
 * Memory:    keys and values belong to the caller and must outlive their entry.
 * Threading: one thread.
 */
#ifndef LL_BASE_MAP_H
#define LL_BASE_MAP_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct map_entry {
    struct slice key;
    uint64_t     hash;
    void        *value; /* NULL marks an empty place */
};

struct map {
    struct map_entry *entries;
    uint32_t          capacity; /* a power of two, or 0 before the first entry */
    uint32_t          count;
    uint64_t          seed;
};

void map_init(struct map *map, uint64_t seed);
void map_fini(struct map *map);

/* NULL where there is no such key. */
void *map_get(const struct map *map, struct slice key);

/* False, and nothing changed, where the key is there already. value is not NULL. */
LL_MUST_CHECK bool map_add(struct map *map, struct slice key, void *value);

/* Returns what was there, or NULL. */
void *map_remove(struct map *map, struct slice key);

/* Walks all entries in no particular order: start with 0, until NULL. The map must not change. */
const struct map_entry *map_next(const struct map *map, uint32_t *position);

/* XXH3 of some bytes under a seed: the one hash function of the tree. */
uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);

#endif
