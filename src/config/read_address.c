/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read_value.h"

#include <string.h>

static void read_refuse_address(const struct read_value *value, bool any_host,
                                enum address_parsed problem)
{
    struct slice text   = value->node->text;
    size_t       colons = 0;
    for (size_t i = 0; i < text.size; i++)
        colons += text.data[i] == ':';

    uint64_t port;
    if (slice_to_u64(text, UINT16_MAX, &port))
        read_refuse(value, "is a port without an address", "write \"%s:%s\"",
                    any_host ? "" : "127.0.0.1", text.data);
    else if (memmem(text.data, text.size, "://", 3) != NULL)
        read_refuse(value, "is a URL", "write HOST:PORT alone");
    else if (problem == ADDRESS_LONG_PATH)
        read_refuse(value, "is too long for a Unix socket", "the path may have %u bytes",
                    ADDRESS_PATH_MAX - 1);
    else if (colons > 1 && text.data[0] != '[')
        read_refuse(value, "looks like IPv6, which needs brackets and a port",
                    "write it like \"[2001:db8::1]:9001\"");
    else if (problem == ADDRESS_NO_PORT)
        read_refuse(value, "has no port", "write \"%s:PORT\"", text.data);
    else if (problem == ADDRESS_BAD_PORT)
        read_refuse(value, "does not end in a port number", "from 1 to 65535%s",
                    any_host ? ", or 0 to let the system choose" : "");
    else
        read_refuse(value, "is not an address", "%s", read_example(value->reading, value->row));
}

/* Fills in all but the port. */
static bool read_host(const struct read_value *value, struct endpoint *endpoint)
{
    struct loading *loading = value->reading->loading;
    struct slice    text    = value->node->text;
    struct slice    host    = slice_sub(text, 0, slice_find_last(text, ':'));
    const char     *problem = loading->outside->resolve(loading->outside->context,
                                                        arena_string(loading->scratch, host), endpoint);
    if (problem != NULL)
        errors_add(loading->errors, ERROR_FATAL, value->node->place,
                   "check the name, or write an IP address", "%s: %s cannot be looked up: %s",
                   value->key, loading_quote(loading, host), problem);
    return problem == NULL;
}

bool read_address(const struct read_value *value, bool any_host, struct address *field)
{
    struct address      address;
    enum address_parsed parsed = address_parse(value->node->text, any_host, &address);
    if (parsed != ADDRESS_OK && parsed != ADDRESS_IS_NAME) {
        read_refuse_address(value, any_host, parsed);
        return false;
    }
    if (parsed == ADDRESS_IS_NAME && !read_host(value, &address.endpoint))
        return false;
    if (parsed == ADDRESS_IS_NAME)
        address.family = (enum address_family)address.endpoint.family;
    *field = address;
    return true;
}

void read_binds(const struct read_value *value, struct address **field, uint32_t *count)
{
    struct reading         *reading = value->reading;
    const struct node      *node    = value->node;
    struct node_item        alone   = {.value = node};
    const struct node_item *item    = node->kind == NODE_LIST ? node->first : &alone;
    uint32_t                size    = node->kind == NODE_LIST ? node->count : 1;
    if (size == 0 || size > READ_BINDS_MAX) {
        errors_add(
            reading->loading->errors, ERROR_FATAL, node->place,
            size == 0 ? read_example(reading, value->row) : "at most 64; add another listener",
            size == 0 ? "%s: the list is empty" : "%s: these are too many addresses", value->key);
        return;
    }
    *field = arena_alloc(reading->loading->keep, size, sizeof **field);
    for (; item != NULL; item = item->next) {
        struct read_value one = *value;
        one.node              = item->value;
        if (read_is_text(&one) && read_address(&one, true, &(*field)[*count]))
            read_note(reading, &(*field)[(*count)++], item->value);
    }
}
