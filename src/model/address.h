/* SPDX-License-Identifier: Apache-2.0
 *
 * Where something listens: an IPv4 or IPv6 address with a port, or the path of a Unix socket.
 *
 * Pure data and its text form. Not here: sockets (net/socket.h) and name resolution (config).
 */
#ifndef LL_MODEL_ADDRESS_H
#define LL_MODEL_ADDRESS_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum address_family {
    ADDRESS_NONE, /* not known, such as the peer of a Unix socket */
    ADDRESS_IPV4,
    ADDRESS_IPV6,
    ADDRESS_UNIX,
};

/* An address of the network families, small enough to keep one per connection. */
struct endpoint {
    uint8_t  family; /* enum address_family, never ADDRESS_UNIX */
    uint16_t port;   /* host byte order */
    uint8_t  ip[16]; /* network byte order; IPv4 uses the first four */
};

/* What sun_path of Linux holds, terminator included. */
#define ADDRESS_PATH_MAX 108u

struct address {
    enum address_family family;
    struct endpoint     endpoint; /* for IPv4 and IPv6 */
    uint32_t            scope;    /* IPv6 interface index of a link-local address, else 0 */
    char                path[ADDRESS_PATH_MAX]; /* for Unix */
};

enum address_parsed {
    ADDRESS_OK,
    ADDRESS_IS_NAME,   /* well formed, but the host is a name: resolve it */
    ADDRESS_NO_PORT,   /* no ":PORT" at the end */
    ADDRESS_BAD_PORT,  /* not a number from 1 to 65535 */
    ADDRESS_BAD_HOST,  /* neither an address nor a name */
    ADDRESS_LONG_PATH, /* of a Unix socket */
};

/* "1.2.3.4:80", "[::1]:80", "unix:/path"; with any_host also ":80" and "*:80", which mean every
 * address of the machine and give IPv6 "::" (dual stack). ret_address is filled only for
 * ADDRESS_OK; for ADDRESS_IS_NAME its port is. Port 0 is accepted where any_host is, and means
 * "pick one". */
enum address_parsed address_parse(struct slice text, bool any_host, struct address *ret_address);

/* Long enough for every address in text form, terminator included. */
#define ADDRESS_TEXT_MAX (ADDRESS_PATH_MAX + 8u)

/* The form that address_parse reads. Returns text. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);
const char *endpoint_format(const struct endpoint *endpoint, char text[static ADDRESS_TEXT_MAX]);

bool address_equal(const struct address *a, const struct address *b);

#endif
