/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read.h"

#include "base/assert.h"
#include "config/read_balance.h"
#include "config/read_value.h"

#include <stdlib.h>
#include <string.h>

struct read_field {
    const void        *field;
    const struct node *node;
};

/* A section of the file while it is being read. */
struct read_section {
    struct reading     *reading;
    enum schema_section section;
    struct error_place  place;
    void               *object; /* the section's struct */
};

void reading_init(struct reading *reading, struct loading *loading)
{
    *reading = (struct reading){.loading = loading};
    map_init(&reading->fields, 0);
}

void reading_fini(struct reading *reading)
{
    map_fini(&reading->fields);
}

void read_note(struct reading *reading, const void *field, const struct node *node)
{
    struct read_field *note = arena_alloc(reading->loading->scratch, 1, sizeof *note);
    *note                   = (struct read_field){.field = field, .node = node};
    struct slice key        = {.data = (const char *)&note->field, .size = sizeof note->field};
    if (!map_add(&reading->fields, key, note))
        LL_NEVER("a key that comes twice is refused");
}

const struct node *read_node(const struct reading *reading, const void *field)
{
    struct slice             key  = {.data = (const char *)&field, .size = sizeof field};
    const struct read_field *note = map_get(&reading->fields, key);
    return note != NULL ? note->node : NULL;
}

static void *read_field_of(const struct read_section *section, size_t offset)
{
    return (char *)section->object + offset;
}

static void read_rows(const struct read_section *section, const struct node *node);

/* The part of a full key that comes after a prefix such as "log." and before the next dot; empty
 * where the key is not in that group. */
static struct slice read_key_part(const char *key, const char *prefix)
{
    struct slice rest = slice_of(key);
    if (!slice_starts_with(rest, slice_of(prefix)))
        return SLICE("");
    rest = slice_sub(rest, strlen(prefix), rest.size);
    return slice_sub(rest, 0, slice_find(rest, '.'));
}

/* Where else a key would be right: "it belongs into a pool". */
static const char *read_remedy_elsewhere(const struct read_section *section, struct slice full)
{
    for (enum schema_section i = 0; i < SCHEMA_SECTIONS; i++)
        if (i != section->section && (schema_find(i, full) != NULL || schema_is_group(i, full) ||
                                      schema_find_later(i, full) != NULL))
            return arena_printf(section->reading->loading->scratch, "it belongs into %s",
                                schema_section_name(i));
    return NULL;
}

static const char *read_remedy_unknown(const struct read_section *section, const char *prefix,
                                       const struct node *key)
{
    struct arena *scratch = section->reading->loading->scratch;
    const char  **known   = arena_alloc(scratch, schema_row_count, sizeof *known);
    size_t        count   = 0;
    const char   *list    = "";
    for (size_t i = 0; i < schema_row_count; i++) {
        struct slice part = schema_rows[i].section == section->section
                                ? read_key_part(schema_rows[i].key, prefix)
                                : SLICE("");
        bool         seen = part.size == 0;
        for (size_t j = 0; j < count; j++)
            seen = seen || slice_equal(slice_of(known[j]), part);
        if (seen)
            continue;
        known[count++] = arena_string(scratch, part);
        list =
            arena_printf(scratch, "%s%s%.*s", list, list[0] != '\0' ? ", " : "", SLICE_ARG(part));
    }
    const char *meant = error_suggest(key->text.data, known, count);
    return meant != NULL ? arena_printf(scratch, "did you mean \"%s\"?", meant)
                         : arena_printf(scratch, "known here are %s", list);
}

/* "write log: {level: ...}" for "log.level", or NULL where that is no key either. */
static const char *read_remedy_dots(const struct read_section *section, struct slice key)
{
    struct arena *scratch = section->reading->loading->scratch;
    const char   *written = "write ", *end = "...";
    if (schema_find(section->section, key) == NULL)
        return NULL;
    for (size_t dot; (dot = slice_find(key, '.')) < key.size;) {
        written = arena_printf(scratch, "%s%.*s: {", written, SLICE_ARG(slice_sub(key, 0, dot)));
        end     = arena_printf(scratch, "%s}", end);
        key     = slice_sub(key, dot + 1, key.size);
    }
    return arena_printf(scratch, "%s%.*s: %s", written, SLICE_ARG(key), end);
}

static void read_unknown(const struct read_section *section, const char *prefix,
                         const struct node *key)
{
    struct loading *loading = section->reading->loading;
    struct slice    full =
        slice_of(arena_printf(loading->scratch, "%s%.*s", prefix, SLICE_ARG(key->text)));
    const char *remedy = read_remedy_dots(section, full);
    if (remedy == NULL)
        remedy = read_remedy_elsewhere(section, full);
    if (remedy == NULL)
        remedy = read_remedy_unknown(section, prefix, key);
    char *group = arena_string(loading->scratch, slice_of(prefix));
    if (group[0] != '\0')
        group[strlen(group) - 1] = '\0';
    errors_add(loading->errors, ERROR_FATAL, key->place, remedy, "unknown key %s in %s%s%s",
               loading_quote(loading, key->text), group, group[0] != '\0' ? " of " : "",
               schema_section_name(section->section));
}

