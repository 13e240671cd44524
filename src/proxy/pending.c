/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/pending.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proxy/tcp_session.h"
#include "proxy/worker.h"

#include <stdlib.h>

void pending_init(struct pending *pending, uint32_t max, uint32_t worker_count)
{
    *pending      = (struct pending){.max = max, .worker_count = worker_count};
    pending->rows = alloc_lines(worker_count, sizeof *pending->rows);
    for (uint32_t i = 0; i < worker_count; i++)
        list_init(&pending->rows[i].sessions);
}

void pending_fini(struct pending *pending)
{
    LL_ASSERT(atomic_load(&pending->count) == 0);
    free(pending->rows);
}

static void pending_publish_oldest(struct pending_row *row)
{
    struct list_link *link = list_first(&row->sessions);
    uint64_t          oldest_ns =
        link == NULL ? 0 : LIST_ITEM(link, struct tcp_session, waiting)->started_ns;
    atomic_store_explicit(&row->oldest_ns, oldest_ns, memory_order_release);
}

bool pending_enter(struct pending *pending, struct tcp_session *session)
{
    struct pending_row *row = &pending->rows[session->worker->index];
    if (atomic_fetch_add(&pending->count, 1) >= pending->max) {
        atomic_fetch_sub(&pending->count, 1);
        return false;
    }
    list_append(&row->sessions, &session->waiting);
    pending_publish_oldest(row);
    return true;
}

void pending_leave(struct pending *pending, struct tcp_session *session)
{
    list_remove(&session->waiting);
    pending_publish_oldest(&pending->rows[session->worker->index]);
    atomic_fetch_sub(&pending->count, 1);
}

void pending_wake(struct pending *pending, struct worker *worker)
{
    /* Adding nothing, because a plain load could be done before the end of the lease is visible;
     * the session that enters just then would miss it. See tcp_connect.c for the other half. */
    if (atomic_fetch_add(&pending->count, 0) == 0)
        return;
    uint32_t best    = pending->worker_count;
    uint64_t best_ns = UINT64_MAX;
    for (uint32_t i = 0; i < pending->worker_count; i++) {
        uint64_t oldest_ns =
            atomic_load_explicit(&pending->rows[i].oldest_ns, memory_order_acquire);
        if (oldest_ns != 0 && oldest_ns < best_ns) {
            best    = i;
            best_ns = oldest_ns;
        }
    }
    if (best < pending->worker_count)
        worker_order(worker->proxy->workers[best], WORKER_RETRY_PENDING);
}

void pending_retry(struct pending *pending, struct worker *worker)
{
    struct pending_row *row = &pending->rows[worker->index];
    while (!list_empty(&row->sessions)) {
        struct list_link   *link    = list_first(&row->sessions);
        struct tcp_session *session = LIST_ITEM(link, struct tcp_session, waiting);
        if (!tcp_connect_retry(session))
            return;
    }
}
