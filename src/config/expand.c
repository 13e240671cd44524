/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct expansion {
    struct loading    *loading;
    struct error_place place;
    char              *text;
    size_t             size;
    size_t             capacity;
};

static void expand_append(struct expansion *out, struct slice text)
{
    if (text.size == 0)
        return;
    if (out->text == NULL || text.size > out->capacity - out->size) {
        out->capacity = LL_MAX(out->capacity * 2, out->size + text.size);
        out->text     = alloc_resize(out->text, out->capacity, 1);
    }
    memcpy(out->text + out->size, text.data, text.size);
    out->size += text.size;
}

static size_t expand_name_size(struct slice text)
{
    size_t size = 0;
    while (size < text.size) {
        char byte  = text.data[size];
        bool digit = byte >= '0' && byte <= '9';
        if (!(byte >= 'A' && byte <= 'Z') && !(byte >= 'a' && byte <= 'z') && byte != '_' &&
            !(digit && size > 0))
            break;
        size++;
    }
    return size;
}

static void expand_value(struct expansion *out, struct slice name, const char *value)
{
    struct loading *loading = out->loading;
    struct slice    text    = slice_of(value);
    if (text.size > LOADING_EXPANDED_MAX - loading->expanded_size) {
        errors_add(loading->errors, ERROR_FATAL, out->place,
                   "use variables for names and numbers, not for whole documents",
                   "with %s the variables of this configuration hold more than %zu KiB",
                   loading_quote(loading, name), LOADING_EXPANDED_MAX >> 10);
        return;
    }
    loading->expanded_size += text.size;
    expand_append(out, text);
}

/* reference is what stands between the braces. */
static void expand_reference(struct expansion *out, struct slice reference)
{
    struct loading *loading    = out->loading;
    size_t          size       = expand_name_size(reference);
    struct slice    name       = slice_sub(reference, 0, size);
    struct slice    rest       = slice_sub(reference, size, reference.size);
    struct slice    word       = slice_sub(rest, 2, rest.size);
    bool            is_default = slice_starts_with(rest, SLICE(":-"));
    bool            is_message = slice_starts_with(rest, SLICE(":?"));
    if (size == 0 || (rest.size > 0 && !is_default && !is_message) ||
        slice_find(word, '$') < word.size) {
        errors_add(loading->errors, ERROR_FATAL, out->place,
                   "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $$ is a plain dollar",
                   "%s is not a variable",
                   loading_quote(loading, (struct slice){.data = reference.data - 2,
                                                         .size = reference.size + 3}));
        return;
    }

    const char *name_text = arena_string(loading->scratch, name);
    const char *value     = loading->outside->variable(loading->outside->context, name_text);
    bool        missing   = value == NULL || (rest.size > 0 && value[0] == '\0');
    if (!missing)
        expand_value(out, name, value);
    else if (is_default)
        expand_append(out, word);
    else if (is_message)
        errors_add(loading->errors, ERROR_FATAL, out->place, "set it in the environment",
                   "the variable %s is not set: %.*s", name_text, SLICE_ARG(word));
    else
        errors_add(
            loading->errors, ERROR_FATAL, out->place,
            arena_printf(loading->scratch, "set it, or give a default: ${%s:-default}", name_text),
            "the variable %s is not set", name_text);
}

struct slice expand_variables(struct loading *loading, struct error_place place, struct slice text)
{
    struct expansion out      = {.loading = loading, .place = place};
    size_t           position = 0;
    while (position < text.size) {
        struct slice rest   = slice_sub(text, position, text.size);
        size_t       dollar = slice_find(rest, '$');
        expand_append(&out, slice_sub(rest, 0, dollar));
        rest = slice_sub(rest, dollar, rest.size);
        position += dollar;
        if (slice_starts_with(rest, SLICE("${"))) {
            size_t end = slice_find(rest, '}');
            if (end == rest.size) {
                errors_add(loading->errors, ERROR_FATAL, place,
                           "close it with }, or write $$ for a plain dollar", "%s has no end",
                           loading_quote(loading, rest));
                break;
            }
            expand_reference(&out, slice_sub(rest, 2, end - 2));
            position += end + 1;
        } else if (rest.size > 0) {
            expand_append(&out, SLICE("$"));
            position += slice_starts_with(rest, SLICE("$$")) ? 2 : 1;
        }
    }
    struct slice result = {
        .data = arena_string(loading->scratch, (struct slice){.data = out.text, .size = out.size}),
        .size = out.size,
    };
    free(out.text);
    return result;
}
