/* SPDX-License-Identifier: Apache-2.0
 *
 * What loading a configuration takes from outside its text: variables, files and host names.
 *
 * An interface, so that tests and fuzzing load without touching the machine that they run on.
 * Not here:  what is done with it (expand, include, read).
 */
#ifndef LL_CONFIG_OUTSIDE_H
#define LL_CONFIG_OUTSIDE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "model/address.h"

#include <stddef.h>

struct config;

struct outside_file {
    struct slice text;
    const char  *identity; /* the same however the path to the file is spelled */
};

struct config_outside {
    /* The value of an environment variable, or NULL. */
    const char *(*variable)(void *context, const char *name);

    /* Reads a whole file into the arena. 0 or a negative errno; -EFBIG for more than size_max bytes
     * and -EISDIR for a folder. */
    int (*read)(void *context, const char *path, size_t size_max, struct arena *arena,
                struct outside_file *ret_file);

    /* The files that match a pattern, in the order of their names. 0, also for none at all, or a
     * negative errno. */
    int (*match)(void *context, const char *pattern, struct arena *arena, const char ***ret_paths,
                 size_t *ret_count);

    /* Looks a host name up and fills in all but the port. NULL, or why it failed. */
    const char *(*resolve)(void *context, const char *host, struct endpoint *ret_endpoint);

    void *context; /* is passed to all of them */
};

/* The environment, the file system and the resolver of the system. */
extern const struct config_outside outside_system;

/* config_load_text (config.h) with another outside. */
struct config *config_load_from(const struct config_outside *outside, const char *name,
                                struct slice text, struct errors *errors);

#endif
