/* SPDX-License-Identifier: Apache-2.0 */
#include "net/buffer.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

/* Kept for reuse after a burst: 1 MiB. Beyond that memory goes back to the system. */
#define BUFFER_POOL_CACHED_MAX 16u

/* Into the cache; false at the bound or without memory. */
static bool buffer_pool_grow(struct buffer_pool *pool)
{
    if (pool->live == pool->max)
        return false;
    struct buffer *buffer = malloc(sizeof *buffer);
    if (buffer == NULL)
        return false;
    pool->live++;
    buffer->next = pool->cached;
    pool->cached = buffer;
    pool->cached_count++;
    return true;
}

static struct buffer *buffer_pool_take(struct buffer_pool *pool)
{
    struct buffer *buffer = pool->cached;
    LL_ASSERT(buffer != NULL);
    pool->cached = buffer->next;
    pool->cached_count--;
    buffer->next  = NULL;
    buffer->start = 0;
    buffer->end   = 0;
    return buffer;
}

void buffer_pool_init(struct buffer_pool *pool, uint32_t max)
{
    LL_ASSERT(max > 0);
    *pool = (struct buffer_pool){.max = max};
    if (!buffer_pool_grow(pool))
        alloc_failed();
    pool->spare = buffer_pool_take(pool);
}

void buffer_pool_fini(struct buffer_pool *pool)
{
    LL_ASSERT(pool->live == pool->cached_count + 1);
    free(pool->spare);
    while (pool->cached != NULL)
        free(buffer_pool_take(pool));
    *pool = (struct buffer_pool){0};
}

bool buffer_pool_may_keep(struct buffer_pool *pool)
{
    return pool->cached != NULL || buffer_pool_grow(pool);
}

struct buffer *buffer_pool_keep_spare(struct buffer_pool *pool)
{
    struct buffer *kept = pool->spare;
    pool->spare         = buffer_pool_take(pool);
    return kept;
}

void buffer_pool_put(struct buffer_pool *pool, struct buffer *buffer)
{
    LL_ASSERT(buffer != NULL && buffer != pool->spare);
    if (pool->cached_count == BUFFER_POOL_CACHED_MAX) {
        free(buffer);
        pool->live--;
        return;
    }
    buffer->next = pool->cached;
    pool->cached = buffer;
    pool->cached_count++;
}
