/* SPDX-License-Identifier: Apache-2.0 */
#include "config/docs.h"

#include "balance/algorithm.h"
#include "base/compiler.h"
#include "base/slice.h"
#include "config/include.h"
#include "config/read_balance.h"
#include "config/schema.h"
#include "config/tree.h"

#include <string.h>

static const char docs_head[] =
    "<!-- Written by `make docs` from src/config/schema.c; change that, not this. -->\n"
    "# Configuration\n"
    "\n"
    "`limeload run -c FILE` reads one file of YAML, or JSON, and what it includes; `limeload check "
    "-c FILE` says what is wrong with it, without running anything. This is all it takes:\n"
    "\n"
    "```yaml\n"
    "listeners:\n"
    "  - bind: \":8000\"\n"
    "    pool: echo\n"
    "pools:\n"
    "  echo:\n"
    "    servers: [\"127.0.0.1:9001\", \"127.0.0.1:9002\", \"127.0.0.1:9003\"]\n"
    "```\n"
    "\n"
    "and this shows most of what there is:\n"
    "\n"
    "```yaml\n"
    "workers: auto\n"
    "timeouts: {drain: 30s}\n"
    "log:\n"
    "  level: info\n"
    "  access: {path: /var/log/limeload/access.log, format: json}\n"
    "listeners:\n"
    "  - name: database\n"
    "    bind: [\"10.0.0.1:5432\", \"unix:/run/limeload/database.sock\"]\n"
    "    pool: database\n"
    "    limits: {max_connections: 10000}\n"
    "    timeouts: {tunnel_idle: 8h}\n"
    "pools:\n"
    "  database:\n"
    "    balance: round_robin\n"
    "    timeouts: {connect: 500ms}\n"
    "    servers:\n"
    "      - {id: db1, address: \"10.0.0.11:5432\"}\n"
    "      - {id: db2, address: \"${SECOND_DATABASE:-10.0.0.12:5432}\"}\n"
    "      - {id: db3, address: \"10.0.0.13:5432\", weight: 0}  # gets nothing for now\n"
    "include: conf.d/*.yaml\n"
    "```\n"
    "\n"
    "## How values are written\n"
    "\n"
    "| Kind | Looks like | |\n"
    "|---|---|---|\n"
    "| duration | `250ms` `5s` `1m` `24h` `7d` `1h30m` | never without a unit |\n"
    "| yes or no | `true` `on` `yes` · `false` `off` `no` | |\n"
    "| address | `\"127.0.0.1:9001\"` `\"[::1]:9001\"` `\"app.internal:9001\"` "
    "`\"unix:/run/app.sock\"` | quotes never hurt, and `[` needs them |\n"
    "| name | `web` | no spaces |\n"
    "| variable | `${NAME}` `${NAME:-default}` `${NAME:?message}` | from the environment, inside "
    "any value; an empty variable counts as missing where there is a default or a message; `$$` is "
    "a plain dollar |\n"
    "\n"
    "Variables are put in after the file has been parsed: what they hold can never add keys. A "
    "variable that is not set, and has no default, is an error. In `{ }` and `[ ]` a value with a "
    "variable needs quotes.\n"
    "\n"
    "Unknown keys, keys that come twice, values of the wrong kind and names that lead nowhere are "
    "errors. All are reported at once, as `FILE:LINE:COLUMN: what is wrong (what to do)`. "
    "limeload reads its configuration when it starts; this version does not reload it.\n";

static const char *const docs_titles[SCHEMA_SECTIONS] = {
    [SCHEMA_ROOT]     = "Top level",
    [SCHEMA_LISTENER] = "`listeners`",
    [SCHEMA_POOL]     = "`pools`",
    [SCHEMA_SERVER]   = "`servers` of a pool",
};

static const char *const docs_intros[SCHEMA_SECTIONS] = {
    [SCHEMA_ROOT] = "Keys at the left margin. A dot stands for a map in a map: `timeouts.drain` is "
                    "`timeouts: {drain: 30s}`.",
    [SCHEMA_LISTENER] = "A list of these.",
    [SCHEMA_POOL]     = "A map of these by name: `pools: {NAME: {...}}`.",
    [SCHEMA_SERVER]   = "A list of these. A server that is just an address may be written as that: "
                        "`servers: [\"127.0.0.1:9001\"]`.",
};

static void docs_write_words(const struct schema_row *row, FILE *out)
{
    const char *separator = "";
    for (const struct schema_word *word = row->words; word->word != NULL; word++) {
        if (word->later)
            continue;
        fprintf(out, "%s`%s`", separator, word->word);
        separator = ", ";
    }
}

static void docs_write_range(enum schema_type type, uint64_t min, uint64_t max, FILE *out)
{
    char        low[VALUE_TEXT_MAX], high[VALUE_TEXT_MAX];
    const char *kind = type == SCHEMA_DURATION ? "duration, " : type == SCHEMA_SIZE ? "size, " : "";
    fprintf(out, "%s%s to %s", kind, schema_format(type, min, low), schema_format(type, max, high));
}

