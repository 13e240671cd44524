/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void alloc_failed(void)
{
    fputs("limeload: out of memory\n", stderr);
    exit(1);
}

void *alloc_zero(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (memory == NULL)
        alloc_failed();
    return memory;
}

void *alloc_resize(void *memory, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        alloc_failed();
    size_t bytes   = count * size;
    void  *resized = realloc(memory, bytes > 0 ? bytes : 1);
    if (resized == NULL)
        alloc_failed();
    return resized;
}

void *alloc_lines(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - LL_CACHE_LINE) / size)
        alloc_failed();
    size_t bytes  = (count * size + LL_CACHE_LINE - 1) / LL_CACHE_LINE * LL_CACHE_LINE;
    void  *memory = aligned_alloc(LL_CACHE_LINE, bytes > 0 ? bytes : LL_CACHE_LINE);
    if (memory == NULL)
        alloc_failed();
    memset(memory, 0, bytes);
    return memory;
}

char *alloc_string(const char *text)
{
    size_t size = strlen(text) + 1;
    char  *copy = alloc_zero(size, 1);
    memcpy(copy, text, size);
    return copy;
}
