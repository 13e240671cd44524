/* SPDX-License-Identifier: Apache-2.0
 *
 * What the steps of loading one configuration share: where errors go, whose memory to use, how much
 * may still be read.
 *
 * Memory:    keep is the configuration's arena and lives as long as it, scratch goes when loading
 * ends. Whatever an error place or the configuration points to is in keep.
 */
#ifndef LL_CONFIG_LOADING_H
#define LL_CONFIG_LOADING_H

#include "base/arena.h"
#include "base/error.h"
#include "config/outside.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A server in its long form takes some 60 bytes: this holds a good fifteen thousand of them. */
#define LOADING_FILE_MAX ((size_t)1 << 20)

/* In all files together and with aliases followed, so that a few lines which multiply themselves
 * cannot take the machine with them. */
#define LOADING_NODES_MAX 200000u

/* Bytes that variables may add up to; one of them can be long and stand in many places. */
#define LOADING_EXPANDED_MAX ((size_t)1 << 20)

struct loading {
    const struct config_outside *outside;
    struct errors               *errors;
    struct arena                *keep;
    struct arena                *scratch;
    uint32_t                     node_count; /* made so far */
    uint32_t                     weight;     /* the same with aliases followed */
    size_t                       expanded_size;
};

/* True where there are so many errors that nobody would read more of them: a file that is something
 * else altogether. Finding the rest would only take time and memory. */
bool loading_is_hopeless(const struct loading *loading);

/* A text in double quotes for a message: control characters made visible, long ones cut short. */
const char *loading_quote(struct loading *loading, struct slice text);

#endif
