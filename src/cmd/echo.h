/* SPDX-License-Identifier: Apache-2.0
 *
 * A TCP server to try a load balancer with: greets with its name, echoes every byte until the end
 * of input, and misbehaves on request.
 *
 * Not here:  the command line (backend.c). Bound: max_connections and ECHO_BUFFERS_MAX. At the
 * first it stops accepting until a connection ends, at the second connections wait for a buffer.
 * Threading: belongs to the loop's thread.
 */
#ifndef LL_CMD_ECHO_H
#define LL_CMD_ECHO_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdbool.h>
#include <stdint.h>

/* Names are short words, so that whoever reads a greeting or a log line knows where they end. */
#define ECHO_NAME_MAX 64u

/* Bytes waiting for slow readers: 256 MiB at most. */
#define ECHO_BUFFERS_MAX 4096u

/* Addresses that one server listens on. */
#define ECHO_LISTENERS_MAX 16u

struct loop;

struct echo_config {
    const char *name;
    uint32_t    max_connections;
    uint64_t    seed; /* of the choice which connections misbehave */
    bool        greeting;
    uint64_t    delay_ns;        /* before the greeting and before each echo */
    double      fail;            /* share of connections that are reset at once */
    double      stall;           /* share of connections that are accepted and then ignored */
    uint64_t    close_after;     /* echoed bytes; 0: never */
    uint64_t    refuse_ns;       /* refuses connections so long ... */
    uint64_t    refuse_every_ns; /* ... at the end of every such time; 0: never */
};

struct echo_totals {
    uint64_t connections;
    uint64_t bytes; /* echoed */
};

struct echo_server;

/* The configuration's texts, and the loop, must outlive the server. */
struct echo_server *echo_server_new(struct loop *loop, const struct echo_config *config);

/* Closes everything at once. Not from within a turn of the loop. NULL is fine. */
void echo_server_free(struct echo_server *server);

/* ret_bound is where it listens in the end, with the port that the system chose. Negative errno on
 * failure. */
LL_MUST_CHECK int echo_server_listen(struct echo_server *server, const struct address *address,
                                     struct address *ret_bound);

struct echo_totals echo_server_totals(const struct echo_server *server);

/* Letters, digits, dots, hyphens and underscores. */
bool echo_name_valid(const char *name);

#endif
