/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read_value.h"

#include "base/assert.h"
#include "config/value.h"
#include "model/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct read_at {
    struct reading          *reading;
    const struct schema_row *row;
    const struct node       *node;
    const char              *shown; /* the text as messages quote it */
};

static const char *read_key_last(const struct schema_row *row)
{
    const char *dot = strrchr(row->key, '.');
    return dot != NULL ? dot + 1 : row->key;
}

const char *read_example(struct reading *reading, const struct schema_row *row)
{
    return arena_printf(reading->loading->scratch, "write %s: %s", read_key_last(row),
                        row->example);
}

LL_PRINTF(3, 4)
static void read_fail(struct read_at *at, const char *remedy, const char *format, ...)
{
    struct loading *loading = at->reading->loading;
    va_list         args;
    va_start(args, format);
    char what[512];
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    errors_add(loading->errors, ERROR_FATAL, at->node->place, remedy, "%s: %s", at->row->key, what);
}

static const char *read_example_of(struct read_at *at)
{
    return read_example(at->reading, at->row);
}

static void read_bool(struct read_at *at, bool *field)
{
    if (value_bool(at->node->text, field) != VALUE_OK)
        read_fail(at, "write true or false", "%s is neither true nor false", at->shown);
}

static void read_range_fail(struct read_at *at, const char *min, const char *max)
{
    const char *zero = at->row->zero;
    read_fail(at,
              arena_printf(at->reading->loading->scratch, "from %s to %s%s%s", min, max,
                           zero != NULL ? ", or " : "", zero != NULL ? zero : ""),
              "%s is out of range", at->shown);
}

static void read_count(struct read_at *at, uint32_t *field)
{
    const struct schema_row *row = at->row;
    char                     min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];
    uint64_t                 value;
    if (row->zero != NULL && slice_equal(at->node->text, slice_of(row->zero))) {
        *field = 0;
        return;
    }
    snprintf(min, sizeof min, "%" PRIu64, row->min);
    snprintf(max, sizeof max, "%" PRIu64, row->max);
    struct slice digits = at->node->text;
    if (slice_starts_with(digits, SLICE("-")))
        digits = slice_sub(digits, 1, digits.size);
    bool number = digits.size > 0;
    for (size_t i = 0; i < digits.size; i++)
        number = number && digits.data[i] >= '0' && digits.data[i] <= '9';
    if (!number)
        read_fail(at, read_example_of(at), "%s is not a whole number", at->shown);
    else if (!slice_to_u64(at->node->text, row->max, &value) || value < row->min)
        read_range_fail(at, min, max);
    else
        *field = (uint32_t)value;
}

static void read_quantity(struct read_at *at, uint64_t *field)
{
    const struct schema_row *row      = at->row;
    bool                     duration = row->type == SCHEMA_DURATION;
    char                     min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];
    uint64_t                 value = 0;
    struct slice             text  = at->node->text;
    enum value_result result = duration ? value_duration(text, &value) : value_size(text, &value);
    if (result == VALUE_NO_UNIT)
        read_fail(at,
                  arena_printf(at->reading->loading->scratch, "write %.*s%s", SLICE_ARG(text),
                               duration ? "s for seconds, or ms, m, h" : "KiB, or B, MiB, GiB"),
                  "%s has no unit", at->shown);
    else if (result == VALUE_BAD)
        read_fail(at,
                  duration ? "write a whole number and ms, s, m, h or d, such as 250ms or 1h30m"
                           : "write a whole number and B, KiB, MiB or GiB, such as 64KiB",
                  "%s is not a %s", at->shown, duration ? "duration" : "size");
    else if (result == VALUE_LARGE || value < row->min || value > row->max)
        read_range_fail(
            at, duration ? value_format_duration(row->min, min) : value_format_size(row->min, min),
            duration ? value_format_duration(row->max, max) : value_format_size(row->max, max));
    else
        *field = value;
}

