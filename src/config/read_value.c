/* SPDX-License-Identifier: Apache-2.0 */
#include "config/read_value.h"

#include "base/assert.h"
#include "model/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *read_example(struct reading *reading, const struct schema_row *row)
{
    const char *dot = strrchr(row->key, '.');
    return arena_printf(reading->loading->scratch, "write %s: %s",
                        row->alone != NULL && row->alone[0] != '\0' ? row->alone
                        : dot != NULL                               ? dot + 1
                                                                    : row->key,
                        row->example);
}

void read_refuse(const struct read_value *value, const char *problem, const char *remedy_format,
                 ...)
{
    struct loading *loading = value->reading->loading;
    char            remedy[256];
    va_list         args;
    va_start(args, remedy_format);
    (void)vsnprintf(remedy, sizeof remedy, remedy_format, args);
    va_end(args);
    errors_add(loading->errors, ERROR_FATAL, value->node->place, remedy, "%s: %s %s", value->key,
               loading_quote(loading, value->node->text), problem);
}

bool read_is_text(const struct read_value *value)
{
    struct loading *loading = value->reading->loading;
    const char     *example = read_example(value->reading, value->row);
    if (value->node->broken)
        return false;
    if (value->node->kind != NODE_TEXT)
        errors_add(loading->errors, ERROR_FATAL, value->node->place, example,
                   "%s: this must be one value, not %s", value->key, node_kind_name(value->node));
    else if (value->node->text.size == 0 || node_is_null(value->node))
        errors_add(loading->errors, ERROR_FATAL, value->node->place,
                   arena_printf(loading->scratch, "%s, or remove the key", example),
                   "%s: there is no value", value->key);
    else
        return true;
    return false;
}

static void read_bool(const struct read_value *value, bool *field)
{
    if (value_bool(value->node->text, field) != VALUE_OK)
        read_refuse(value, "is neither true nor false", "write true or false");
}

/* How each kind of number is read and what is said of what is none. */
static const struct read_kind {
    enum value_result (*parse)(struct slice text, uint64_t *ret_number);
    const char *not_one;
    const char *remedy;    /* NULL: the range says it */
    const char *unit;      /* the likeliest that was left out */
    const char *unit_help; /* after that unit */
} read_kinds[] = {
    [SCHEMA_COUNT]    = {value_count, "is not a whole number", NULL, "", ""},
    [SCHEMA_PERCENT]  = {value_percent, "is not a percentage", "write whole numbers, such as 50%",
                         "%", ""},
    [SCHEMA_DURATION] = {value_duration, "is not a duration",
                         "write whole numbers, such as 250ms, 5s or 1h30m", "s",
                         " for seconds; ms, m, h and d are the others"},
    [SCHEMA_SIZE]     = {value_size, "is not a size",
                         "write whole numbers, such as 512B, 64KiB or 1MiB", "KiB",
                         "; B, MiB and GiB are the others"},
};

bool read_number(const struct read_value *value, uint64_t *ret_number)
{
    const struct schema_row *row    = value->row;
    const struct read_kind  *kind   = &read_kinds[row->type];
    struct slice             text   = value->node->text;
    uint64_t                 number = 0;
    char                     min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX];
    if (row->zero != NULL && slice_equal(text, slice_of(row->zero))) {
        *ret_number = 0;
        return true;
    }
    enum value_result result = kind->parse(text, &number);
    if (result == VALUE_OK && number >= row->min && number <= row->max) {
        *ret_number = number;
        return true;
    }
    if (result == VALUE_NO_UNIT)
        read_refuse(value, "has no unit", "write %s%s%s", text.data, kind->unit, kind->unit_help);
    else if (result == VALUE_BAD && kind->remedy != NULL)
        read_refuse(value, kind->not_one, "%s", kind->remedy);
    else
        read_refuse(value, result == VALUE_BAD ? kind->not_one : "is out of range",
                    "from %s to %s%s%s", schema_format(row->type, row->min, min),
                    schema_format(row->type, row->max, max), row->zero != NULL ? ", or " : "",
                    row->zero != NULL ? row->zero : "");
    return false;
}

