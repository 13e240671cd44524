/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a view of a pool: which tier serves, whether in panic, which subset, who starts slowly.
 *
 * Threading: the control thread. Memory: the caller frees the view's arena and the view.
 */
#ifndef LL_MODEL_POOL_BUILD_H
#define LL_MODEL_POOL_BUILD_H

#include "model/pool.h"
#include "model/pool_sets.h"

/* old is the view before, or NULL. The policy's part is left to the caller. */
struct pool_view *pool_build(const struct pool_sets *sets, const struct pool_settings *settings,
                             uint32_t slot_count, const struct pool_view *old, uint64_t now_ns);

#endif
