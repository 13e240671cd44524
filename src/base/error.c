/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void errors_init(struct errors *errors)
{
    *errors = (struct errors){0};
    arena_init(&errors->arena);
}

void errors_fini(struct errors *errors)
{
    arena_fini(&errors->arena);
    *errors = (struct errors){0};
}

LL_PRINTF(2, 0)
static char *errors_format(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    LL_ASSERT(size >= 0);
    char *text = arena_alloc(arena, (size_t)size + 1, 1);
    (void)vsnprintf(text, (size_t)size + 1, format, args);
    return text;
}

void errors_add(struct errors *errors, enum error_severity severity, struct error_place place,
                const char *remedy, const char *what_format, ...)
{
    if (severity == ERROR_FATAL)
        errors->fatal++;
    else
        errors->warnings++;
    if (errors->fatal + errors->warnings > ERRORS_MAX) {
        errors->dropped++;
        return;
    }

    struct error *error = arena_alloc(&errors->arena, 1, sizeof *error);
    va_list       args;
    va_start(args, what_format);
    error->what = errors_format(&errors->arena, what_format, args);
    va_end(args);
    error->severity = severity;
    error->place    = place;
    error->remedy   = arena_string(&errors->arena, slice_of(remedy));
    if (place.file != NULL)
        error->place.file = arena_string(&errors->arena, slice_of(place.file));
    if (errors->last != NULL)
        errors->last->next = error;
    else
        errors->first = error;
    errors->last = error;
}

static void error_print(const struct error *error, FILE *out)
{
    const struct error_place *place = &error->place;
    if (place->file != NULL && place->line > 0)
        fprintf(out, "%s:%d:%d: ", place->file, place->line, place->column);
    else if (place->file != NULL)
        fprintf(out, "%s: ", place->file);
    if (error->severity == ERROR_WARNING)
        fputs("warning: ", out);
    fputs(error->what, out);
    if (error->remedy[0] != '\0')
        fprintf(out, " (%s)", error->remedy);
    fputc('\n', out);
}

/* Qualified by the order in which they were added: mistakes of one line keep their order. */
static int error_compare(const void *left, const void *right)
{
    const struct error *a = *(const struct error *const *)left;
    const struct error *b = *(const struct error *const *)right;
    if (a->place.file == NULL || b->place.file == NULL)
        return (a->place.file != NULL) - (b->place.file != NULL);
    int files = strcmp(a->place.file, b->place.file);
    if (files != 0)
        return files;
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line ? -1 : 1;
    return (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

void errors_print(const struct errors *errors, FILE *out)
{
    const struct error *sorted[ERRORS_MAX];
    size_t              count = 0;
    for (const struct error *error = errors->first; error != NULL; error = error->next)
        sorted[count++] = error;
    /* An insertion sort, because it is stable and the list is short. */
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && error_compare(&sorted[j - 1], &sorted[j]) > 0; j--) {
            const struct error *swap = sorted[j];
            sorted[j]                = sorted[j - 1];
            sorted[j - 1]            = swap;
        }
    for (size_t i = 0; i < count; i++)
        error_print(sorted[i], out);
    if (errors->dropped > 0)
        fprintf(out, "and %u more problems\n", errors->dropped);
}

/* Words longer than this are not spelling mistakes of ours. */
#define SUGGEST_MAX 48u

/* Optimal string alignment distance: swapped neighbours count once, as fingers do it. */
static size_t error_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][SUGGEST_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            size_t best = LL_MIN(above[j] + 1, row[j - 1] + 1);
            best        = LL_MIN(best, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = LL_MIN(best, before[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *error_suggest(const char *word, const char *const *candidates, size_t count)
{
    size_t size = strlen(word);
    if (size == 0 || size > SUGGEST_MAX)
        return NULL;
    const char *best          = NULL;
    size_t      best_distance = size / 3 + 1; /* about one slip per three letters */
    for (size_t i = 0; i < count; i++) {
        size_t candidate_size = strlen(candidates[i]);
        if (candidate_size > SUGGEST_MAX)
            continue;
        size_t distance = error_distance(word, size, candidates[i], candidate_size);
        if (distance < best_distance || (best == NULL && distance == best_distance)) {
            best          = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}
