/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers that exist only while there are bytes in them.
 *
 * A worker reads every connection into the same spare buffer and sends from there. Only where the
 * other side does not take all of it does the connection keep the buffer, until the rest is gone;
 * the worker then takes another. So ten thousand idle connections hold none, and nothing is copied.
 * Bound:     max buffers. At the bound buffer_pool_spare returns NULL: the caller stops reading,
 * which slows the sender down, and waits in the queue for a buffer to be put back. Threading: one
 * thread.
 */
#ifndef LL_NET_BUFFER_H
#define LL_NET_BUFFER_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

/* Large enough that bulk data costs few system calls, small enough to stay in the second-level
 * cache. */
#define BUFFER_SIZE ((size_t)64 * 1024)

struct buffer {
    struct buffer *next;  /* in the pool's cache */
    uint32_t       start; /* first byte that is not sent yet */
    uint32_t       end;
    char           bytes[BUFFER_SIZE];
};

struct buffer_pool {
    struct buffer *spare;  /* what the next read goes into, empty */
    struct buffer *cached; /* put back and kept for reuse */
    uint32_t       cached_count;
    uint32_t       live; /* allocated, in use or not */
    uint32_t       max;
    struct list    waiting; /* of those who found no buffer; links belong to the caller */
};

void buffer_pool_init(struct buffer_pool *pool, uint32_t max);
void buffer_pool_fini(struct buffer_pool *pool); /* all buffers must have been put back */

/* An empty buffer to read into. It stays the pool's: reading into it and sending all of it needs no
 * further call. NULL at the bound. */
struct buffer *buffer_pool_spare(struct buffer_pool *pool);

/* The caller keeps the spare buffer, because bytes are left in it. */
struct buffer *buffer_pool_keep_spare(struct buffer_pool *pool);

/* Gives back a buffer that was kept. */
void buffer_pool_put(struct buffer_pool *pool, struct buffer *buffer);

static inline size_t buffer_used(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

#endif