static void read_number32(const struct read_value *value, uint32_t *field)
{
    uint64_t number;
    if (read_number(value, &number))
        *field = (uint32_t)number;
}

#define READ_WORDS_MAX 16u

static void read_word(const struct read_value *value, uint32_t *field)
{
    const char *known[READ_WORDS_MAX];
    size_t      count = 0;
    const char *list  = "";
    for (const struct schema_word *word = value->row->words; word->word != NULL; word++) {
        bool same = slice_equal(value->node->text, slice_of(word->word));
        if (same && !word->later) {
            *field = word->value;
            return;
        }
        if (same) {
            read_refuse(value, "is not supported by this version", "%s",
                        read_example(value->reading, value->row));
            return;
        }
        if (word->later)
            continue;
        LL_ASSERT(count < READ_WORDS_MAX);
        known[count++] = word->word;
        list           = arena_printf(value->reading->loading->scratch, "%s%s%s", list,
                            list[0] != '\0' ? ", " : "", word->word);
    }
    const char *meant = error_suggest(value->node->text.data, known, count);
    if (meant != NULL)
        read_refuse(value, "is not known here", "did you mean \"%s\"?", meant);
    else
        read_refuse(value, "is not known here", "one of %s", list);
}

static void read_text(const struct read_value *value, const char **field)
{
    struct slice text = value->node->text;
    for (const struct schema_word *word = value->row->words; word != NULL && word->word != NULL;
         word++)
        if (strcmp(word->word, "off") == 0 && node_is_off(value->node))
            text = SLICE("off"); /* JSON says false */
    *field = arena_string(value->reading->loading->keep, text);
}

void read_check_name(struct reading *reading, const char *key, const struct node *name)
{
    const char *problem = NULL;
    if (name->text.size == 0)
        problem = "is empty";
    else if (name->text.size > SERVER_ID_MAX)
        problem = "is too long";
    for (size_t i = 0; i < name->text.size && problem == NULL; i++) {
        unsigned char byte = (unsigned char)name->text.data[i];
        if (byte <= ' ' || byte == 0x7f)
            problem = "has a space or a control character in it";
    }
    if (problem != NULL)
        errors_add(reading->loading->errors, ERROR_FATAL, name->place,
                   "use up to 255 letters, digits, dots, hyphens and underscores",
                   "%s: the name %s %s", key, loading_quote(reading->loading, name->text), problem);
}

/* To be looked up when all names are known. */
static void read_reference(const struct read_value *value, uint32_t *field)
{
    struct reading        *reading   = value->reading;
    struct read_reference *reference = arena_alloc(reading->loading->scratch, 1, sizeof *reference);
    *reference =
        (struct read_reference){.field = field, .node = value->node, .next = reading->references};
    reading->references = reference;
}

void read_value(const struct read_value *value, void *field)
{
    if (!read_is_text(value))
        return;
    switch (value->row->type) {
    case SCHEMA_BOOL:
        read_bool(value, field);
        break;
    case SCHEMA_COUNT:
    case SCHEMA_PERCENT:
        read_number32(value, field);
        break;
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        (void)read_number(value, field);
        break;
    case SCHEMA_WORD:
        read_word(value, field);
        break;
    case SCHEMA_NAME:
        read_check_name(value->reading, value->key, value->node);
        read_text(value, field);
        break;
    case SCHEMA_TEXT:
        read_text(value, field);
        break;
    case SCHEMA_ADDRESS:
        (void)read_address(value, false, field);
        break;
    case SCHEMA_POOL_NAME:
        read_reference(value, field);
        break;
    default:
        LL_NEVER("this type is not one value");
    }
}
