/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns YAML, and so JSON, into nodes.
 *
 * The one file that knows libyaml. An alias becomes a pointer to what it stands for, so that a few
 * lines cannot multiply into gigabytes. Variables are expanded here, in texts that are already cut
 * out: what a variable holds can never become structure.
 */
#ifndef LL_CONFIG_TREE_H
#define LL_CONFIG_TREE_H

#include "config/loading.h"
#include "config/node.h"

/* The deepest configuration that makes sense needs about eight. */
#define TREE_DEPTH_MAX 32u

/* False after errors. ret_root is NULL where the text has nothing but comments. file is in the
 * loading's keep arena. */
LL_MUST_CHECK bool tree_parse(struct loading *loading, const char *file, struct slice text,
                              struct node **ret_root);

#endif
