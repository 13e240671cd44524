/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "base/alloc.h"
#include "config/include.h"
#include "config/read.h"
#include "config/validate.h"

#include <stdlib.h>

static const char config_default_text[] = "listeners:\n"
                                          "  - bind: \":8000\"\n"
                                          "    pool: default\n"
                                          "pools:\n"
                                          "  default:\n"
                                          "    balance: round_robin\n"
                                          "    servers:\n"
                                          "      - \"127.0.0.1:9001\"\n"
                                          "      - \"127.0.0.1:9002\"\n"
                                          "      - \"127.0.0.1:9003\"\n";

/* text is NULL where name is a file to read. */
static struct config *config_build(const struct config_outside *outside, const char *name,
                                   const struct slice *text, struct errors *errors)
{
    struct config *config = alloc_zero(1, sizeof *config);
    struct arena   scratch;
    arena_init(&config->arena);
    arena_init(&scratch);
    struct loading loading = {
        .outside = outside, .errors = errors, .keep = &config->arena, .scratch = &scratch};
    unsigned before = errors->fatal;

    config->source          = arena_string(&config->arena, slice_of(name));
    const struct node *root = text != NULL ? include_text(&loading, config->source, *text)
                                           : include_file(&loading, config->source);
    if (root != NULL) {
        struct reading reading;
        reading_init(&reading, &loading);
        read_config(&reading, root, config);
        validate_config(&reading, config);
        reading_fini(&reading);
    }
    arena_fini(&scratch);
    if (root != NULL && errors->fatal == before)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load_from(const struct config_outside *outside, const char *name,
                                struct slice text, struct errors *errors)
{
    return config_build(outside, name, &text, errors);
}

struct config *config_load_text(const char *name, struct slice text, struct errors *errors)
{
    return config_build(&outside_system, name, &text, errors);
}

struct config *config_load(const char *path, struct errors *errors)
{
    return config_build(&outside_system, path, NULL, errors);
}

struct config *config_load_default(struct errors *errors)
{
    return config_load_text("built-in default", SLICE(config_default_text), errors);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    arena_fini(&config->arena);
    free(config);
}
