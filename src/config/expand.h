/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables of the environment in values: ${NAME}, ${NAME:-default}, ${NAME:?message}, and $$ for a
 * plain dollar.
 */
#ifndef LL_CONFIG_EXPAND_H
#define LL_CONFIG_EXPAND_H

#include "config/loading.h"

/* The text with its variables replaced, terminated and in the scratch arena. Errors carry the place
 * given; after one, the text is returned as far as it goes. */
struct slice expand_variables(struct loading *loading, struct error_place place, struct slice text);

#endif
