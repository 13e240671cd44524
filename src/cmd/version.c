/* SPDX-License-Identifier: Apache-2.0
 *
 * Which limeload this is, and which libraries it runs with: the ones that are loaded now, which
 * may be newer than those it was built with.
 */
#include "cmd/cmd.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <xxhash.h>
#include <yaml.h>

#ifdef __clang__
#define VERSION_COMPILER __VERSION__ /* begins with its name */
#else
#define VERSION_COMPILER "gcc " __VERSION__
#endif

static int version_run(int argc, char **argv)
{
    int  code;
    char unused;
    if (!args_parse(&verb_version, argc, argv, &unused, &code))
        return code;
    unsigned xxhash = XXH_versionNumber();
    printf("limeload " LIMELOAD_VERSION "\n"
           "libyaml %s\n"
           "libxxhash %u.%u.%u\n"
           "glibc %s\n"
           "compiler " VERSION_COMPILER "\n",
           yaml_get_version_string(), xxhash / 10000, xxhash / 100 % 100, xxhash % 100,
           gnu_get_libc_version());
    return CMD_OK;
}

const struct verb verb_version = {
    .name    = "version",
    .summary = "print the versions of limeload and its libraries",
    .run     = version_run,
};
