/* SPDX-License-Identifier: Apache-2.0 */
#include "config/include.h"

#include "base/map.h"
#include "config/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct including {
    struct loading *loading;
    struct map      files; /* what is not NULL, by the identity of the file */
    struct node    *root;  /* of the outermost file; takes up the others */
    unsigned        depth;
    bool            failed; /* something is missing: names would seem unknown that are not */
};

static void include_parse(struct including *including, const char *path, struct slice text);

LL_PRINTF(5, 6)
static void include_fail(struct including *including, const struct node *where, const char *path,
                         const char *remedy, const char *format, ...)
{
    struct loading *loading = including->loading;
    char            what[256];
    va_list         args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    including->failed = true;
    if (where != NULL)
        errors_add(loading->errors, ERROR_FATAL, where->place, remedy, "include: %s %s",
                   loading_quote(loading, slice_of(path)), what);
    else
        errors_add(loading->errors, ERROR_FATAL, (struct error_place){.file = path}, remedy,
                   "the file %s", what);
}

static void include_fail_read(struct including *including, const struct node *where,
                              const char *path, int error)
{
    if (error == -EFBIG)
        include_fail(including, where, path, "split it up with include", "is larger than %zu KiB",
                     LOADING_FILE_MAX >> 10);
    else if (error == -EISDIR)
        include_fail(including, where, path,
                     where != NULL ? "write FOLDER/*.yaml for the files in it"
                                   : "name a file in it",
                     "is a folder");
    else
        include_fail(including, where, path,
                     error == -ENOENT   ? "check the path"
                     : error == -EACCES ? "check its permissions"
                                        : "",
                     "cannot be read: %s", strerror(-error));
}

/* where is NULL for the outermost file. */
static void include_read(struct including *including, const struct node *where, const char *path)
{
    struct loading     *loading = including->loading;
    struct outside_file file    = {.identity = NULL};
    int error = loading->outside->read(loading->outside->context, path, LOADING_FILE_MAX,
                                       loading->scratch, &file);
    if (error != 0)
        include_fail_read(including, where, path, error);
    else if (including->files.count == INCLUDE_FILES_MAX)
        include_fail(including, where, path, "put more into each file", "is one file too many: %u",
                     INCLUDE_FILES_MAX);
    else if (!map_add(&including->files, slice_of(file.identity), including))
        include_fail(including, where, path, "include each file once, and never itself",
                     "is part of this configuration already");
    else
        include_parse(including, arena_string(loading->keep, slice_of(path)), file.text);
}

/* A path relative to the folder of the file that includes it. */
static const char *include_relative(struct loading *loading, const char *from, const char *path)
{
    struct slice folder = slice_of(from);
    size_t       slash  = slice_find_last(folder, '/');
    if (path[0] == '/' || slash == folder.size)
        return path;
    return arena_printf(loading->scratch, "%.*s/%s", SLICE_ARG(slice_sub(folder, 0, slash)), path);
}

/* One pattern, which matches any number of files, or one plain path, which must exist. */
static void include_pattern(struct including *including, const char *from, const struct node *where)
{
    struct loading *loading = including->loading;
    if (where->broken)
        return;
    if (where->kind != NODE_TEXT || where->text.size == 0) {
        errors_add(loading->errors, ERROR_FATAL, where->place, "write include: conf.d/*.yaml",
                   "include: this must be a path or a list of paths");
        return;
    }
    const char *path = include_relative(loading, from, where->text.data);
    if (strpbrk(path, "*?[") == NULL) {
        include_read(including, where, path);
        return;
    }
    const char **paths = NULL;
    size_t       count = 0;
    int          error =
        loading->outside->match(loading->outside->context, path, loading->scratch, &paths, &count);
    if (error != 0)
        include_fail_read(including, where, path, error);
    for (size_t i = 0; i < count && error == 0; i++)
        include_read(including, where, paths[i]);
}

static void include_follow(struct including *including, const char *from,
                           const struct node *include)
{
    if (including->depth == INCLUDE_DEPTH_MAX) {
        include_fail(including, include, from, "include them from fewer files in between",
                     "is the %uth file in a row that includes another", INCLUDE_DEPTH_MAX);
        return;
    }
    including->depth++;
    if (include->kind == NODE_LIST)
        for (const struct node_item *item = include->first; item != NULL; item = item->next)
            include_pattern(including, from, item->value);
    else
        include_pattern(including, from, include);
    including->depth--;
}

