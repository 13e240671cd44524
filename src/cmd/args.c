/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/args.h"

#include "base/assert.h"
#include "base/error.h"
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "cmd/resolve.h"
#include "config/value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One bit of struct args_state's seen per row. */
#define ARGS_OPTIONS_MAX 64u

struct args_state {
    const struct verb *verb;
    int                argc;
    char             **argv;
    int                next; /* of argv */
    void              *values;
    uint64_t           seen; /* options that were given */
};

int args_usage_error(const struct verb *verb, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "limeload %s: ", verb->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'limeload help %s'.\n", verb->name);
    return CMD_USAGE;
}

/* "0" needs no unit, because it is the same in all of them. */
static bool args_read_duration(struct slice text, uint64_t *ret_ns)
{
    *ret_ns = 0;
    return slice_equal(text, SLICE("0")) || value_duration(text, ret_ns) == VALUE_OK;
}

static bool args_read_share(const char *text, double *ret_share)
{
    char  *end;
    double share = strtod(text, &end);
    if (end == text || text[0] == ' ' || text[0] == '+')
        return false;
    if (strcmp(end, "%") == 0)
        share /= 100;
    else if (*end != '\0')
        return false;
    if (!(share >= 0 && share <= 1)) /* also refuses what is not a number */
        return false;
    *ret_share = share;
    return true;
}

/* The option as the user knows it: "--count" or "FILE". */
static const char *args_label(const struct args_option *option, char label[static 64])
{
    (void)snprintf(label, 64, "%s%s", option->operand ? "" : "--",
                   option->operand ? option->value : option->name);
    return label;
}

static bool args_refuse(const struct args_state *state, const struct args_option *option,
                        const char *text, const char *remedy)
{
    char label[64];
    args_usage_error(state->verb, "%s: '%s' %s", args_label(option, label), text, remedy);
    return false;
}

static bool args_refuse_range(const struct args_state *state, const struct args_option *option,
                              const char *text)
{
    char        min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX], remedy[2 * VALUE_TEXT_MAX + 64];
    bool        duration = option->kind == ARGS_DURATION;
    const char *least    = min;
    const char *most     = max;
    if (duration) {
        least = value_format_duration(option->min, min);
        most  = value_format_duration(option->max, max);
    } else {
        (void)snprintf(min, sizeof min, "%" PRIu64, option->min);
        (void)snprintf(max, sizeof max, "%" PRIu64, option->max);
    }
    if (option->max == 0)
        (void)snprintf(remedy, sizeof remedy, "is too small (at least %s)", least);
    else
        (void)snprintf(remedy, sizeof remedy, "is out of range (from %s to %s)", least, most);
    return args_refuse(state, option, text, remedy);
}

static bool args_store_number(const struct args_state *state, const struct args_option *option,
                              const char *text)
{
    uint64_t max = option->max != 0 ? option->max : UINT64_MAX;
    uint64_t number;
    bool     duration = option->kind == ARGS_DURATION;
    bool     read     = duration ? args_read_duration(slice_of(text), &number)
                                 : slice_to_u64(slice_of(text), UINT64_MAX, &number);
    if (!read)
        return args_refuse(state, option, text,
                           duration ? "is not a duration (write one such as 250ms, 5s, 1m or 24h)"
                                    : "is not a whole number (write digits only)");
    if (number < option->min || number > max)
        return args_refuse_range(state, option, text);
    memcpy((char *)state->values + option->offset, &number, sizeof number);
    return true;
}

static bool args_store_address(const struct args_state *state, const struct args_option *option,
                               const char *text)
{
    char                   remedy[RESOLVE_REMEDY_MAX];
    struct args_addresses *list   = (void *)((char *)state->values + option->offset);
    struct address        *single = (void *)list;
    if (option->kind == ARGS_ADDRESS)
        return resolve_connect(text, single, remedy) || args_refuse(state, option, text, remedy);
    if (list->count == ARGS_ADDRESSES_MAX)
        return args_refuse(state, option, text, "is one address too many (at most 16)");
    if (!resolve_listen(text, &list->items[list->count], remedy))
        return args_refuse(state, option, text, remedy);
    list->count++;
    return true;
}

static bool args_store(const struct args_state *state, const struct args_option *option,
                       const char *text)
{
    char *field = (char *)state->values + option->offset;
    switch (option->kind) {
    case ARGS_FLAG:
        *(bool *)(void *)field = true;
        return true;
    case ARGS_TEXT:
        *(const char **)(void *)field = text;
        return true;
    case ARGS_NUMBER:
    case ARGS_DURATION:
        return args_store_number(state, option, text);
    case ARGS_SHARE:
        return args_read_share(text, (double *)(void *)field) ||
               args_refuse(state, option, text, "is not a share (write one such as 0.25 or 25%)");
    case ARGS_ADDRESS:
    case ARGS_LISTEN:
        return args_store_address(state, option, text);
    }
    LL_NEVER("an option of no kind");
}

static uint64_t args_bit(const struct args_state *state, const struct args_option *option)
{
    return UINT64_C(1) << (option - state->verb->options);
}

