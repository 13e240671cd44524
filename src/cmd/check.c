/* SPDX-License-Identifier: Apache-2.0
 *
 * `limeload check`, and reading the configuration for all verbs.
 */
#include "base/error.h"
#include "cmd/cmd.h"
#include "cmd/load_config.h"

#include <stdio.h>
#include <unistd.h>

#define CHECK_DEFAULT_FILE "limeload.yaml"

static struct config *check_load(const char *path, struct errors *errors)
{
    if (path == NULL && access(CHECK_DEFAULT_FILE, F_OK) == 0)
        path = CHECK_DEFAULT_FILE;
    return path != NULL ? config_load(path, errors) : config_load_default(errors);
}

struct config *cmd_load_config(const char *path)
{
    struct errors errors;
    errors_init(&errors);
    struct config *config = check_load(path, &errors);
    errors_print(&errors, stderr);
    errors_fini(&errors);
    return config;
}

int cmd_check_config(const char *path)
{
    struct config *config = cmd_load_config(path);
    if (config == NULL)
        return CMD_FAILED;
    printf("%s: good (listeners: %u, pools: %u)\n", config->source, config->listener_count,
           config->pool_count);
    config_free(config);
    return CMD_OK;
}

struct check_options {
    const char *config;
};

static int check_main(int argc, char **argv)
{
    struct check_options options = {0};
    int                  exit;
    if (!args_parse(&verb_check, argc, argv, &options, &exit))
        return exit;
    return cmd_check_config(options.config);
}

static const struct args_option check_rows[] = {
    {.name   = "config",
     .letter = 'c',
     .kind   = ARGS_TEXT,
     .value  = "FILE",
     .help   = "The configuration. Without it ./limeload.yaml is checked if it exists, else the "
               "built-in default.",
     .offset = offsetof(struct check_options, config)},
};

const struct verb verb_check = {
    .name    = "check",
    .summary = "checks a configuration and says what is wrong with it",
    .text    = "Prints every problem as FILE:LINE:COLUMN: what is wrong (what to do about it).\n"
               "Exit status: 0 good, 1 not.",
    .options = check_rows,
    .option_count = LL_COUNT(check_rows),
    .run          = check_main,
};
