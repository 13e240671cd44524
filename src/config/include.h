/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes one tree of a configuration and the files that it includes.
 */
#ifndef LL_CONFIG_INCLUDE_H
#define LL_CONFIG_INCLUDE_H

#include "config/loading.h"
#include "config/node.h"

/* How deep included files may include others. */
#define INCLUDE_DEPTH_MAX 8u

/* Files in all. */
#define INCLUDE_FILES_MAX 1000u

/* Parses a text and merges into it what it includes, relative to the folder of path. Returns the
 * root, or NULL after errors that leave nothing worth reading. */
struct node *include_text(struct loading *loading, const char *path, struct slice text);

/* The same for a file. */
struct node *include_file(struct loading *loading, const char *path);

#endif