static void read_word(struct read_at *at, uint32_t *field)
{
    const char *known[16];
    size_t      count = 0;
    const char *list  = "";
    for (const struct schema_word *word = at->row->words; word->word != NULL; word++) {
        if (slice_equal(at->node->text, slice_of(word->word)) && word->later) {
            read_fail(at, read_example_of(at), "%s is not supported by this version", at->shown);
            return;
        }
        if (slice_equal(at->node->text, slice_of(word->word))) {
            *field = word->value;
            return;
        }
        if (word->later)
            continue;
        LL_ASSERT(count < LL_COUNT(known));
        known[count++] = word->word;
        list           = arena_printf(at->reading->loading->scratch, "%s%s%s", list,
                            list[0] != '\0' ? ", " : "", word->word);
    }
    const char *meant = error_suggest(at->node->text.data, known, count);
    read_fail(at,
              meant != NULL ? arena_printf(at->reading->loading->scratch, "did you mean %s?", meant)
                            : arena_printf(at->reading->loading->scratch, "one of %s", list),
              "%s is not known", at->shown);
}

bool read_name_check(struct reading *reading, const char *key, struct error_place place,
                     struct slice name)
{
    const char *problem = NULL;
    if (name.size == 0)
        problem = "is empty";
    else if (name.size > SERVER_ID_MAX)
        problem = "is too long";
    for (size_t i = 0; i < name.size && problem == NULL; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte <= ' ' || byte == 0x7f)
            problem = "has a space or a control character in it";
    }
    if (problem != NULL)
        errors_add(reading->loading->errors, ERROR_FATAL, place,
                   "use letters, digits, dots, hyphens and underscores", "%s: %s %s", key,
                   loading_quote(reading->loading, name), problem);
    return problem == NULL;
}

static void read_text(struct read_at *at, const char **field)
{
    struct slice text = at->node->text;
    if (text.size == 0) {
        read_fail(at, read_example_of(at), "the value is empty");
        return;
    }
    for (const struct schema_word *word = at->row->words; word != NULL && word->word != NULL;
         word++)
        if (strcmp(word->word, "off") == 0 && node_is_off(at->node))
            text = SLICE("off"); /* false is how JSON says it */
    *field = arena_string(at->reading->loading->keep, text);
}

/* Why a text is not an address, for messages. */
static void read_address_fail(struct read_at *at, bool any_host, enum address_parsed problem)
{
    struct arena *scratch = at->reading->loading->scratch;
    struct slice  text    = at->node->text;
    size_t        colons  = 0;
    uint64_t      port;
    for (size_t i = 0; i < text.size; i++)
        colons += text.data[i] == ':';
    if (slice_to_u64(text, UINT16_MAX, &port))
        read_fail(at,
                  arena_printf(scratch, "write \"%s:%.*s\"", any_host ? "" : "127.0.0.1",
                               SLICE_ARG(text)),
                  "%s is a port without an address", at->shown);
    else if (problem == ADDRESS_LONG_PATH)
        read_fail(at,
                  arena_printf(scratch, "the system takes at most %u bytes", ADDRESS_PATH_MAX - 1),
                  "the path in %s is too long for a Unix socket", at->shown);
    else if (colons > 1 && text.data[0] != '[')
        read_fail(at, "write it in brackets with a port, such as \"[2001:db8::1]:9001\"",
                  "%s looks like an IPv6 address without brackets", at->shown);
    else if (problem == ADDRESS_NO_PORT)
        read_fail(at,
                  arena_printf(scratch, "write %s with a port, such as \"127.0.0.1:9001\"", "it"),
                  "%s has no port", at->shown);
    else if (problem == ADDRESS_BAD_PORT)
        read_fail(at,
                  any_host ? "from 1 to 65535, or 0 to let the system choose" : "from 1 to 65535",
                  "the port of %s is not a port number", at->shown);
    else
        read_fail(at, read_example_of(at), "%s is not an address", at->shown);
}

