/* SPDX-License-Identifier: Apache-2.0
 *
 * Which servers of a view have the least load, kept up to date by every change of one: a tournament
 * of 16-ary nodes, lock-free.
 *
 * A node is one word: at most the least key of the 16 words below it. A key that falls is carried
 * upwards at once, as far as it is below what stands there. One that rises is left alone: nodes
 * then promise too little, which whoever comes down to find it out corrects, so most rises cost one
 * word.
 *
 * To correct a node: read it, take the least of what is below, swap that in, and look again until
 * nothing has changed in between; then do the same above it. After every swap, even of a value that
 * was stale by then, its author looks again, so that no fall is lost.
 *
 * Staleness: a pick is wrong by no more than the changes that are under way on other threads at
 * that moment.
 * Threading: update and the queries from any number of threads.
 * Memory:    from the arena given.
 */
#ifndef LL_BALANCE_LOAD_TREE_H
#define LL_BALANCE_LOAD_TREE_H

#include "base/arena.h"
#include "model/pool_view.h"

#include <stdbool.h>
#include <stdint.h>

struct load_tree;

/* The key of a server that must not be picked. */
#define LOAD_TREE_OUT UINT32_MAX

/* The key of now: less is better. */
typedef uint32_t load_tree_key_fn(const struct pool_view *view, uint32_t index);

struct load_tree *load_tree_build(const struct pool_view *view, load_tree_key_fn *key,
                                  struct arena *arena);

/* For as long as the tree lives, whatever its key. Before other threads see the tree. */
void load_tree_exclude(struct load_tree *tree, uint32_t index);

/* The server's key may have changed. */
void load_tree_update(struct load_tree *tree, uint32_t index);
void load_tree_update_all(struct load_tree *tree);

/* A random one of those with the least key, or POOL_NO_INDEX where all are out. All that tie are
 * equally likely where they are not few; of few, the one after a random place is taken. */
uint32_t load_tree_least(struct load_tree *tree, uint64_t random);

/* Whether a server with the least key so far is acceptable. */
typedef bool load_tree_accept_fn(const void *context, uint32_t index);

/* One with the least key of those that are acceptable, or POOL_NO_INDEX. Ties go to the next after
 * a random place. As fast as few are refused. */
uint32_t load_tree_search(const struct load_tree *tree, uint64_t random,
                          load_tree_accept_fn *accept, const void *context);

/* The first of those that are not out, or POOL_NO_INDEX. */
uint32_t load_tree_first(struct load_tree *tree);

#endif
