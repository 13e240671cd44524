/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithms, one per file of the same name; the registry lists them.
 */
#ifndef LL_BALANCE_ALGORITHMS_H
#define LL_BALANCE_ALGORITHMS_H

#include "balance/algorithm.h"

extern const struct algorithm algorithm_round_robin;

#endif
