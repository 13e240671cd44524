/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text.h"

/* Where the bytes of a character lie, by the first of them (Unicode, table 3-7). */
static const struct text_form {
    uint8_t first, last;  /* of the first byte */
    uint8_t second_first; /* of the second one; all others are 0x80 to 0xbf */
    uint8_t second_last;
    uint8_t size;
} text_forms[] = {
    {'\t', '\n', 0, 0, 1},       {'\r', '\r', 0, 0, 1},       {0x20, 0x7e, 0, 0, 1},
    {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xee, 0x80, 0xbf, 3},
    {0xef, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* What fits the forms and is yet no character of text. */
static const struct slice text_excluded[] = {
    {"\xef\xbb\xbf", 3}, /* a byte order mark that is not at the start */
    {"\xef\xbf\xbe", 3}, /* U+FFFE and U+FFFF are nothing */
    {"\xef\xbf\xbf", 3},
};

/* How many bytes the character at the start takes, or 0 where there is none that text may hold. */
static size_t text_character_size(struct slice text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    for (size_t i = 0; i < LL_COUNT(text_excluded); i++)
        if (slice_starts_with(text, text_excluded[i]))
            return 0;
    for (size_t i = 0; i < LL_COUNT(text_forms); i++) {
        const struct text_form *form = &text_forms[i];
        if (bytes[0] < form->first || bytes[0] > form->last)
            continue;
        bool good = form->size <= text.size;
        if (good && form->size > 1)
            good = bytes[1] >= form->second_first && bytes[1] <= form->second_last;
        for (size_t j = 2; good && j < form->size; j++)
            good = (bytes[j] & 0xc0) == 0x80;
        return good ? form->size : 0;
    }
    return 0;
}

/* What is wrong with a text that begins with a character of this size, or NULL. */
static const char *text_problem(struct loading *loading, struct slice rest, size_t size,
                                bool at_line, const char **ret_remedy)
{
    *ret_remedy = "configuration is text in UTF-8; remove the byte or save the file as UTF-8";
    if (size == 0)
        return arena_printf(loading->scratch, "the byte 0x%02x does not belong into a text",
                            (uint8_t)rest.data[0]);
    /* Ten thousand of them would take the library a second. */
    *ret_remedy = "remove the line";
    return at_line && slice_starts_with(rest, SLICE("%TAG")) ? "tags are not supported" : NULL;
}

bool text_check(struct loading *loading, const char *file, struct slice text)
{
    struct error_place place    = {.file = file, .line = 1, .column = 1};
    size_t             position = slice_starts_with(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
    while (position < text.size) {
        struct slice rest = slice_sub(text, position, text.size);
        size_t       size = text_character_size(rest);
        const char  *remedy;
        const char  *problem = text_problem(loading, rest, size, place.column == 1, &remedy);
        if (problem != NULL) {
            errors_add(loading->errors, ERROR_FATAL, place, remedy, "%s", problem);
            return false;
        }
        place.column++;
        if (rest.data[0] == '\n') {
            place.line++;
            place.column = 1;
        }
        position += size;
    }
    return true;
}

struct slice text_line(struct slice text, int line)
{
    const char *end = text.data + text.size;
    for (; line > 1 && text.size > 0; line--)
        text = slice_sub(text, slice_find(text, '\n') + 1, text.size);
    if (text.size == 0)
        text.data = end;
    return slice_sub(text, 0, slice_find(text, '\n'));
}
