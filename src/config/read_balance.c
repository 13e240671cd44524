/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read_balance.h"

#include "balance/algorithm.h"
#include "base/map.h"

#include <string.h>

/* What the format names; a version without one says so instead of suggesting another. */
static const char *const read_algorithms[] = {
    "round_robin",
    "weighted_round_robin",
    "random",
    "weighted_random",
    "least_connections",
    "weighted_least_connections",
    "p2c",
    "least_time",
    "peak_ewma",
    "ip_hash",
    "uri_hash",
    "header_hash",
    "cookie_hash",
    "maglev",
    "ring_hash",
    "bounded_hash",
    "rendezvous",
    "first",
    "prequal",
    "sticky_cookie",
    "sticky_ip",
};

static const char *read_list(struct reading *reading, const char *const *words, size_t count)
{
    const char *list = "";
    for (size_t i = 0; i < count; i++)
        list = arena_printf(reading->loading->scratch, "%s%s%s", list, i > 0 ? ", " : "", words[i]);
    return list;
}

static void read_unknown_algorithm(const struct read_value *value)
{
    size_t             count;
    const char *const *names = balance_names(&count);
    const char        *meant = error_suggest(value->node->text.data, names, count);
    const char        *list  = read_list(value->reading, names, count);
    for (size_t i = 0; i < LL_COUNT(read_algorithms); i++)
        if (slice_equal(value->node->text, slice_of(read_algorithms[i]))) {
            read_refuse(value, "is not supported by this version", "one of %s", list);
            return;
        }
    if (meant != NULL)
        read_refuse(value, "is not an algorithm", "did you mean \"%s\"?", meant);
    else
        read_refuse(value, "is not an algorithm", "one of %s", list);
}

bool read_key_is_http(enum balance_key key)
{
    return key != BALANCE_KEY_NONE && key != BALANCE_KEY_CLIENT_IP;
}

static void read_algorithm(const struct read_value *value, struct balance_step_config *step)
{
    if (!read_is_text(value))
        return;
    const struct algorithm *algorithm = algorithm_find(value->node->text.data);
    if (algorithm == NULL)
        read_unknown_algorithm(value);
    else if (read_key_is_http(algorithm->key))
        read_refuse(value, "belongs to mode http, which is not supported by this version",
                    "ip_hash and sticky_ip are for mode tcp");
    else
        step->algorithm = algorithm->name;
}

static void read_hash_key(const struct read_value *value, enum balance_key *field)
{
    struct slice text = value->node->text;
    if (!read_is_text(value))
        return;
    if (slice_equal(text, SLICE("client_ip")))
        *field = BALANCE_KEY_CLIENT_IP;
    else if (slice_equal(text, SLICE("uri")) || slice_starts_with(text, SLICE("header:")) ||
             slice_starts_with(text, SLICE("cookie:")))
        read_refuse(value, "belongs to mode http, which is not supported by this version",
                    "write key: client_ip");
    else
        read_refuse(value, "is not a key", "write key: client_ip");
}

enum schema_type read_tunable_type(const struct balance_knob *knob)
{
    return knob->unit == BALANCE_DURATION  ? SCHEMA_DURATION
           : knob->unit == BALANCE_PERCENT ? SCHEMA_PERCENT
                                           : SCHEMA_COUNT;
}

/* A tunable is a knob whose row is in another table. */
static void read_tunable(const struct read_value *value, const struct balance_knob *knob,
                         struct balance_tunables *tunables)
{
    char                    example[VALUE_TEXT_MAX];
    const struct schema_row row = {
        .key     = knob->name,
        .type    = read_tunable_type(knob),
        .min     = knob->low,
        .max     = knob->high,
        .example = schema_format(read_tunable_type(knob), knob->standard, example),
    };
    struct read_value one = *value;
    uint64_t          number;
    one.row = &row;
    if (read_is_text(&one) && read_number(&one, &number))
        memcpy((char *)tunables + knob->offset, &number, sizeof number);
}

static const struct balance_knob *read_find_knob(struct slice name)
{
    size_t                     count;
    const struct balance_knob *knobs = balance_knobs(&count);
    for (size_t i = 0; i < count; i++)
        if (slice_equal(slice_of(knobs[i].name), name))
            return &knobs[i];
    return NULL;
}

static void read_unknown_knob(const struct read_value *value, const struct node *key)
{
    struct loading            *loading = value->reading->loading;
    size_t                     count;
    const struct balance_knob *knobs = balance_knobs(&count);
    const char               **names = arena_alloc(loading->scratch, count + 2, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = knobs[i].name;
    names[count++]    = "algorithm";
    names[count++]    = "key";
    const char *meant = error_suggest(key->text.data, names, count);
    errors_add(loading->errors, ERROR_FATAL, key->place,
               meant != NULL ? arena_printf(loading->scratch, "did you mean \"%s\"?", meant)
                             : arena_printf(loading->scratch, "known here are %s",
                                            read_list(value->reading, names, count)),
               "unknown key %s in balance of a pool", loading_quote(loading, key->text));
}

/* What remedies say of the two keys that are no tunables. */
static const struct schema_row read_algorithm_row = {.key = "algorithm", .example = "round_robin"};
static const struct schema_row read_key_row       = {.key = "key", .example = "client_ip"};

/* A map of the algorithm and what is set for it. */
static void read_step_map(const struct read_value *value, struct balance_step_config *step)
{
    struct reading *reading = value->reading;
    struct map      seen;
    bool            named = false;
    map_init(&seen, 0);
    for (const struct node_item *item = value->node->first; item != NULL; item = item->next) {
        const struct balance_knob *knob = read_find_knob(item->key->text);
        struct read_value          one  = *value;
        one.node                        = item->value;
        one.key = arena_printf(reading->loading->scratch, "balance.%s", item->key->text.data);
        if (!read_is_first(reading->loading, &seen, item))
            continue;
        if (slice_equal(item->key->text, SLICE("algorithm"))) {
            one.row = &read_algorithm_row;
            named   = true;
            read_algorithm(&one, step);
        } else if (slice_equal(item->key->text, SLICE("key"))) {
            one.row = &read_key_row;
            read_hash_key(&one, &step->key);
        } else if (knob != NULL) {
            read_tunable(&one, knob, &step->tunables);
        } else {
            read_unknown_knob(value, item->key);
        }
    }
    map_fini(&seen);
    if (!named)
        errors_add(reading->loading->errors, ERROR_FATAL, value->node->place,
                   "write {algorithm: least_connections}", "balance: the map names no algorithm");
}

static void read_step(const struct read_value *value, struct balance_step_config *step)
{
    if (value->node->kind == NODE_MAP && !value->node->broken)
        read_step_map(value, step);
    else
        read_algorithm(value, step);
}

void read_balance(const struct read_value *value, struct balance_config *field)
{
    const struct node      *node  = value->node;
    struct node_item        alone = {.value = node};
    const struct node_item *item  = node->kind == NODE_LIST ? node->first : &alone;
    uint32_t                count = node->kind == NODE_LIST ? node->count : 1;
    if (node->broken)
        return;
    if (count == 0 || count > BALANCE_CHAIN_MAX) {
        errors_add(value->reading->loading->errors, ERROR_FATAL, node->place,
                   "write one to four algorithms", "balance: a list of %u algorithms is too %s",
                   count, count == 0 ? "short" : "long");
        return;
    }
    struct balance_config config = balance_config_of("");
    config.count                 = count;
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        struct read_value one = *value;
        one.node              = item->value;
        config.steps[i]       = config.steps[0];
        read_step(&one, &config.steps[i]);
    }
    *field = config;
}