static void read_later(const struct read_section *section, const struct schema_later *later,
                       const struct node_item *item)
{
    struct loading *loading = section->reading->loading;
    if (node_is_off(item->value) || node_is_null(item->value))
        return; /* there is nothing to switch off */
    if (later->warning != NULL)
        errors_add(loading->errors, ERROR_WARNING, item->key->place, "", "%s is ignored: %s",
                   later->key, later->warning);
    else
        errors_add(loading->errors, ERROR_FATAL, item->key->place, "remove it",
                   later->http ? "%s belongs to mode http, which is not supported by this version"
                               : "%s is not supported by this version",
                   later->key);
}

/* What the schema has no row for: names that are keys, and where sections begin. */
static void read_head(const struct read_section *section, const struct node *key)
{
    if (section->section == SCHEMA_LISTENER) {
        struct config_listener *listener = section->object;
        listener->place                  = section->place;
    } else if (section->section == SCHEMA_SERVER) {
        struct config_server *server = section->object;
        server->place                = section->place;
    } else if (section->section == SCHEMA_POOL) {
        struct config_pool *pool = section->object;
        LL_ASSERT(key != NULL); /* pools are a map */
        pool->place = section->place;
        pool->name  = arena_string(section->reading->loading->keep, key->text);
        read_check_name(section->reading, "pools", key);
    }
}

/* The sections of a list or map, into an array that is left in the row's field. */
static void read_items(const struct read_section *section, const struct schema_row *row,
                       const struct node *node)
{
    struct loading *loading = section->reading->loading;
    size_t          size    = schema_section_size(row->of);
    char           *array   = arena_alloc(loading->keep, node->count, size);
    uint32_t        count   = 0;
    struct map      seen;
    map_init(&seen, 0);
    for (const struct node_item *item = node->first; item != NULL; item = item->next) {
        if (loading_is_hopeless(loading) ||
            (item->key != NULL && (item->key->broken || !read_is_first(loading, &seen, item))))
            continue;
        struct read_section inner = {
            .reading = section->reading,
            .section = row->of,
            .place   = item->key != NULL ? item->key->place : item->value->place,
            .object  = array + size * count++,
        };
        read_head(&inner, item->key);
        read_rows(&inner, item->value);
    }
    map_fini(&seen);
    memcpy(read_field_of(section, row->field), &array, sizeof array);
    memcpy(read_field_of(section, row->count_field), &count, sizeof count);
}

static void read_sections(const struct read_section *section, const struct schema_row *row,
                          const struct node *node)
{
    struct errors *errors = section->reading->loading->errors;
    bool           list   = row->type == SCHEMA_LIST;
    if (node->broken)
        return;
    if (node->kind != (list ? NODE_LIST : NODE_MAP) && !node_is_null(node))
        errors_add(errors, ERROR_FATAL, node->place, read_example(section->reading, row),
                   "%s: this must be a %s, not %s", row->key, list ? "list" : "map",
                   node_kind_name(node));
    else if (node->count == 0)
        errors_add(errors, ERROR_FATAL, node->place, read_example(section->reading, row),
                   "%s: the %s is empty", row->key, list ? "list" : "map");
    else
        read_items(section, row, node);
}

/* key is what messages call it. */
static void read_row(const struct read_section *section, const struct schema_row *row,
                     const char *key, const struct node *node)
{
    void             *field = read_field_of(section, row->field);
    struct read_value value = {.reading = section->reading, .row = row, .key = key, .node = node};
    if (row->type == SCHEMA_FILES)
        return; /* was followed before the tree was complete */
    read_note(section->reading, field, node);
    if (row->type == SCHEMA_LIST || row->type == SCHEMA_MAP)
        read_sections(section, row, node);
    else if (row->type == SCHEMA_BALANCE)
        read_balance(&value, field);
    else if (row->type != SCHEMA_BINDS)
        read_value(&value, field);
    else if (!node->broken)
        read_binds(&value, field, read_field_of(section, row->count_field));
}

static void read_keys(const struct read_section *section, const char *prefix,
                      const struct node *map);

