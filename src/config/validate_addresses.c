/* SPDX-License-Identifier: Apache-2.0 */
#include "config/validate_addresses.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t any_ip[16]        = {0};
static const uint8_t loopback_ipv6[16] = {[15] = 1};

/* "0.0.0.0" or "::". */
static bool address_is_any(const struct address *address)
{
    return (address->family == ADDRESS_IPV4 && memcmp(address->endpoint.ip, any_ip, 4) == 0) ||
           (address->family == ADDRESS_IPV6 && memcmp(address->endpoint.ip, any_ip, 16) == 0);
}

static bool address_is_local(const struct address *address)
{
    return address_is_any(address) ||
           (address->family == ADDRESS_IPV4 && address->endpoint.ip[0] == 127) ||
           (address->family == ADDRESS_IPV6 &&
            memcmp(address->endpoint.ip, loopback_ipv6, sizeof loopback_ipv6) == 0);
}

/* The text under which an address is kept in a map. */
static struct slice address_key(struct reading *reading, const struct address *address)
{
    char text[ADDRESS_TEXT_MAX];
    return slice_of(
        arena_string(reading->loading->scratch, slice_of(address_format(address, text))));
}

/* The same port on every address of a family. */
static struct slice address_any_key(struct reading *reading, const struct address *address,
                                    enum address_family family)
{
    struct address any  = {.family = family};
    any.endpoint.family = (uint8_t)family;
    any.endpoint.port   = address->endpoint.port;
    return address_key(reading, &any);
}

struct bind_owner {
    const struct config_listener *listener;
    const struct address         *address;
};

static void validate_bind_twice(struct reading *reading, const struct bind_owner *first,
                                const struct address *second)
{
    struct loading    *loading = reading->loading;
    const struct node *node    = read_node(reading, second);
    struct error_place place   = read_node(reading, first->address)->place;
    errors_add(loading->errors, ERROR_FATAL, node->place, "listen on another port, or remove one",
               address_equal(first->address, second)
                   ? "bind: %s is bound in %s already"
                   : "bind: %s is bound in %s already: [::] takes IPv4 too",
               loading_quote(loading, node->text), validate_line(reading, place, node->place));
}

/* The system picks another port for each. */
static bool address_is_free(const struct address *address)
{
    return address->family != ADDRESS_UNIX && address->endpoint.port == 0;
}

static void validate_bind(struct reading *reading, struct map *owners,
                          const struct config_listener *listener, uint32_t number, bool *doomed)
{
    const struct address *address = &listener->binds[number];
    if (address_is_free(address))
        return;
    /* Both families share the place of "::", whichever came first. */
    struct slice key = address_is_any(address) ? address_any_key(reading, address, ADDRESS_IPV6)
                                               : address_key(reading, address);
    struct bind_owner *claim = arena_alloc(reading->loading->scratch, 1, sizeof *claim);
    *claim                   = (struct bind_owner){.listener = listener, .address = address};
    if (map_add(owners, key, claim))
        return;
    const struct bind_owner *first = map_get(owners, key);
    if (first->listener != listener || address_equal(first->address, address))
        validate_bind_twice(reading, first, address);
    else if (address->family == ADDRESS_IPV4)
        doomed[number] = true;
    else
        doomed[first->address - listener->binds] = true;
}

void validate_binds(struct reading *reading, struct config *config)
{
    struct arena *scratch = reading->loading->scratch;
    bool        **doomed  = arena_alloc(scratch, config->listener_count + 1, sizeof *doomed);
    struct map    owners;
    map_init(&owners, 0);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        doomed[i] = arena_alloc(scratch, listener->bind_count + 1, sizeof(bool));
        for (uint32_t j = 0; j < listener->bind_count; j++)
            validate_bind(reading, &owners, listener, j, doomed[i]);
    }
    map_fini(&owners);
    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];
        uint32_t                kept     = 0;
        for (uint32_t j = 0; j < listener->bind_count; j++)
            if (!doomed[i][j])
                listener->binds[kept++] = listener->binds[j];
        listener->bind_count = kept;
    }
}

/* A server that is a listener of ours: connections of one pool that come to another. */
struct circle_edge {
    uint32_t                    from; /* index of pool */
    uint32_t                    to;
    const struct config_server *server;
};

