/* SPDX-License-Identifier: Apache-2.0 */
#include "model/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool address_parse_ip(struct slice host, enum address_family family,
                             struct endpoint *endpoint)
{
    char text[INET6_ADDRSTRLEN];
    if (host.size == 0 || host.size >= sizeof text)
        return false;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    if (inet_pton(family == ADDRESS_IPV4 ? AF_INET : AF_INET6, text, endpoint->ip) != 1)
        return false;
    endpoint->family = (uint8_t)family;
    return true;
}

/* Letters, digits, dots, hyphens and underscores, and not just digits and dots: that would be an
 * address with a slip in it. */
static bool address_is_name(struct slice host)
{
    bool letter = false;
    for (size_t i = 0; i < host.size; i++) {
        char byte = host.data[i];
        bool good = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
        letter    = letter || good;
        if (!good && !(byte >= '0' && byte <= '9') && byte != '.' && byte != '-')
            return false;
    }
    return letter && host.size <= 253;
}

static enum address_parsed address_parse_unix(struct slice path, struct address *ret_address)
{
    if (path.size == 0)
        return ADDRESS_BAD_HOST;
    if (path.size >= ADDRESS_PATH_MAX)
        return ADDRESS_LONG_PATH;
    *ret_address = (struct address){.family = ADDRESS_UNIX};
    memcpy(ret_address->path, path.data, path.size);
    return ADDRESS_OK;
}

enum address_parsed address_parse(struct slice text, bool any_host, struct address *ret_address)
{
    /* The system's functions would stop at it and take the rest for nothing. */
    if (slice_find(text, '\0') != text.size)
        return ADDRESS_BAD_HOST;
    if (slice_starts_with(text, SLICE("unix:")))
        return address_parse_unix(slice_sub(text, 5, text.size), ret_address);

    size_t colon = slice_find_last(text, ':');
    if (colon == text.size || (text.size > 0 && text.data[text.size - 1] == ']'))
        return ADDRESS_NO_PORT;
    struct slice host = slice_sub(text, 0, colon);
    uint64_t     port;
    if (!slice_to_u64(slice_sub(text, colon + 1, text.size), UINT16_MAX, &port) ||
        (port == 0 && !any_host))
        return ADDRESS_BAD_PORT;

    struct address address = {.endpoint.port = (uint16_t)port};
    bool           any     = any_host && (host.size == 0 || slice_equal(host, SLICE("*")));
    if (any) {
        address.endpoint.family = ADDRESS_IPV6; /* all zeros is "::" */
    } else if (host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        if (!address_parse_ip(slice_sub(host, 1, host.size - 2), ADDRESS_IPV6, &address.endpoint))
            return ADDRESS_BAD_HOST;
    } else if (!address_parse_ip(host, ADDRESS_IPV4, &address.endpoint)) {
        if (!address_is_name(host))
            return ADDRESS_BAD_HOST;
        *ret_address = address;
        return ADDRESS_IS_NAME;
    }
    address.family = (enum address_family)address.endpoint.family;
    *ret_address   = address;
    return ADDRESS_OK;
}

const char *endpoint_format(const struct endpoint *endpoint, char text[static ADDRESS_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "";
    if (endpoint->family == ADDRESS_IPV4) {
        inet_ntop(AF_INET, endpoint->ip, ip, sizeof ip);
        snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", ip, endpoint->port);
    } else if (endpoint->family == ADDRESS_IPV6) {
        inet_ntop(AF_INET6, endpoint->ip, ip, sizeof ip);
        snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", ip, endpoint->port);
    } else {
        snprintf(text, ADDRESS_TEXT_MAX, "unknown");
    }
    return text;
}

const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
    if (address->family == ADDRESS_UNIX)
        snprintf(text, ADDRESS_TEXT_MAX, "unix:%s", address->path);
    else
        endpoint_format(&address->endpoint, text);
    return text;
}

bool address_equal(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return false;
    if (a->family == ADDRESS_UNIX)
        return strcmp(a->path, b->path) == 0;
    size_t size = a->family == ADDRESS_IPV4 ? 4 : 16;
    return a->endpoint.port == b->endpoint.port && a->scope == b->scope &&
           memcmp(a->endpoint.ip, b->endpoint.ip, size) == 0;
}
