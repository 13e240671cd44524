/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a file before anybody parses them: are they text at all?
 */
#ifndef LL_CONFIG_TEXT_H
#define LL_CONFIG_TEXT_H

#include "config/loading.h"

#include <stdbool.h>

/* False, and the first problem reported, where a text is not UTF-8, has control characters, or
 * lines that would keep the parser busy. A byte order mark at its start is fine. file is in the
 * loading's keep arena. */
LL_MUST_CHECK bool text_check(struct loading *loading, const char *file, struct slice text);

/* A line without its end, counted from 1. Lines that are not there are empty and at the end. */
struct slice text_line(struct slice text, int line);

#endif
