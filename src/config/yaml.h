/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns YAML, and so JSON, into nodes.
 *
 * The one file that knows libfyaml. It reads events instead of the library's document, because then
 * an alias is a pointer to what it stands for and a few lines cannot multiply into gigabytes.
 * Variables are expanded here, in texts that are already cut out: what a variable holds can never
 * become structure.
 */
#ifndef LL_CONFIG_YAML_H
#define LL_CONFIG_YAML_H

#include "config/loading.h"
#include "config/node.h"

/* The deepest configuration that makes sense needs about eight. */
#define YAML_DEPTH_MAX 32u

/* False after errors. ret_root is NULL where the text has nothing but comments. file is in the
 * loading's keep arena. */
LL_MUST_CHECK bool yaml_parse(struct loading *loading, const char *file, struct slice text,
                              struct node **ret_root);

#endif
