/* SPDX-License-Identifier: Apache-2.0 */
#include "base/qsbr.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

/* The generation a reader has seen; QSBR_OFFLINE is newer than any. */
#define QSBR_OFFLINE UINT64_MAX

struct qsbr_reader {
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t seen;
};

struct qsbr_retired {
    struct qsbr_retired *next;
    qsbr_free_fn        *free_fn;
    void                *object;
    uint64_t             generation; /* readers that have seen this one hold it no more */
};

void qsbr_init(struct qsbr *qsbr, uint32_t reader_count)
{
    *qsbr = (struct qsbr){
        .readers      = alloc_lines(reader_count, sizeof *qsbr->readers),
        .reader_count = reader_count,
    };
    for (uint32_t i = 0; i < reader_count; i++)
        atomic_init(&qsbr->readers[i].seen, QSBR_OFFLINE);
}

void qsbr_fini(struct qsbr *qsbr)
{
    LL_ASSERT(qsbr_reclaim(qsbr) == 0);
    free(qsbr->readers);
    qsbr->readers = NULL;
}

/* Sequentially consistent on both sides: either the writer's scan sees this reader online, or the
 * reader sees the new generation here and with it everything published before. */
void qsbr_online(struct qsbr *qsbr, uint32_t reader)
{
    LL_ASSERT(reader < qsbr->reader_count);
    uint64_t generation = atomic_load(&qsbr->generation);
    for (;;) {
        atomic_store(&qsbr->readers[reader].seen, generation);
        uint64_t now = atomic_load(&qsbr->generation);
        if (now == generation)
            return;
        generation = now;
    }
}

void qsbr_offline(struct qsbr *qsbr, uint32_t reader)
{
    LL_ASSERT(reader < qsbr->reader_count);
    atomic_store_explicit(&qsbr->readers[reader].seen, QSBR_OFFLINE, memory_order_release);
}

void qsbr_pass(struct qsbr *qsbr, uint32_t reader)
{
    LL_ASSERT(reader < qsbr->reader_count);
    uint64_t generation = atomic_load_explicit(&qsbr->generation, memory_order_acquire);
    atomic_store_explicit(&qsbr->readers[reader].seen, generation, memory_order_release);
}

void qsbr_retire(struct qsbr *qsbr, qsbr_free_fn *free_fn, void *object)
{
    struct qsbr_retired *retired = alloc_zero(1, sizeof *retired);

    *retired = (struct qsbr_retired){
        .free_fn    = free_fn,
        .object     = object,
        .generation = atomic_fetch_add(&qsbr->generation, 1) + 1,
    };
    if (qsbr->newest != NULL)
        qsbr->newest->next = retired;
    else
        qsbr->oldest = retired;
    qsbr->newest = retired;
    qsbr->waiting++;
}

uint32_t qsbr_reclaim(struct qsbr *qsbr)
{
    if (qsbr->oldest == NULL)
        return 0;
    uint64_t seen_by_all = QSBR_OFFLINE;
    for (uint32_t i = 0; i < qsbr->reader_count; i++) {
        uint64_t seen = atomic_load(&qsbr->readers[i].seen);
        seen_by_all   = LL_MIN(seen_by_all, seen);
    }
    /* A destructor may retire more; that goes to the end, with a newer generation. */
    while (qsbr->oldest != NULL && qsbr->oldest->generation <= seen_by_all) {
        struct qsbr_retired *retired = qsbr->oldest;
        qsbr->oldest                 = retired->next;
        if (qsbr->oldest == NULL)
            qsbr->newest = NULL;
        qsbr->waiting--;
        retired->free_fn(retired->object);
        free(retired);
    }
    return qsbr->waiting;
}
