/* SPDX-License-Identifier: Apache-2.0 */
#include "config/loading.h"

#include <stdio.h>

/* Longer ones are cut: a message is for reading. */
#define QUOTE_MAX ((size_t)60)

bool loading_is_hopeless(const struct loading *loading)
{
    return loading->errors->fatal > 10 * ERRORS_MAX;
}

const char *loading_quote(struct loading *loading, struct slice text)
{
    char   quoted[QUOTE_MAX * 4 + sizeof "\"...\""];
    size_t used    = 0;
    bool   cut     = text.size > QUOTE_MAX;
    size_t size    = cut ? QUOTE_MAX : text.size;
    quoted[used++] = '"';
    /* Never inside a character of several bytes. */
    while (cut && size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte == 0x7f)
            used += (size_t)snprintf(quoted + used, sizeof quoted - used, "\\x%02x", byte);
        else
            quoted[used++] = (char)byte;
    }
    struct slice result = {.data = quoted, .size = used};
    return arena_printf(loading->scratch, "%.*s%s\"", SLICE_ARG(result), cut ? "..." : "");
}
