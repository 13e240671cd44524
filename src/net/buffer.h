/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers that exist only while there are bytes in them.
 *
 * A worker reads every connection into the same spare buffer and sends from there. Only where the
 * other side does not take all of it does the connection keep the buffer, until the rest is gone;
 * the worker then takes another. So ten thousand idle connections hold none, and nothing is copied.
 * Bound:     max buffers, the spare one included. At the bound buffer_pool_may_keep says no, and
 * the caller reads only what it gets rid of at once. Nobody has to wait for a buffer. Memory: pages
 * of their own, so that a buffer costs what was written into it, and goes back to the system when
 * it is put back (but for a few that are kept for reuse). Threading: one thread.
 */
#ifndef LL_NET_BUFFER_H
#define LL_NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What may be left over for a slow receiver, per direction. */
#define BUFFER_SIZE ((size_t)64 * 1024)

struct buffer {
    struct buffer *next;  /* in the pool's cache */
    uint32_t       start; /* first byte that is not sent yet */
    uint32_t       end;
    char           bytes[BUFFER_SIZE];
};

struct buffer_pool {
    struct buffer *spare;  /* what the next read goes into, empty; always there */
    struct buffer *cached; /* put back and kept for reuse */
    uint32_t       cached_count;
    uint32_t       live; /* allocated, in use or not */
    uint32_t       max;
};

/* max is at least 1. Exits 1 without memory for the first buffer (see base/alloc.h). */
void buffer_pool_init(struct buffer_pool *pool, uint32_t max);
void buffer_pool_fini(struct buffer_pool *pool); /* all buffers must have been put back */

/* Whether buffer_pool_keep_spare may be called. */
bool buffer_pool_may_keep(struct buffer_pool *pool);

/* The caller keeps the spare buffer, because bytes are left in it; the pool has another. */
struct buffer *buffer_pool_keep_spare(struct buffer_pool *pool);

/* Gives back a buffer that was kept. */
void buffer_pool_put(struct buffer_pool *pool, struct buffer *buffer);

static inline size_t buffer_used(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

#endif
