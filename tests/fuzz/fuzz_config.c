/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds any bytes to the loader of configurations: it may refuse them, and whatever it accepts is
 * complete and consistent.
 *
 * The input is one or more files, separated by lines "#file"; the first is the main one and the
 * others, named 1.yaml and so on, are there to be included. Nothing outside of them exists.
 */
#include "base/assert.h"
#include "config/config.h"
#include "config/outside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8u

struct fuzz_world {
    struct slice files[FILES_MAX];
    size_t       file_count;
};

static const char *fuzz_variable(void *context, const char *name)
{
    (void)context;
    static const char *const table[][2] = {
        {"A", "127.0.0.1:9001"}, {"N", "7"}, {"EMPTY", ""}, {"BAD", "]}\n\xff- ${A}"}};
    for (size_t i = 0; i < LL_COUNT(table); i++)
        if (strcmp(table[i][0], name) == 0)
            return table[i][1];
    return NULL;
}

static const char *fuzz_name(struct arena *arena, size_t number)
{
    return arena_printf(arena, "%zu.yaml", number);
}

static int fuzz_read(void *context, const char *path, size_t size_max, struct arena *arena,
                     struct outside_file *ret_file)
{
    const struct fuzz_world *world = context;
    for (size_t i = 1; i < world->file_count; i++) {
        const char *name = fuzz_name(arena, i);
        if (strcmp(name, path) != 0)
            continue;
        if (world->files[i].size > size_max)
            return -EFBIG;
        *ret_file = (struct outside_file){.text = world->files[i], .identity = name};
        return 0;
    }
    return path[0] == '/' ? -EISDIR : -ENOENT;
}

static int fuzz_match(void *context, const char *pattern, struct arena *arena,
                      const char ***ret_paths, size_t *ret_count)
{
    const struct fuzz_world *world = context;
    if (pattern[0] == '/')
        return -EACCES;
    *ret_paths = arena_alloc(arena, FILES_MAX, sizeof **ret_paths);
    *ret_count = 0;
    for (size_t i = 1; i < world->file_count; i++)
        (*ret_paths)[(*ret_count)++] = fuzz_name(arena, i);
    return 0;
}

/* Half of all hosts exist, some with IPv6 only. */
static const char *fuzz_resolve(void *context, const char *host, struct endpoint *ret_endpoint)
{
    (void)context;
    size_t size = strlen(host);
    if (size % 2 == 1)
        return "no such host";
    ret_endpoint->family = size % 4 == 0 ? ADDRESS_IPV4 : ADDRESS_IPV6;
    memset(ret_endpoint->ip, (int)size, 4);
    return NULL;
}

static void check_pool(const struct config_pool *pool)
{
    bool                       serves = false;
    uint32_t                   step;
    const struct balance_knob *knob;
    LL_ASSERT(balance_config_check(&pool->balance, &step, &knob) == BALANCE_CONFIG_OK);
    LL_ASSERT(pool->name[0] != '\0' && pool->server_count > 0 && pool->server_count <= 65535);
    LL_ASSERT(pool->connect_timeout_ns > 0);
    for (uint32_t i = 0; i < pool->server_count; i++) {
        const struct config_server *server = &pool->servers[i];
        LL_ASSERT(server->id[0] != '\0' && server->address.family != ADDRESS_NONE);
        LL_ASSERT(server->weight <= 65535 && server->place.line > 0);
        LL_ASSERT(server->address.family == ADDRESS_UNIX || server->address.endpoint.port != 0);
        serves = serves || server->weight > 0;
    }
    LL_ASSERT(serves);
}

static void check_config(const struct config *config)
{
    LL_ASSERT(config->listener_count > 0 && config->pool_count > 0);
    LL_ASSERT(config->log.access_path[0] != '\0' && config->workers <= 256);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        LL_ASSERT(listener->name[0] != '\0' && listener->bind_count > 0);
        LL_ASSERT(listener->pool < config->pool_count && listener->tunnel_idle_ns > 0);
        for (uint32_t j = 0; j < listener->bind_count; j++)
            LL_ASSERT(listener->binds[j].family != ADDRESS_NONE);
    }
    for (uint32_t i = 0; i < config->pool_count; i++)
        check_pool(&config->pools[i]);
}

static void fuzz_split(struct fuzz_world *world, struct slice text)
{
    static const char separator[] = "\n#file\n";
    while (world->file_count + 1 < FILES_MAX) {
        const char *found =
            text.size > 0 ? memmem(text.data, text.size, separator, sizeof separator - 1) : NULL;
        if (found == NULL)
            break;
        size_t size                       = (size_t)(found - text.data) + 1;
        world->files[world->file_count++] = slice_sub(text, 0, size);
        text                              = slice_sub(text, size + sizeof separator - 2, text.size);
    }
    world->files[world->file_count++] = text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_world world = {.file_count = 0};
    fuzz_split(&world, (struct slice){.data = (const char *)data, .size = size});
    struct config_outside outside = {
        .variable = fuzz_variable,
        .read     = fuzz_read,
        .match    = fuzz_match,
        .resolve  = fuzz_resolve,
        .context  = &world,
    };
    struct errors errors;
    errors_init(&errors);
    struct config *config = config_load_from(&outside, "f.yaml", world.files[0], &errors);
    LL_ASSERT((config == NULL) == (errors.fatal > 0));
    if (config != NULL)
        check_config(config);
    char  *text      = NULL;
    size_t text_size = 0;
    FILE  *out       = open_memstream(&text, &text_size);
    errors_print(&errors, out);
    (void)fclose(out);
    free(text);
    config_free(config);
    errors_fini(&errors);
    return 0;
}
