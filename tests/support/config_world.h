/* SPDX-License-Identifier: Apache-2.0
 *
 * A world in memory for configurations: files, variables and hosts that a test makes up, and what
 * loading in it says.
 */
#ifndef LL_SUPPORT_CONFIG_WORLD_H
#define LL_SUPPORT_CONFIG_WORLD_H

#include "support/unit.h"

#include "config/config.h"
#include "config/outside.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

/* Each ends with an entry of NULL; any may be NULL as a whole. */
struct world {
    const char *(*files)[2]; /* path, text; the text "/" makes it a folder */
    const char *(*variables)[2];
    const char *(*hosts)[2]; /* name, IPv4 address */
};

static inline const char *world_find(const char *(*table)[2], const char *key)
{
    for (; table != NULL && (*table)[0] != NULL; table++)
        if (strcmp((*table)[0], key) == 0)
            return (*table)[1];
    return NULL;
}

static inline const char *world_variable(void *context, const char *name)
{
    return world_find(((const struct world *)context)->variables, name);
}

static inline int world_read(void *context, const char *path, size_t size_max, struct arena *arena,
                             struct outside_file *ret_file)
{
    const char *text = world_find(((const struct world *)context)->files, path);
    if (text == NULL)
        return -ENOENT;
    if (strcmp(text, "/") == 0)
        return -EISDIR;
    if (strlen(text) > size_max)
        return -EFBIG;
    *ret_file = (struct outside_file){.text     = slice_of(text),
                                      .identity = arena_string(arena, slice_of(path))};
    return 0;
}

/* In the order of the table, which stands for the order of names. */
static inline int world_match(void *context, const char *pattern, struct arena *arena,
                              const char ***ret_paths, size_t *ret_count)
{
    const char *(*files)[2] = ((const struct world *)context)->files;
    size_t count            = 0;
    while (files != NULL && files[count][0] != NULL)
        count++;
    *ret_paths = arena_alloc(arena, count + 1, sizeof **ret_paths);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        if (fnmatch(pattern, files[i][0], FNM_PATHNAME) == 0)
            (*ret_paths)[(*ret_count)++] = files[i][0];
    return 0;
}

static inline const char *world_resolve(void *context, const char *host,
                                        struct endpoint *ret_endpoint)
{
    const char    *ip = world_find(((const struct world *)context)->hosts, host);
    char           text[64];
    struct address address;
    if (ip == NULL)
        return "no such host";
    (void)snprintf(text, sizeof text, "%s:1", ip);
    assert_int_equal(address_parse(slice_of(text), false, &address), ADDRESS_OK);
    uint16_t port      = ret_endpoint->port;
    *ret_endpoint      = address.endpoint;
    ret_endpoint->port = port;
    return NULL;
}

static inline struct config_outside world_outside(struct world *world)
{
    return (struct config_outside){
        .variable = world_variable,
        .read     = world_read,
        .match    = world_match,
        .resolve  = world_resolve,
        .context  = world,
    };
}

/* What errors print; free() it. */
static inline char *world_said(const struct errors *errors)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out  = open_memstream(&text, &size);
    errors_print(errors, out);
    (void)fclose(out);
    return text;
}

/* Loads a text as "f.yaml" and demands that this is said. NULL where it was refused. */
static inline struct config *world_load_slice(struct world *world, struct slice text,
                                              const char *expected)
{
    struct world          nothing = {0};
    struct config_outside outside = world_outside(world != NULL ? world : &nothing);
    struct errors         errors;
    errors_init(&errors);
    struct config *config = config_load_from(&outside, "f.yaml", text, &errors);
    char          *said   = world_said(&errors);
    assert_string_equal(said, expected);
    assert_int_equal(config == NULL, errors.fatal > 0);
    free(said);
    errors_fini(&errors);
    return config;
}

static inline struct config *world_load(struct world *world, const char *text, const char *expected)
{
    return world_load_slice(world, slice_of(text), expected);
}

/* The same where only what is said matters. */
static inline void world_says(struct world *world, const char *text, const char *expected)
{
    config_free(world_load(world, text, expected));
}

/* A good configuration with lines added to it, which become the lines from 3, 4, 5 and 5 on. */
#define WORLD_ROOT(lines)                                                                          \
    "listeners: [{bind: \":8000\", pool: p}]\npools: {p: {servers: [\"127.0.0.1:9001\"]}}\n" lines
#define WORLD_LISTENER(lines)                                                                      \
    "listeners:\n  - bind: \":8000\"\n    pool: p\n" lines                                         \
    "pools: {p: {servers: [\"127.0.0.1:9001\"]}}\n"
#define WORLD_POOL(lines)                                                                          \
    "listeners: [{bind: \":8000\", pool: p}]\npools:\n  p:\n    servers: "                         \
    "[\"127.0.0.1:9001\"]\n" lines
#define WORLD_SERVERS(lines)                                                                       \
    "listeners: [{bind: \":8000\", pool: p}]\npools:\n  p:\n    servers:\n" lines

#endif
