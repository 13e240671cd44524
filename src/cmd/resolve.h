/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as people write them on a command line.
 *
 * Blocks while it asks the resolver, so it is for the start of a verb only.
 */
#ifndef LL_CMD_RESOLVE_H
#define LL_CMD_RESOLVE_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdbool.h>

/* What is wrong with an address and how to write it, to follow after the address itself. */
#define RESOLVE_REMEDY_MAX 160u

/* "127.0.0.1:8000", "[::1]:8000", "localhost:8000", "unix:/path", and ":8000" for this machine. */
LL_MUST_CHECK bool resolve_connect(const char *text, struct address *ret_address,
                                   char ret_remedy[static RESOLVE_REMEDY_MAX]);

/* The same, but ":8000" is every address of this machine, and port 0 lets the system choose. */
LL_MUST_CHECK bool resolve_listen(const char *text, struct address *ret_address,
                                  char ret_remedy[static RESOLVE_REMEDY_MAX]);

#endif
