/* SPDX-License-Identifier: Apache-2.0 */
#include "config/validate.h"

#include "base/assert.h"
#include "config/read_value.h"
#include "config/validate_addresses.h"
#include "model/pool_view.h"

#include <string.h>

/* Where a field was written; the place of its section where it was not. */
static struct error_place validate_place(const struct reading *reading, const void *field,
                                         struct error_place section)
{
    const struct node *node = read_node(reading, field);
    return node != NULL ? node->place : section;
}

const char *validate_line(struct reading *reading, struct error_place place,
                          struct error_place seen_from)
{
    struct arena *scratch = reading->loading->scratch;
    if (strcmp(place.file, seen_from.file) == 0)
        return arena_printf(scratch, "line %d", place.line);
    return arena_printf(scratch, "line %d of %s", place.line, place.file);
}

/* "did you mean X?", or all that there are. */
static const char *validate_remedy(struct reading *reading, const char *word,
                                   const char *const *known, size_t count, const char *otherwise)
{
    const char *meant = error_suggest(word, known, count);
    return meant != NULL ? arena_printf(reading->loading->scratch, "did you mean \"%s\"?", meant)
                         : otherwise;
}

/* Points every reference to the pool that it names. Returns which pools are named, by index. */
static bool *validate_references(struct reading *reading, const struct config *config)
{
    struct loading *loading = reading->loading;
    bool           *used    = arena_alloc(loading->scratch, config->pool_count + 1, sizeof *used);
    const char    **names   = arena_alloc(loading->scratch, config->pool_count + 1, sizeof *names);
    struct map      pools;
    map_init(&pools, 0);
    for (uint32_t i = 0; i < config->pool_count; i++) {
        names[i] = config->pools[i].name;
        if (!map_add(&pools, slice_of(names[i]), &config->pools[i]))
            LL_NEVER("a key that comes twice is refused");
    }
    for (const struct read_reference *reference = reading->references; reference != NULL;
         reference                              = reference->next) {
        const struct node        *node = reference->node;
        const struct config_pool *pool = map_get(&pools, node->text);
        if (pool != NULL) {
            *reference->field       = (uint32_t)(pool - config->pools);
            used[*reference->field] = true;
        } else if (!loading_is_hopeless(loading)) {
            errors_add(loading->errors, ERROR_FATAL, node->place,
                       validate_remedy(reading, node->text.data, names, config->pool_count,
                                       "add it under pools"),
                       "pool: there is no pool %s", loading_quote(loading, node->text));
        }
    }
    map_fini(&pools);
    return used;
}

static void validate_listener_names(struct reading *reading, struct config *config)
{
    struct loading *loading = reading->loading;
    struct map      names;
    map_init(&names, 0);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];
        const struct node      *written  = read_node(reading, &listener->name);
        if (listener->name == NULL && listener->bind_count > 0)
            listener->name =
                arena_string(loading->keep, read_node(reading, &listener->binds[0])->text);
        if (listener->name == NULL || map_add(&names, slice_of(listener->name), listener))
            continue;
        const struct config_listener *first = map_get(&names, slice_of(listener->name));
        if (written == NULL && read_node(reading, &first->name) == NULL)
            continue; /* they have the same address, and that is said elsewhere */
        struct error_place place = validate_place(reading, &listener->name, listener->place);
        errors_add(loading->errors, ERROR_FATAL, place, "give each listener a name of its own",
                   "name: %s is the name of the listener in %s too",
                   loading_quote(loading, slice_of(listener->name)),
                   validate_line(reading, first->place, place));
    }
    map_fini(&names);
}

static void validate_servers(struct reading *reading, struct config_pool *pool)
{
    struct loading *loading = reading->loading;
    uint64_t        weights = 0;
    struct map      ids;
    map_init(&ids, 0);
    for (uint32_t i = 0; i < pool->server_count && !loading_is_hopeless(loading); i++) {
        struct config_server *server  = &pool->servers[i];
        const struct node    *address = read_node(reading, &server->address);
        weights += server->weight;
        if (server->id == NULL && address != NULL && server->address.family != ADDRESS_NONE) {
            server->id = arena_string(loading->keep, address->text);
            read_check_name(reading, "id", address);
        }
        if (server->id == NULL || map_add(&ids, slice_of(server->id), server))
            continue;
        const struct config_server *first = map_get(&ids, slice_of(server->id));
        struct error_place          place = validate_place(reading, &server->id, server->place);
        errors_add(loading->errors, ERROR_FATAL, place,
                   "remove one of them, or give each an id of its own",
                   "servers: %s is in this pool twice; first in %s",
                   loading_quote(loading, slice_of(server->id)),
                   validate_line(reading, first->place, place));
    }
    map_fini(&ids);
    if (pool->server_count > POOL_SERVERS_MAX)
        errors_add(loading->errors, ERROR_FATAL,
                   validate_place(reading, &pool->servers, pool->place), "make more pools of them",
                   "servers: %u are more than a pool takes: %u", pool->server_count,
                   POOL_SERVERS_MAX);
    if (weights == 0 && pool->server_count > 0)
        errors_add(loading->errors, ERROR_FATAL,
                   validate_place(reading, &pool->servers, pool->place),
                   "give at least one a weight from 1 to 65535",
                   "servers: all have weight 0, so that none would get connections");
}

/* A zone that no server is in is a slip of the pen, and would quietly change nothing. */
static void validate_zone(struct reading *reading, const struct config_pool *pool)
{
    if (pool->zone == NULL)
        return;
    for (uint32_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].zone != NULL && strcmp(pool->servers[i].zone, pool->zone) == 0)
            return;
    errors_add(reading->loading->errors, ERROR_FATAL,
               validate_place(reading, &pool->zone, pool->place),
               "give the servers near by `zone` too, or remove it here",
               "zone: no server of this pool is in zone %s",
               loading_quote(reading->loading, slice_of(pool->zone)));
}

static void validate_unused(struct reading *reading, const struct config *config, const bool *used)
{
    struct loading *loading = reading->loading;
    for (uint32_t i = 0; i < config->pool_count; i++)
        if (!used[i])
            errors_add(loading->errors, ERROR_WARNING, config->pools[i].place,
                       "name it in a listener, or remove it", "pools: no listener uses %s",
                       loading_quote(loading, slice_of(config->pools[i].name)));
}

void validate_config(struct reading *reading, struct config *config)
{
    struct loading *loading = reading->loading;
    bool           *used    = validate_references(reading, config);
    validate_listener_names(reading, config);
    for (uint32_t i = 0; i < config->pool_count; i++) {
        validate_servers(reading, &config->pools[i]);
        validate_zone(reading, &config->pools[i]);
    }
    validate_binds(reading, config);
    /* What else there is to say may be an echo of errors, such as of a misspelled name. */
    if (loading->errors->fatal > 0)
        return;
    validate_circles(reading, config);
    validate_unused(reading, config, used);
}
