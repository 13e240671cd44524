/* SPDX-License-Identifier: Apache-2.0
 *
 * Deferred freeing for data that many threads read and one thread replaces (quiescent-state-based
 * reclamation).
 *
 * The writer unpublishes something and retires it; it is freed once every reader has since said
 * that it holds nothing from before. Readers pay one store per loop turn and nothing per access.
 * Not here:  the published pointer itself. Its owner stores it with release before it retires what
 *            it replaced, and readers load it with acquire.
 * Threading: retire and reclaim on the writer thread; each reader number belongs to one thread.
 */
#ifndef LL_BASE_QSBR_H
#define LL_BASE_QSBR_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdint.h>

typedef void qsbr_free_fn(void *object);

struct qsbr_reader;
struct qsbr_retired;

struct qsbr {
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t generation;
    struct qsbr_reader  *readers;
    uint32_t             reader_count;
    struct qsbr_retired *oldest;
    struct qsbr_retired *newest;
    uint32_t             waiting; /* retired and not freed yet */
};

/* All readers start offline. */
void qsbr_init(struct qsbr *qsbr, uint32_t reader_count);

/* Frees what is still retired: no reader may be online any more. */
void qsbr_fini(struct qsbr *qsbr);

/* Reader: from here on, what it loads stays until it passes or leaves. */
void qsbr_online(struct qsbr *qsbr, uint32_t reader);

/* Reader: holds nothing any more, and will not load before qsbr_online. Call it before blocking, so
 * that an idle thread keeps nothing from being freed. */
void qsbr_offline(struct qsbr *qsbr, uint32_t reader);

/* Reader: holds nothing that it loaded before this call. Cheaper than offline and online. */
void qsbr_pass(struct qsbr *qsbr, uint32_t reader);

/* Writer: object can no longer be reached by a reader that comes now; frees it when the last of
 * those that came before has passed. */
void qsbr_retire(struct qsbr *qsbr, qsbr_free_fn *free_fn, void *object);

/* Writer: frees what may be freed; returns how many objects still wait. Never blocks. */
uint32_t qsbr_reclaim(struct qsbr *qsbr);

#endif
