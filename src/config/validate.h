/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules across several keys: names that must be unique or must exist, addresses that collide, pools
 * that cannot serve.
 */
#ifndef LL_CONFIG_VALIDATE_H
#define LL_CONFIG_VALIDATE_H

#include "config/read.h"

/* Also resolves names: afterwards every reference in config points to what it names. */
void validate_config(struct reading *reading, struct config *config);

#endif
