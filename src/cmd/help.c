/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"

#include "base/assert.h"
#include "base/error.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "config/docs.h"

#include <string.h>

#define HELP_WIDTH 80
/* Where the explanation of an option begins. */
#define HELP_COLUMN 26

#define HELP_VERBS_MAX 64u

/* Continues at the given column and wraps between words. */
static void help_print_wrapped(FILE *out, int column, const char *text)
{
    int at = column;
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (at > column && at + 1 + size > HELP_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", size, text);
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void help_print_option(const struct args_option *option, FILE *out)
{
    char form[64];
    char text[1024];
    if (option->operand)
        (void)snprintf(form, sizeof form, "  %s", option->value);
    else
        (void)snprintf(form, sizeof form, "  %c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
                       option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ",
                       option->name, option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "");
    int  at   = fprintf(out, "%s", form);
    bool tell = option->initial != NULL && option->initial[0] != '\0';
    int  size = snprintf(text, sizeof text, "%s%s%s%s", option->help, tell ? " (default " : "",
                        tell ? option->initial : "", tell ? ")" : "");
    LL_ASSERT(size < (int)sizeof text);
    if (at + 2 > HELP_COLUMN) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - at, "");
    help_print_wrapped(out, HELP_COLUMN, text);
}

static void help_print_usage(const struct verb *verb, FILE *out)
{
    bool optional = false;
    fprintf(out, "Usage: limeload %s", verb->name);
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct args_option *option = &verb->options[i];
        if (option->operand)
            fprintf(out, option->required ? " %s" : " [%s]", option->value);
        else if (option->required)
            fprintf(out, " --%s %s", option->name, option->value);
        else
            optional = true;
    }
    fputs(optional ? " [OPTIONS]\n" : "\n", out);
}

void help_print_verb(const struct verb *verb, FILE *out)
{
    fprintf(out, "limeload %s: %s\n\n", verb->name, verb->summary);
    help_print_usage(verb, out);
    if (verb->text != NULL)
        fprintf(out, "\n%s", verb->text);

    const char *group = NULL;
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct args_option *option = &verb->options[i];
        const char               *own    = option->group != NULL ? option->group : "Options";
        if (group == NULL || strcmp(group, own) != 0)
            fprintf(out, "\n%s:\n", own);
        group = own;
        help_print_option(option, out);
    }
}

void help_print_overview(FILE *out)
{
    fputs("limeload " LIMELOAD_VERSION ": a load balancer\n\n"
          "Usage: limeload VERB [OPTIONS]\n\n",
          out);
    for (const struct verb *const *verb = cmd_verbs(); *verb != NULL; verb++)
        fprintf(out, "  %-12s %s\n", (*verb)->name, (*verb)->summary);
    fputs("\nlimeload help VERB tells more, limeload help config about the configuration.\n"
          "Results go to stdout, logs and errors to stderr. It ends with 0; 1 for a bad\n"
          "configuration or a failed start; 2 where a second signal forced it to end;\n"
          "3 where it could not end cleanly; 64 for a wrong command line.\n",
          out);
}

int help_unknown_verb(const char *word)
{
    const char *names[HELP_VERBS_MAX];
    size_t      count = 0;
    for (const struct verb *const *verb = cmd_verbs(); *verb != NULL; verb++) {
        LL_ASSERT(count < HELP_VERBS_MAX);
        names[count++] = (*verb)->name;
    }
    const char *meant = error_suggest(word, names, count);
    fprintf(stderr, "limeload: there is no verb '%s'", word);
    if (meant != NULL)
        fprintf(stderr, " (did you mean '%s'?)", meant);
    fputs("\nTry 'limeload help'.\n", stderr);
    return CMD_USAGE;
}

struct help_values {
    const char *topic;
};

static const struct args_option help_options[] = {
    {.name    = "topic",
     .operand = true,
     .kind    = ARGS_TEXT,
     .value   = "VERB",
     .help = "What to explain: a verb, or `config` for the reference of the configuration. Without "
             "it, all verbs are listed.",
     .offset = offsetof(struct help_values, topic)},
};

static int help_run(int argc, char **argv)
{
    struct help_values values = {0};
    int                code;
    if (!args_parse(&verb_help, argc, argv, &values, &code))
        return code;
    if (values.topic == NULL) {
        help_print_overview(stdout);
        return CMD_OK;
    }
    if (strcmp(values.topic, "config") == 0) {
        config_write_docs(stdout);
        return CMD_OK;
    }
    const struct verb *verb = cmd_find(values.topic);
    if (verb == NULL)
        return help_unknown_verb(values.topic);
    help_print_verb(verb, stdout);
    return CMD_OK;
}

const struct verb verb_help = {
    .name         = "help",
    .summary      = "explain a verb and its options",
    .options      = help_options,
    .option_count = LL_COUNT(help_options),
    .run          = help_run,
};