/* A key that other keys begin with: a map of them, or one value that stands for all. */
static void read_group(const struct read_section *section, const char *full,
                       const struct node_item *item)
{
    struct loading          *loading = section->reading->loading;
    const struct schema_row *alone   = schema_find_alone(section->section, slice_of(full));
    if (item->value->broken)
        return;
    if (item->value->kind == NODE_MAP)
        read_keys(section, arena_printf(loading->scratch, "%s.", full), item->value);
    else if (alone != NULL)
        read_row(section, alone, full, item->value);
    else
        errors_add(loading->errors, ERROR_FATAL, item->value->place,
                   arena_printf(loading->scratch, "write %s: {KEY: VALUE}", item->key->text.data),
                   "%s: this must be a map", full);
}

static void read_key(const struct read_section *section, const char *prefix,
                     const struct node_item *item)
{
    const char *full_text =
        arena_printf(section->reading->loading->scratch, "%s%s", prefix, item->key->text.data);
    struct slice full = slice_of(full_text);
    bool         dot  = slice_find(item->key->text, '.') < item->key->text.size; /* not ours */
    const struct schema_row   *row   = dot ? NULL : schema_find(section->section, full);
    const struct schema_later *later = dot ? NULL : schema_find_later(section->section, full);
    if (row != NULL)
        read_row(section, row, full_text, item->value);
    else if (!dot && schema_is_group(section->section, full))
        read_group(section, full_text, item);
    else if (later != NULL)
        read_later(section, later, item);
    else
        read_unknown(section, prefix, item->key);
}

bool read_is_first(struct loading *loading, struct map *seen, const struct node_item *item)
{
    if (map_add(seen, item->key->text, (void *)(uintptr_t)item->key))
        return true;
    const struct node *first = map_get(seen, item->key->text);
    const char        *file  = strcmp(first->place.file, item->key->place.file) == 0
                                   ? ""
                                   : arena_printf(loading->scratch, " of %s", first->place.file);
    errors_add(loading->errors, ERROR_FATAL, item->key->place, "remove one of them",
               "%s is there twice; first in line %d%s", loading_quote(loading, item->key->text),
               first->place.line, file);
    return false;
}

static void read_keys(const struct read_section *section, const char *prefix,
                      const struct node *map)
{
    struct map seen;
    map_init(&seen, 0);
    for (const struct node_item *item = map->first; item != NULL; item = item->next)
        if (!item->key->broken && !loading_is_hopeless(section->reading->loading) &&
            read_is_first(section->reading->loading, &seen, item))
            read_key(section, prefix, item);
    map_fini(&seen);
}

static void read_default(const struct read_section *section, const struct schema_row *row)
{
    struct node node = {
        .kind = NODE_TEXT, .place = section->place, .plain = true, .text = slice_of(row->fallback)};
    struct read_value value = {
        .reading = section->reading, .row = row, .key = row->key, .node = &node};
    unsigned before = section->reading->loading->errors->fatal;
    if (row->type == SCHEMA_BALANCE)
        read_balance(&value, read_field_of(section, row->field));
    else
        read_value(&value, read_field_of(section, row->field));
    LL_ASSERT(section->reading->loading->errors->fatal == before); /* the table is right */
}

static void read_check_required(const struct read_section *section, const struct schema_row *row)
{
    if (row->fallback != NULL || row->fallback_help != NULL ||
        read_node(section->reading, read_field_of(section, row->field)) != NULL)
        return;
    errors_add(section->reading->loading->errors, ERROR_FATAL, section->place,
               read_example(section->reading, row), "%s has no %s",
               schema_section_name(section->section), row->key);
}

/* Reads a whole section: defaults, then what is written, then what is missing. */
static void read_rows(const struct read_section *section, const struct node *node)
{
    struct loading          *loading = section->reading->loading;
    const struct schema_row *alone   = schema_find_alone(section->section, SLICE(""));
    for (size_t i = 0; i < schema_row_count; i++)
        if (schema_rows[i].section == section->section && schema_rows[i].fallback != NULL)
            read_default(section, &schema_rows[i]);
    if (node->broken)
        return;
    if (node->kind == NODE_MAP) {
        read_keys(section, "", node);
    } else if (node->kind == NODE_TEXT && alone != NULL) {
        read_row(section, alone, alone->key, node);
    } else {
        errors_add(loading->errors, ERROR_FATAL, node->place, "write KEY: VALUE pairs",
                   "%s must be a map, not %s", schema_section_name(section->section),
                   node_is_null(node) ? "nothing" : node_kind_name(node));
        return;
    }
    for (size_t i = 0; i < schema_row_count; i++)
        if (schema_rows[i].section == section->section)
            read_check_required(section, &schema_rows[i]);
}

void read_config(struct reading *reading, const struct node *root, struct config *config)
{
    struct read_section section = {
        .reading = reading,
        .section = SCHEMA_ROOT,
        .place   = {.file = root->place.file},
        .object  = config,
    };
    read_rows(&section, root);
}
