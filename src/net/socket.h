/* SPDX-License-Identifier: Apache-2.0
 *
 * Making sockets: listeners, accepted and connecting ones. All are non-blocking and close on exec.
 *
 * Failures are negative errno values.
 */
#ifndef LL_NET_SOCKET_H
#define LL_NET_SOCKET_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdbool.h>
#include <stdint.h>

/* A listening socket. shared lets several workers listen on the same address, each with a queue of
 * its own. Accepted sockets inherit TCP_NODELAY and keepalive from here, which saves calls for each
 * of them. For port 0 the kernel's choice is written to ret_bound, otherwise the address as given.
 * A stale Unix socket that nobody listens on any more is replaced. */
LL_MUST_CHECK int socket_listen(const struct address *address, bool shared,
                                struct address *ret_bound);

/* 0 where nobody listens on the address yet. Shared listeners need that look: the kernel would let
 * them join those of another process, and two programs would share one port without anybody
 * noticing. */
LL_MUST_CHECK int socket_look(const struct address *address);

LL_MUST_CHECK int socket_accept(int listener, struct endpoint *ret_peer);
LL_MUST_CHECK int socket_connect(const struct address *address); /* TCP_NODELAY is set */

/* Probes the peer when nothing has been heard from it for a minute; it is given up after another.
 * Kept apart from connecting, so that short connections do not pay four system calls for it. */
void socket_keep_alive(int fd);

/* How many descriptors this process may open, after raising the soft limit to the hard one, and,
 * with the privilege for it, to wanted. */
uint64_t socket_descriptor_limit(uint64_t wanted);

#endif
