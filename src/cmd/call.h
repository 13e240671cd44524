/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to an echo server, directly or through a balancer: connect, send a message, end our side,
 * read to the end, and say who answered and whether every byte came back.
 *
 * Not here:  how many calls and when (client.c, demo.c). Bound: max calls at once.
 * Threading: belongs to the loop's thread.
 */
#ifndef LL_CMD_CALL_H
#define LL_CMD_CALL_H

#include "base/slab.h"
#include "base/list.h"
#include "base/slice.h"
#include "cmd/echo.h"
#include "model/address.h"

#include <stdint.h>

enum call_outcome {
    CALL_GOOD,
    CALL_NOT_CONNECTED, /* error says why */
    CALL_BROKEN,        /* connected, then failed; error says how */
    CALL_TIMED_OUT,
    CALL_CUT,   /* a clean end before the whole message came back */
    CALL_WRONG, /* other bytes came back than were sent */
};

struct call_result {
    uint64_t          number; /* counts from 1 in the order of the starts */
    enum call_outcome outcome;
    int               error;                       /* positive errno, or 0 */
    char              backend[ECHO_NAME_MAX + 1u]; /* "" where nobody greeted */
    uint64_t          latency_ns;                  /* from the start to the end of the answer */
};

struct loop;
struct caller;

typedef void (*call_done_fn)(struct caller *caller, const struct call_result *result);

/* Makes calls to one address. Embedded in whatever wants their results. */
struct caller {
    struct loop   *loop;
    struct address address;
    struct slice   message;
    uint64_t       timeout_ns; /* of a call as a whole */
    call_done_fn   on_done;    /* may start further calls */
    uint64_t       started;
    struct slab    calls; /* calls.live are running */
    struct list    running;
};

/* The message must outlive the caller. */
void caller_init(struct caller *caller, struct loop *loop, uint32_t max);

/* Ends what is running without a result. Not from within a turn of the loop. */
void caller_fini(struct caller *caller);

/* on_done follows in a later turn, also for a call that fails at once. Fewer than max must be
 * running. */
void caller_start(struct caller *caller);

/* What went wrong, in a few words that are equal for equal failures. "" for CALL_GOOD. */
const char *call_describe(const struct call_result *result);

#endif
