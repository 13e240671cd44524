/* SPDX-License-Identifier: Apache-2.0 */
#include "config/validate.h"

#include "balance/balancer.h"
#include "config/read_value.h"

#include <string.h>

struct validation {
    struct reading *reading;
    struct errors  *errors;
    struct arena   *scratch;
    struct config  *config;
    bool           *used; /* by index of pool: a listener names it */
};

/* Where a field was written; the place of its section where it was not. */
static struct error_place validate_place(const struct validation *validation, const void *field,
                                         struct error_place section)
{
    (void)read_place(validation->reading, field, &section);
    return section;
}

/* "line 3", and the file where that is another one than the reader is looking at. */
static const char *validate_line(const struct validation *validation, struct error_place place,
                                 struct error_place seen_from)
{
    if (strcmp(place.file, seen_from.file) == 0)
        return arena_printf(validation->scratch, "line %d", place.line);
    return arena_printf(validation->scratch, "line %d of %s", place.line, place.file);
}

/* The names of pools, or of anything else that has names, for suggestions. */
static const char *validate_remedy(const struct validation *validation, const char *word,
                                   const char *const *known, size_t count, const char *otherwise)
{
    const char *meant = error_suggest(word, known, count);
    return meant != NULL ? arena_printf(validation->scratch, "did you mean \"%s\"?", meant)
                         : otherwise;
}

static void validate_references(struct validation *validation)
{
    struct config *config = validation->config;
    const char   **names  = arena_alloc(validation->scratch, config->pool_count + 1, sizeof *names);
    struct map     pools;
    map_init(&pools, 0);
    for (uint32_t i = 0; i < config->pool_count; i++) {
        names[i] = config->pools[i].name;
        if (!map_add(&pools, slice_of(names[i]), &config->pools[i]))
            LL_NEVER("a key that comes twice is refused");
    }
    for (const struct read_reference *reference = validation->reading->references;
         reference != NULL; reference           = reference->next) {
        const struct config_pool *pool = map_get(&pools, slice_of(reference->name));
        if (pool != NULL) {
            *reference->field                   = (uint32_t)(pool - config->pools);
            validation->used[*reference->field] = true;
            continue;
        }
        struct error_place place = {.file = config->source};
        errors_add(validation->errors, ERROR_FATAL,
                   validate_place(validation, reference->field, place),
                   validate_remedy(validation, reference->name, names, config->pool_count,
                                   "add it under pools"),
                   "pool: there is no pool %s",
                   loading_quote(validation->reading->loading, slice_of(reference->name)));
    }
    map_fini(&pools);
}

static void validate_listener_names(struct validation *validation)
{
    struct config *config = validation->config;
    struct map     names;
    map_init(&names, 0);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];
        struct error_place      place;
        bool                    written = read_place(validation->reading, &listener->name, &place);
        char                    text[ADDRESS_TEXT_MAX];
        if (listener->name == NULL && listener->bind_count > 0)
            listener->name =
                arena_string(&config->arena, slice_of(address_format(&listener->binds[0], text)));
        if (listener->name == NULL || map_add(&names, slice_of(listener->name), listener))
            continue;
        struct config_listener *first  = map_get(&names, slice_of(listener->name));
        struct error_place first_place = validate_place(validation, &first->name, first->place);
        if (!written)
            place = listener->place;
        /* Two listeners without names have the same address, which is said elsewhere. */
        if (written || read_place(validation->reading, &first->name, &first_place))
            errors_add(validation->errors, ERROR_FATAL, place,
                       "give each listener a name of its own",
                       "name: \"%s\" is the name of another listener, in %s", listener->name,
                       validate_line(validation, first_place, place));
    }
    map_fini(&names);
}

static void validate_algorithm(struct validation *validation, const struct config_pool *pool)
{
    size_t             count;
    const char *const *names = balance_names(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], pool->balance) == 0)
            return;
    errors_add(
        validation->errors, ERROR_FATAL, validate_place(validation, &pool->balance, pool->place),
        validate_remedy(validation, pool->balance, names, count, "limeload help config lists them"),
        "balance: there is no algorithm \"%s\"", pool->balance);
}

static void validate_servers(struct validation *validation, struct config_pool *pool)
{
    uint64_t   weights = 0;
    struct map ids;
    map_init(&ids, 0);
    for (uint32_t i = 0; i < pool->server_count; i++) {
        struct config_server *server = &pool->servers[i];
        char                  text[ADDRESS_TEXT_MAX];
        weights += server->weight;
        if (server->address.family == ADDRESS_NONE)
            continue; /* was refused */
        if (server->id == NULL)
            server->id = arena_string(&validation->config->arena,
                                      slice_of(address_format(&server->address, text)));
        if (map_add(&ids, slice_of(server->id), server))
            continue;
        const struct config_server *first = map_get(&ids, slice_of(server->id));
        struct error_place          place = validate_place(validation, &server->id, server->place);
        errors_add(validation->errors, ERROR_FATAL, place,
                   "remove one of them, or give each an id of its own",
                   "server \"%s\" is in this pool twice; first in %s", server->id,
                   validate_line(validation, first->place, place));
    }
    map_fini(&ids);
    if (weights == 0 && pool->server_count > 0)
        errors_add(validation->errors, ERROR_FATAL,
                   validate_place(validation, &pool->servers, pool->place),
                   "give at least one a weight from 1 to 65535",
                   "every server of pool \"%s\" has weight 0, so that none gets connections",
                   pool->name);
}

static void validate_unused(struct validation *validation)
{
    const struct config *config = validation->config;
    for (uint32_t i = 0; i < config->pool_count; i++)
        if (!validation->used[i])
            errors_add(validation->errors, ERROR_WARNING, config->pools[i].place,
                       "name it in a listener, or remove it", "no listener uses pool \"%s\"",
                       config->pools[i].name);
}

void validate_config(struct reading *reading, struct config *config)
{
    struct loading   *loading    = reading->loading;
    struct validation validation = {
        .reading = reading,
        .errors  = loading->errors,
        .scratch = loading->scratch,
        .config  = config,
        .used    = arena_alloc(loading->scratch, config->pool_count + 1, sizeof(bool)),
    };
    validate_references(&validation);
    validate_listener_names(&validation);
    for (uint32_t i = 0; i < config->pool_count; i++) {
        validate_algorithm(&validation, &config->pools[i]);
        validate_servers(&validation, &config->pools[i]);
    }
    if (loading->errors->fatal == 0) /* else it may be an echo of a misspelled name */
        validate_unused(&validation);
}
