/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules about addresses: two listeners on one, and connections that would run in circles.
 */
#ifndef LL_CONFIG_VALIDATE_ADDRESSES_H
#define LL_CONFIG_VALIDATE_ADDRESSES_H

#include "config/read.h"

/* Every address is bound once. "0.0.0.0:80" beside "[::]:80" in one listener is no mistake, as
 * elsewhere that is how one listens on both families; but "[::]:80" does so already, and the other
 * is taken out. */
void validate_binds(struct reading *reading, struct config *config);

/* No server is a listener of ours whose connections would come to that server again. */
void validate_circles(struct reading *reading, const struct config *config);

/* "line 3", and the file where that is another one than the reader is looking at. */
const char *validate_line(struct reading *reading, struct error_place place,
                          struct error_place seen_from);

#endif
