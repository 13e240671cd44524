/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads how a pool balances: an algorithm, one with tunables, or a chain of them.
 *
 * Names come from the registry of balance/, tunables from its table of knobs.
 */
#ifndef LL_CONFIG_READ_BALANCE_H
#define LL_CONFIG_READ_BALANCE_H

#include "balance/balance_config.h"
#include "config/read_value.h"

/* Every step names an algorithm afterwards, unless something was reported. */
void read_balance(const struct read_value *value, struct balance_config *field);

/* True for what TCP connections do not have. */
bool read_key_is_http(enum balance_key key);

/* The kind of number that a tunable is. */
enum schema_type read_tunable_type(const struct balance_knob *knob);

#endif
