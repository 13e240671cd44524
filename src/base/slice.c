/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){.data = text, .size = text == NULL ? 0 : strlen(text)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static char slice_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (slice_lower(a.data[i]) != slice_lower(b.data[i]))
            return false;
    return true;
}

bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size && slice_equal(slice_sub(text, 0, prefix.size), prefix);
}

bool slice_ends_with(struct slice text, struct slice suffix)
{
    return text.size >= suffix.size &&
           slice_equal(slice_sub(text, text.size - suffix.size, suffix.size), suffix);
}

struct slice slice_trim(struct slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_sub(text, 1, text.size);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

struct slice slice_sub(struct slice text, size_t offset, size_t size)
{
    if (offset >= text.size)
        return (struct slice){.data = text.data, .size = 0};
    return (struct slice){.data = text.data + offset, .size = LL_MIN(size, text.size - offset)};
}

size_t slice_find(struct slice text, char byte)
{
    const char *found = text.size > 0 ? memchr(text.data, byte, text.size) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.size;
}

size_t slice_find_last(struct slice text, char byte)
{
    for (size_t i = text.size; i > 0; i--)
        if (text.data[i - 1] == byte)
            return i - 1;
    return text.size;
}

bool slice_to_u64(struct slice text, uint64_t max, uint64_t *ret_value)
{
    if (text.size == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret_value = value;
    return true;
}