/* The first item of that key, or NULL. */
static struct node_item *include_find(struct node *map, const struct node *key)
{
    for (struct node_item *item = map->first; item != NULL; item = item->next)
        if (slice_equal(item->key->text, key->text))
            return item;
    return NULL;
}

/* Both lists or both maps, one after the other: a new node, because aliases may share the old. */
static struct node *include_join(struct loading *loading, const struct node *first,
                                 const struct node *second)
{
    struct node *joined = arena_alloc(loading->scratch, 1, sizeof *joined);
    *joined             = *first;
    joined->first = joined->last = NULL;
    joined->count                = 0;
    for (const struct node *part = first; part != NULL; part = part == first ? second : NULL)
        for (const struct node_item *item = part->first; item != NULL; item = item->next) {
            struct node_item *copy = arena_alloc(loading->scratch, 1, sizeof *copy);
            *copy                  = *item;
            node_append(joined, copy);
        }
    return joined;
}

/* Adds the listeners or pools of an included file to those of the outermost one. */
static void include_merge(struct including *including, const struct node_item *item,
                          enum node_kind kind)
{
    struct loading   *loading = including->loading;
    struct node_item *into    = include_find(including->root, item->key);
    if (item->value->kind != kind) {
        bool list = kind == NODE_LIST;
        errors_add(loading->errors, ERROR_FATAL, item->value->place,
                   list ? "write - bind: ADDRESS, and so on" : "write NAME: {servers: [ADDRESS]}",
                   "%s: this must be a %s, not %s", item->key->text.data, list ? "list" : "map",
                   node_kind_name(item->value));
    } else if (into == NULL) {
        struct node_item *copy = arena_alloc(loading->scratch, 1, sizeof *copy);
        *copy                  = *item;
        node_append(including->root, copy);
    } else if (into->value->kind == kind) {
        into->value = include_join(loading, into->value, item->value);
    } /* else the outermost file has it wrong, which reading reports */
}

/* What one key of an included file says. */
static void include_key(struct including *including, struct node *file,
                        const struct node_item *item)
{
    struct loading         *loading = including->loading;
    const struct node      *key     = item->key;
    const struct node_item *first   = include_find(file, key);
    if (first != item)
        errors_add(loading->errors, ERROR_FATAL, key->place, "remove one of them",
                   "%s is there twice; first in line %d", loading_quote(loading, key->text),
                   first->key->place.line);
    else if (slice_equal(key->text, SLICE("listeners")))
        include_merge(including, item, NODE_LIST);
    else if (slice_equal(key->text, SLICE("pools")))
        include_merge(including, item, NODE_MAP);
    else if (!slice_equal(key->text, SLICE("include")))
        errors_add(loading->errors, ERROR_FATAL, key->place, "move it to the main file",
                   "%s does not belong into an included file", loading_quote(loading, key->text));
}

static void include_parse(struct including *including, const char *path, struct slice text)
{
    struct loading *loading = including->loading;
    struct node    *file    = NULL;
    bool            outer   = including->root == NULL;
    if (!tree_parse(loading, path, text, &file)) {
        including->failed = true;
        return;
    }
    if (file == NULL || file->kind != NODE_MAP) {
        struct error_place place = file != NULL ? file->place : (struct error_place){.file = path};
        including->failed        = including->failed || outer || file != NULL;
        if ((outer || file != NULL) && (file == NULL || !file->broken)) {
            errors_add(loading->errors, ERROR_FATAL, place, "begin with listeners: and pools:",
                       file == NULL ? "the configuration is empty"
                                    : "the configuration is not a map of keys");
        }
        return;
    }
    if (outer)
        including->root = file;
    const struct node *include = node_find(file, SLICE("include"));
    for (struct node_item *item = file->first; item != NULL && !outer; item = item->next)
        include_key(including, file, item);
    if (include != NULL)
        include_follow(including, path, include);
}

static struct node *include_finish(struct including *including)
{
    map_fini(&including->files);
    return including->failed ? NULL : including->root;
}

struct node *include_text(struct loading *loading, const char *path, struct slice text)
{
    struct including including = {.loading = loading};
    map_init(&including.files, 0);
    include_parse(&including, arena_string(loading->keep, slice_of(path)), text);
    return include_finish(&including);
}

struct node *include_file(struct loading *loading, const char *path)
{
    struct including including = {.loading = loading};
    map_init(&including.files, 0);
    include_read(&including, NULL, path);
    return include_finish(&including);
}