static bool read_address(struct read_at *at, bool any_host, struct address *field)
{
    struct loading     *loading = at->reading->loading;
    struct address      address;
    struct slice        text   = at->node->text;
    enum address_parsed parsed = address_parse(text, any_host, &address);
    if (parsed == ADDRESS_IS_NAME) {
        struct slice host = slice_sub(text, 0, slice_find_last(text, ':'));
        const char  *name = arena_string(loading->scratch, host);
        const char  *problem =
            loading->outside->resolve(loading->outside->context, name, &address.endpoint);
        if (problem != NULL) {
            read_fail(at, "check the name, or write an IP address", "%s cannot be looked up: %s",
                      loading_quote(loading, host), problem);
            return false;
        }
        address.family = (enum address_family)address.endpoint.family;
    } else if (parsed != ADDRESS_OK) {
        read_address_fail(at, any_host, parsed);
        return false;
    }
    *field = address;
    return true;
}

static void read_reference(struct read_at *at, uint32_t *field)
{
    struct reading        *reading   = at->reading;
    struct read_reference *reference = arena_alloc(reading->loading->scratch, 1, sizeof *reference);
    *reference                       = (struct read_reference){
                              .field = field, .name = at->node->text.data, .next = reading->references};
    reading->references = reference;
}

/* False, and reported, where the node is not a text that says something. */
static bool read_is_text(struct read_at *at)
{
    if (at->node->broken)
        return false;
    if (at->node->kind != NODE_TEXT)
        read_fail(at, read_example_of(at), "this must be one value, not %s",
                  node_kind_name(at->node));
    else if (node_is_null(at->node))
        read_fail(at,
                  arena_printf(at->reading->loading->scratch, "%s, or remove the key",
                               read_example_of(at)),
                  "there is no value");
    else
        return true;
    return false;
}

void read_value(struct reading *reading, const struct schema_row *row, const struct node *node,
                void *field)
{
    struct read_at at = {.reading = reading, .row = row, .node = node};
    if (!read_is_text(&at))
        return;
    at.shown = loading_quote(reading->loading, node->text);
    switch (row->type) {
    case SCHEMA_BOOL:
        read_bool(&at, field);
        break;
    case SCHEMA_COUNT:
        read_count(&at, field);
        break;
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        read_quantity(&at, field);
        break;
    case SCHEMA_WORD:
        read_word(&at, field);
        break;
    case SCHEMA_NAME:
        if (!read_name_check(reading, row->key, node->place, node->text))
            break;
        read_text(&at, field);
        break;
    case SCHEMA_TEXT:
    case SCHEMA_ALGORITHM:
        read_text(&at, field);
        break;
    case SCHEMA_ADDRESS:
        (void)read_address(&at, false, field);
        break;
    case SCHEMA_POOL_NAME:
        read_reference(&at, field);
        break;
    default:
        LL_NEVER("this type is not one value");
    }
}

void read_binds(struct reading *reading, const struct schema_row *row, const struct node *node,
                struct address **field, uint32_t *count)
{
    struct node_item        alone = {.value = node};
    const struct node_item *item  = &alone;
    uint32_t                size  = 1;
    if (node->kind == NODE_LIST) {
        item = node->first;
        size = node->count;
    }
    struct address *addresses = arena_alloc(reading->loading->keep, size, sizeof *addresses);
    uint32_t        good      = 0;
    for (; item != NULL; item = item->next) {
        struct read_at at = {.reading = reading, .row = row, .node = item->value};
        if (!read_is_text(&at))
            continue;
        at.shown = loading_quote(reading->loading, item->value->text);
        if (read_address(&at, true, &addresses[good]))
            read_note(reading, &addresses[good++], item->value->place);
    }
    if (size == 0)
        errors_add(reading->loading->errors, ERROR_FATAL, node->place, read_example(reading, row),
                   "%s: the list is empty", row->key);
    *field = addresses;
    *count = good;
}
