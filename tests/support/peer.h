/* SPDX-License-Identifier: Apache-2.0
 *
 * One end of a connection that a test looks at: sends a stream of bytes that can be told from any
 * other, checks the stream that it receives, byte by byte, and behaves as its plan says.
 *
 * Runs on a loop, beside the code under test. Threading: the loop's.
 */
#ifndef LL_SUPPORT_PEER_H
#define LL_SUPPORT_PEER_H

#include "base/rng.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

/* Streams begin with their key, so sizes are 0 or at least this. */
#define PEER_KEY_SIZE 8u

#define PEER_NEVER UINT64_MAX

enum peer_manner {
    PEER_ENDS,  /* ends its side when all is sent, and reads on */
    PEER_WAITS, /* ends its side when all is sent and the other side has ended */
    PEER_QUITS, /* closes when all is sent, whatever the other side still has to say */
    PEER_SITS,  /* never ends by itself */
};

struct peer_plan {
    uint64_t         size; /* bytes to send */
    enum peer_manner manner;
    uint64_t         reset_after;  /* bytes sent and received; PEER_NEVER */
    uint64_t         pause_max_ns; /* between two bits of work; 0: does all it can at once */
    uint32_t         bit_max;      /* bytes per call */
};

struct peer {
    struct watch     watch;
    struct timer     timer;
    struct loop     *loop;
    struct rng       rng;
    struct peer_plan plan;
    uint64_t         key;       /* of the stream it sends */
    uint64_t         other_key; /* of the stream it receives, once PEER_KEY_SIZE bytes are there */
    uint64_t         sent;
    uint64_t         received;
    uint64_t         opened_ns;
    uint64_t         closed_ns;
    int              error; /* that broke the connection, as a positive errno */
    bool             connected;
    bool             shut;  /* has ended its side */
    bool             ended; /* has seen the other's end */
    bool             did_reset;
    bool             closed;
    bool             deaf; /* does not read; see peer_hear */
};

/* Takes over a descriptor. A connecting one begins when it is connected. */
void peer_start(struct peer *peer, struct loop *loop, int fd, bool connecting, uint64_t key,
                const struct peer_plan *plan);

/* At once and from outside. */
void peer_reset(struct peer *peer);

/* A deaf peer begins to read. */
void peer_hear(struct peer *peer);

/* Checks what the end of both says about the way from one to the other: nothing was lost, and an
 * end was only seen where one was meant. */
void peer_check(const struct peer *from, const struct peer *to);

#endif
