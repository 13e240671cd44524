/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and reading the configuration, the same way for every verb that needs it.
 */
#ifndef LL_CMD_LOAD_CONFIG_H
#define LL_CMD_LOAD_CONFIG_H

#include "config/config.h"

/* path NULL: ./limeload.yaml if it exists, else the built-in default. All problems go to stderr;
 * NULL where one of them is fatal. */
struct config *cmd_load_config(const char *path);

/* `limeload check` and `limeload run -t`: an enum cmd_exit. */
int cmd_check_config(const char *path);

#endif
