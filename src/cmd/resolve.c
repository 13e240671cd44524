/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/resolve.h"

#include "base/assert.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *resolve_remedy(enum address_parsed parsed)
{
    switch (parsed) {
    case ADDRESS_NO_PORT:
        return "lacks a port (write HOST:PORT, such as 127.0.0.1:8000)";
    case ADDRESS_BAD_PORT:
        return "has no good port (write a number from 1 to 65535 after the colon)";
    case ADDRESS_LONG_PATH:
        return "is too long for a Unix socket (at most 107 characters)";
    case ADDRESS_BAD_HOST:
        return "is not an address (write 127.0.0.1:8000, [::1]:8000 or unix:/path)";
    case ADDRESS_OK:
    case ADDRESS_IS_NAME:
        break;
    }
    LL_NEVER("an address without a fault");
}

/* The first address of the name in the resolver's order, which follows RFC 6724. */
static bool resolve_name(const char *text, struct address *address,
                         char ret_remedy[static RESOLVE_REMEDY_MAX])
{
    char             host[256];
    struct slice     name  = slice_of(text);
    struct addrinfo  hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)snprintf(host, sizeof host, "%.*s", (int)slice_find_last(name, ':'), text);
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error != 0) {
        (void)snprintf(ret_remedy, RESOLVE_REMEDY_MAX, "is a name without an address: %s",
                       gai_strerror(error));
        return false;
    }
    if (found->ai_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)found->ai_addr;
        memcpy(address->endpoint.ip, &ipv4->sin_addr, 4);
        address->family = ADDRESS_IPV4;
    } else {
        const struct sockaddr_in6 *ipv6 = (const void *)found->ai_addr;
        memcpy(address->endpoint.ip, &ipv6->sin6_addr, 16);
        address->family = ADDRESS_IPV6;
        address->scope  = ipv6->sin6_scope_id;
    }
    address->endpoint.family = (uint8_t)address->family;
    freeaddrinfo(found);
    return true;
}

static bool resolve_any(const char *text, bool any_host, struct address *ret_address,
                        char ret_remedy[static RESOLVE_REMEDY_MAX])
{
    enum address_parsed parsed = address_parse(slice_of(text), any_host, ret_address);
    if (parsed == ADDRESS_OK)
        return true;
    if (parsed == ADDRESS_IS_NAME)
        return resolve_name(text, ret_address, ret_remedy);
    (void)snprintf(ret_remedy, RESOLVE_REMEDY_MAX, "%s", resolve_remedy(parsed));
    return false;
}

bool resolve_connect(const char *text, struct address *ret_address,
                     char ret_remedy[static RESOLVE_REMEDY_MAX])
{
    char local[32];
    if (text[0] == ':' && strlen(text) < 8) {
        (void)snprintf(local, sizeof local, "127.0.0.1%s", text);
        text = local;
    }
    return resolve_any(text, false, ret_address, ret_remedy);
}

bool resolve_listen(const char *text, struct address *ret_address,
                    char ret_remedy[static RESOLVE_REMEDY_MAX])
{
    return resolve_any(text, true, ret_address, ret_remedy);
}
