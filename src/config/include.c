/* SPDX-License-Identifier: Apache-2.0 */
#include "config/include.h"

#include "base/map.h"
#include "config/yaml.h"

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

/* Where an include was written and which file that is in. */
struct include_from {
    const struct node *where; /* NULL for the outermost file */
    const char        *path;
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
static const char *include_join(struct loading *loading, const char *from, const char *path)
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
    const char *path = include_join(loading, from, where->text.data);
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

/* The item of that key which is a value of that kind, or NULL. */
static struct node_item *include_find(struct node *map, const struct node *key, enum node_kind kind)
{
    for (struct node_item *item = map->first; item != NULL; item = item->next)
        if (slice_equal(item->key->text, key->text) && item->value->kind == kind)
            return item;
    return NULL;
}

/* Moves what an included file says into the outermost one. */
static void include_merge(struct including *including, struct node *file)
{
    struct loading *loading = including->loading;
    for (struct node_item *item = file->first, *next; item != NULL; item = next) {
        next      = item->next;
        bool list = slice_equal(item->key->text, SLICE("listeners"));
        bool map  = slice_equal(item->key->text, SLICE("pools"));
        if (slice_equal(item->key->text, SLICE("include")))
            continue;
        if (!list && !map) {
            errors_add(loading->errors, ERROR_FATAL, item->key->place, "move it to the main file",
                       "%s does not belong into an included file",
                       loading_quote(loading, item->key->text));
            continue;
        }
        struct node_item *into =
            include_find(including->root, item->key, list ? NODE_LIST : NODE_MAP);
        if (into == NULL || into->value->kind != item->value->kind) {
            node_append(including->root, item);
            continue;
        }
        /* A new node, because an alias may share the old one. */
        struct node *joined = arena_alloc(loading->scratch, 1, sizeof *joined);
        *joined             = *into->value;
        joined->first = joined->last = NULL;
        joined->count                = 0;
        for (int part = 0; part < 2; part++)
            for (const struct node_item *from = (part == 0 ? into : item)->value->first;
                 from != NULL; from           = from->next) {
                struct node_item *copy = arena_alloc(loading->scratch, 1, sizeof *copy);
                *copy                  = *from;
                node_append(joined, copy);
            }
        into->value = joined;
    }
}

static void include_parse(struct including *including, const char *path, struct slice text)
{
    struct loading *loading = including->loading;
    struct node    *file    = NULL;
    bool            outer   = including->root == NULL;
    if (!yaml_parse(loading, path, text, &file)) {
        including->failed = true;
        return;
    }
    if (file == NULL || file->kind != NODE_MAP) {
        struct error_place place = file != NULL ? file->place : (struct error_place){.file = path};
        if (outer || file != NULL) {
            errors_add(loading->errors, ERROR_FATAL, place,
                       "begin with listeners: and pools:; limeload help config shows how",
                       file == NULL ? "the configuration is empty"
                                    : "the configuration is not a map of keys");
            including->failed = true;
        }
        return;
    }
    if (outer)
        including->root = file;
    const struct node *include = node_find(file, SLICE("include"));
    if (!outer)
        include_merge(including, file);
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
