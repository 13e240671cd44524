/* SPDX-License-Identifier: Apache-2.0 */
#include "net/buffer.h"

#include "base/assert.h"

#include <stdlib.h>

/* Kept for reuse after a burst: 1 MiB. Beyond that memory goes back to the system. */
#define BUFFER_POOL_CACHED_MAX 16u

void buffer_pool_init(struct buffer_pool *pool, uint32_t max)
{
    LL_ASSERT(max > 0);
    *pool = (struct buffer_pool){.max = max};
    list_init(&pool->waiting);
}

void buffer_pool_fini(struct buffer_pool *pool)
{
    LL_ASSERT(list_empty(&pool->waiting));
    LL_ASSERT(pool->live == pool->cached_count + (pool->spare != NULL ? 1 : 0));
    free(pool->spare);
    while (pool->cached != NULL) {
        struct buffer *buffer = pool->cached;
        pool->cached          = buffer->next;
        free(buffer);
    }
    *pool = (struct buffer_pool){0};
}

static struct buffer *buffer_pool_get(struct buffer_pool *pool)
{
    struct buffer *buffer = pool->cached;
    if (buffer != NULL) {
        pool->cached = buffer->next;
        pool->cached_count--;
    } else {
        if (pool->live == pool->max)
            return NULL;
        buffer = malloc(sizeof *buffer);
        if (buffer == NULL)
            return NULL;
        pool->live++;
    }
    buffer->next  = NULL;
    buffer->start = 0;
    buffer->end   = 0;
    return buffer;
}

struct buffer *buffer_pool_spare(struct buffer_pool *pool)
{
    if (pool->spare == NULL)
        pool->spare = buffer_pool_get(pool);
    return pool->spare;
}

struct buffer *buffer_pool_keep_spare(struct buffer_pool *pool)
{
    struct buffer *kept = pool->spare;
    LL_ASSERT(kept != NULL);
    pool->spare = NULL;
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