static void docs_write_kind(const struct schema_row *row, FILE *out)
{
    static const char *const kinds[] = {
        [SCHEMA_BOOL]      = "yes or no",
        [SCHEMA_NAME]      = "name",
        [SCHEMA_BALANCE]   = "[algorithm](#algorithms)",
        [SCHEMA_ADDRESS]   = "address",
        [SCHEMA_BINDS]     = "address, or a list",
        [SCHEMA_POOL_NAME] = "name of a pool",
        [SCHEMA_LIST]      = "list",
        [SCHEMA_MAP]       = "map",
        [SCHEMA_FILES]     = "path, or a list",
    };
    switch (row->type) {
    case SCHEMA_COUNT:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
    case SCHEMA_PERCENT:
        if (row->zero != NULL)
            fprintf(out, "`%s`, or ", row->zero);
        docs_write_range(row->type, row->min, row->max, out);
        break;
    case SCHEMA_WORD:
        docs_write_words(row, out);
        break;
    case SCHEMA_TEXT:
        if (row->words != NULL)
            docs_write_words(row, out);
        fputs(row->words != NULL ? ", or text" : "text", out);
        break;
    default:
        fputs(kinds[row->type], out);
    }
}

static void docs_write_default(const struct schema_row *row, FILE *out)
{
    if (row->fallback != NULL)
        fprintf(out, "`%s`", row->fallback);
    else
        fputs(row->fallback_help != NULL ? row->fallback_help : "**required**", out);
}

static void docs_write_row(const struct schema_row *row, FILE *out)
{
    fprintf(out, "| `%s` | ", row->key);
    docs_write_kind(row, out);
    fputs(" | ", out);
    docs_write_default(row, out);
    fprintf(out, " | %s", row->help);
    for (const struct schema_word *word = row->words; word != NULL && word->word != NULL; word++)
        if (!word->later)
            fprintf(out, "%s`%s`: %s", word == row->words ? " " : "; ", word->word, word->help);
    if (row->words != NULL)
        fputc('.', out);
    if (row->alone != NULL && row->alone[0] != '\0') {
        const char *dot = strrchr(row->alone, '.');
        fprintf(out, " In short `%s: %s`.", dot != NULL ? dot + 1 : row->alone, row->example);
    }
    fputs(row->restart ? " Fixed while limeload runs. |\n" : " |\n", out);
}

static void docs_write_section(enum schema_section section, FILE *out)
{
    fprintf(out, "\n## %s\n\n%s\n\n", docs_titles[section], docs_intros[section]);
    fputs("| Key | Value | Default | Meaning |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < schema_row_count; i++)
        if (schema_rows[i].section == section)
            docs_write_row(&schema_rows[i], out);
}

static void docs_write_algorithms(FILE *out)
{
    fputs("\n## Algorithms\n\n| `balance` | |\n|---|---|\n", out);
    const struct algorithm *algorithm;
    for (size_t i = 0; (algorithm = algorithm_at(i)) != NULL; i++)
        fprintf(out, "| `%s` | %s%s |\n", algorithm->name, algorithm->summary,
                read_key_is_http(algorithm->key) ? " (mode http only)" : "");
    fputs(
        "\nAn algorithm that hashes takes a `key`; in mode tcp there is only `client_ip`, which is "
        "the default. Tunables, for who measures what they do:\n\n"
        "| Tunable | Value | Default | Algorithms and meaning |\n|---|---|---|---|\n",
        out);
    size_t                     count;
    const struct balance_knob *knobs = balance_knobs(&count);
    for (size_t i = 0; i < count; i++) {
        enum schema_type type = read_tunable_type(&knobs[i]);
        char             standard[VALUE_TEXT_MAX];
        fprintf(out, "| `%s` | ", knobs[i].name);
        docs_write_range(type, knobs[i].low, knobs[i].high, out);
        fprintf(out, " | `%s` | %s |\n", schema_format(type, knobs[i].standard, standard),
                knobs[i].help);
    }
}

static void docs_write_later(FILE *out)
{
    fputs("\n## Keys that this version does not support\n\nThey are part of the format and are "
          "refused, so that nothing seems to be in force that is not. Switched off, as in `health: "
          "off`, they are fine.\n\n",
          out);
    for (enum schema_section section = 0; section < SCHEMA_SECTIONS; section++) {
        const char *separator = "";
        fprintf(out, "- %s: ", docs_titles[section]);
        for (size_t i = 0; i < schema_later_count; i++) {
            if (schema_laters[i].section != section)
                continue;
            fprintf(out, "%s`%s`", separator, schema_laters[i].key);
            if (schema_laters[i].warning != NULL)
                fprintf(out, " (accepted with a warning: %s)", schema_laters[i].warning);
            separator = ", ";
        }
        fputc('\n', out);
    }
}

static void docs_write_limits(FILE *out)
{
    fprintf(out,
            "\n## Limits\n\nA file may have %zu KiB; a configuration %u files, included %u deep, "
            "%u values with aliases followed, and variables that hold %zu KiB. Lists and maps nest "
            "%u deep.\n",
            LOADING_FILE_MAX >> 10, INCLUDE_FILES_MAX, INCLUDE_DEPTH_MAX, LOADING_NODES_MAX,
            LOADING_EXPANDED_MAX >> 10, TREE_DEPTH_MAX);
}

void config_write_docs(FILE *out)
{
    fputs(docs_head, out);
    for (enum schema_section section = 0; section < SCHEMA_SECTIONS; section++)
        docs_write_section(section, out);
    docs_write_algorithms(out);
    docs_write_limits(out);
    docs_write_later(out);
}