struct circles {
    struct circle_edge *edges; /* in the order of to */
    uint32_t            edge_count;
    uint32_t           *first; /* edge of each pool as to, and one past the last */
    uint32_t           *out;   /* edges from each pool that may still lead into a circle */
};

/* Listeners by the addresses that reach them; of two on the same, the first. */
static void circles_index(struct reading *reading, const struct config *config, struct map *index)
{
    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];
        for (uint32_t j = 0; j < listener->bind_count; j++) {
            const struct address *address = &listener->binds[j];
            if (address_is_free(address))
                continue;
            struct slice key   = address_key(reading, address);
            struct slice ipv4  = address_any_key(reading, address, ADDRESS_IPV4);
            bool         dual  = address_is_any(address) && address->family == ADDRESS_IPV6;
            bool         added = map_add(index, key, listener);
            if (added && dual && map_get(index, ipv4) == NULL)
                added = map_add(index, ipv4, listener);
            LL_ASSERT(added); /* validate_binds found no address twice */
        }
    }
}

static const struct config_listener *circles_find(struct reading *reading, const struct map *index,
                                                  const struct address *address)
{
    const struct config_listener *listener = map_get(index, address_key(reading, address));
    if (listener == NULL && address_is_local(address))
        listener = map_get(index, address_any_key(reading, address, address->family));
    return listener;
}

static int circles_compare(const void *left, const void *right)
{
    const struct circle_edge *a = left, *b = right;
    return (a->to > b->to) - (a->to < b->to);
}

static void circles_collect(struct reading *reading, const struct config *config,
                            const struct map *index, struct circles *circles)
{
    size_t server_count = 0;
    for (uint32_t i = 0; i < config->pool_count; i++)
        server_count += config->pools[i].server_count;
    circles->edges =
        arena_alloc(reading->loading->scratch, server_count + 1, sizeof *circles->edges);
    for (uint32_t i = 0; i < config->pool_count; i++) {
        for (uint32_t j = 0; j < config->pools[i].server_count; j++) {
            const struct config_server   *server   = &config->pools[i].servers[j];
            const struct config_listener *listener = circles_find(reading, index, &server->address);
            if (listener != NULL)
                circles->edges[circles->edge_count++] =
                    (struct circle_edge){.from = i, .to = listener->pool, .server = server};
        }
    }
    qsort(circles->edges, circles->edge_count, sizeof *circles->edges, circles_compare);
    circles->first =
        arena_alloc(reading->loading->scratch, config->pool_count + 2, sizeof(uint32_t));
    circles->out = arena_alloc(reading->loading->scratch, config->pool_count + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < circles->edge_count; i++) {
        circles->first[circles->edges[i].to + 1]++;
        circles->out[circles->edges[i].from]++;
    }
    for (uint32_t i = 0; i < config->pool_count; i++)
        circles->first[i + 1] += circles->first[i];
}

/* Takes away pools that lead to no circle until only those are left that do. */
static void circles_prune(struct reading *reading, const struct config *config,
                          struct circles *circles)
{
    uint32_t *ends  = arena_alloc(reading->loading->scratch, config->pool_count + 1, sizeof *ends);
    uint32_t  count = 0;
    for (uint32_t i = 0; i < config->pool_count; i++)
        if (circles->out[i] == 0)
            ends[count++] = i;
    while (count > 0) {
        uint32_t end = ends[--count];
        for (uint32_t i = circles->first[end]; i < circles->first[end + 1]; i++)
            if (--circles->out[circles->edges[i].from] == 0)
                ends[count++] = circles->edges[i].from;
    }
}

void validate_circles(struct reading *reading, const struct config *config)
{
    struct loading *loading = reading->loading;
    struct circles  circles = {.edge_count = 0};
    struct map      index;
    map_init(&index, 0);
    circles_index(reading, config, &index);
    circles_collect(reading, config, &index, &circles);
    circles_prune(reading, config, &circles);
    for (uint32_t i = 0; i < circles.edge_count; i++) {
        const struct circle_edge *edge = &circles.edges[i];
        if (circles.out[edge->to] > 0)
            errors_add(loading->errors, ERROR_FATAL, edge->server->place,
                       "name a server that is not this limeload",
                       "servers: %s is a listener of this configuration, whose connections would "
                       "come back to it",
                       loading_quote(loading, slice_of(edge->server->id)));
    }
    map_fini(&index);
}