static bool args_take(struct args_state *state, const struct args_option *option, const char *text)
{
    char label[64];
    if ((state->seen & args_bit(state, option)) != 0 && option->kind != ARGS_LISTEN &&
        option->kind != ARGS_FLAG) {
        args_usage_error(state->verb, "%s is given twice (write it once)",
                         args_label(option, label));
        return false;
    }
    state->seen |= args_bit(state, option);
    return args_store(state, option, text);
}

/* The value follows in the same word or in the next one. */
static bool args_take_value(struct args_state *state, const struct args_option *option,
                            const char *attached)
{
    char label[64];
    if (attached != NULL)
        return args_take(state, option, attached);
    if (state->next == state->argc) {
        args_usage_error(state->verb, "%s lacks its value (write %s %s)", args_label(option, label),
                         args_label(option, label), option->value);
        return false;
    }
    return args_take(state, option, state->argv[state->next++]);
}

static bool args_unknown(const struct args_state *state, struct slice name)
{
    const char *names[ARGS_OPTIONS_MAX];
    size_t      count = 0;
    for (size_t i = 0; i < state->verb->option_count; i++)
        if (!state->verb->options[i].operand)
            names[count++] = state->verb->options[i].name;

    char word[64];
    (void)snprintf(word, sizeof word, "%.*s", SLICE_ARG(name));
    const char *meant = error_suggest(word, names, count);
    if (meant != NULL)
        args_usage_error(state->verb, "there is no option --%.*s (did you mean --%s?)",
                         SLICE_ARG(name), meant);
    else
        args_usage_error(state->verb, "there is no option --%.*s", SLICE_ARG(name));
    return false;
}

/* "name" or "name=value", without the dashes. */
static bool args_take_long(struct args_state *state, const char *word)
{
    struct slice text  = slice_of(word);
    size_t       equal = slice_find(text, '=');
    struct slice name  = slice_sub(text, 0, equal);
    const char  *value = equal < text.size ? word + equal + 1 : NULL;
    for (size_t i = 0; i < state->verb->option_count; i++) {
        const struct args_option *option = &state->verb->options[i];
        if (option->operand || !slice_equal(name, slice_of(option->name)))
            continue;
        if (option->kind != ARGS_FLAG)
            return args_take_value(state, option, value);
        if (value == NULL)
            return args_take(state, option, NULL);
        args_usage_error(state->verb, "--%s takes no value (write it alone)", option->name);
        return false;
    }
    return args_unknown(state, name);
}

/* "q", "qj", "c8": flags may share a word, and the last of them may have a value. */
static bool args_take_letters(struct args_state *state, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct args_option *option = state->verb->options;
        const struct args_option *end    = option + state->verb->option_count;
        while (option < end && option->letter != *letters)
            option++;
        if (option == end) {
            args_usage_error(state->verb, "there is no option -%c", *letters);
            return false;
        }
        if (option->kind != ARGS_FLAG)
            return args_take_value(state, option, letters[1] != '\0' ? letters + 1 : NULL);
        if (!args_take(state, option, NULL))
            return false;
    }
    return true;
}

static bool args_take_operand(struct args_state *state, const char *word)
{
    for (size_t i = 0; i < state->verb->option_count; i++) {
        const struct args_option *option = &state->verb->options[i];
        if (option->operand && (state->seen & args_bit(state, option)) == 0)
            return args_take(state, option, word);
    }
    args_usage_error(state->verb, "'%s' is one word too many (quote what belongs together)", word);
    return false;
}

static bool args_store_initial(const struct args_state *state)
{
    for (size_t i = 0; i < state->verb->option_count; i++) {
        const struct args_option *option = &state->verb->options[i];
        if (option->initial != NULL && !args_store(state, option, option->initial))
            return false;
    }
    return true;
}

static bool args_complete(const struct args_state *state)
{
    char label[64];
    for (size_t i = 0; i < state->verb->option_count; i++) {
        const struct args_option *option = &state->verb->options[i];
        if (!option->required || (state->seen & args_bit(state, option)) != 0)
            continue;
        if (option->operand)
            args_usage_error(state->verb, "%s is missing", option->value);
        else
            args_usage_error(state->verb, "%s is missing (write %s %s)", args_label(option, label),
                             label, option->value);
        return false;
    }
    return true;
}

static bool args_read(struct args_state *state)
{
    bool operands_only = false;
    while (state->next < state->argc) {
        const char *word = state->argv[state->next++];
        bool        good;
        if (operands_only || word[0] != '-' || word[1] == '\0')
            good = args_take_operand(state, word);
        else if (strcmp(word, "--") == 0)
            good = operands_only = true;
        else if (word[1] == '-')
            good = args_take_long(state, word + 2);
        else
            good = args_take_letters(state, word + 1);
        if (!good)
            return false;
    }
    return args_complete(state);
}

/* Help wins over any mistake beside it. */
static bool args_ask_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

bool args_parse(const struct verb *verb, int argc, char **argv, void *values, int *ret_exit)
{
    struct args_state state = {
        .verb = verb, .argc = argc, .argv = argv, .next = 1, .values = values};
    LL_ASSERT(verb->option_count <= ARGS_OPTIONS_MAX);
    if (args_ask_help(argc, argv)) {
        help_print_verb(verb, stdout);
        *ret_exit = CMD_OK;
        return false;
    }
    *ret_exit = CMD_USAGE;
    LL_ASSERT(args_store_initial(&state));
    return args_read(&state);
}
