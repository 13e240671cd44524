/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, size, seed);
}

void map_init(struct map *map, uint64_t seed)
{
    *map = (struct map){.seed = seed};
}

void map_fini(struct map *map)
{
    free(map->entries);
    map_init(map, map->seed);
}

/* The place that holds the key, or the empty one where it would go. */
static uint32_t map_find(const struct map *map, struct slice key, uint64_t hash)
{
    uint32_t mask  = map->capacity - 1;
    uint32_t place = (uint32_t)hash & mask;
    while (map->entries[place].value != NULL) {
        const struct map_entry *entry = &map->entries[place];
        if (entry->hash == hash && slice_equal(entry->key, key))
            break;
        place = (place + 1) & mask;
    }
    return place;
}

static void map_grow(struct map *map)
{
    struct map_entry *old          = map->entries;
    uint32_t          old_capacity = map->capacity;
    LL_ASSERT(old_capacity <= UINT32_MAX / 4);

    map->capacity = LL_MAX(old_capacity * 2, 16u);
    map->entries  = alloc_zero(map->capacity, sizeof *map->entries);
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].value != NULL)
            map->entries[map_find(map, old[i].key, old[i].hash)] = old[i];
    free(old);
}

void *map_get(const struct map *map, struct slice key)
{
    if (map->count == 0)
        return NULL;
    uint64_t hash = hash_bytes(key.data, key.size, map->seed);
    return map->entries[map_find(map, key, hash)].value;
}

bool map_add(struct map *map, struct slice key, void *value)
{
    LL_ASSERT(value != NULL);
    /* At most three quarters full: short probes, and an empty place always ends them. */
    if (map->capacity == 0 || map->count + 1 > map->capacity / 4 * 3)
        map_grow(map);
    uint64_t hash  = hash_bytes(key.data, key.size, map->seed);
    uint32_t place = map_find(map, key, hash);
    if (map->entries[place].value != NULL)
        return false;
    map->entries[place] = (struct map_entry){.key = key, .hash = hash, .value = value};
    map->count++;
    return true;
}

void *map_remove(struct map *map, struct slice key)
{
    if (map->count == 0)
        return NULL;
    uint32_t mask  = map->capacity - 1;
    uint32_t place = map_find(map, key, hash_bytes(key.data, key.size, map->seed));
    void    *value = map->entries[place].value;
    if (value == NULL)
        return NULL;

    /* Close the gap: every later entry of the run that may live here moves back. */
    uint32_t gap = place;
    for (uint32_t i = (gap + 1) & mask; map->entries[i].value != NULL; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)map->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            map->entries[gap] = map->entries[i];
            gap               = i;
        }
    }
    map->entries[gap] = (struct map_entry){0};
    map->count--;
    return value;
}

const struct map_entry *map_next(const struct map *map, uint32_t *position)
{
    while (*position < map->capacity) {
        const struct map_entry *entry = &map->entries[(*position)++];
        if (entry->value != NULL)
            return entry;
    }
    return NULL;
}
