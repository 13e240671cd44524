/* SPDX-License-Identifier: Apache-2.0
 *
 * struct io without an operating system: virtual time, and a network of sockets in memory that a
 * seed makes as unkind as a real one can be.
 *
 * Bytes arrive late and in pieces, windows are small so that sends are cut short and then refused,
 * connections take their time, ports refuse or never answer. What the network does is what Linux
 * does with TCP, as seen through net/epoll_io: tests/unit/net/test_io.c runs the same scenarios on
 * both. Descriptors that were closed are given out again at once, so that a use after close is
 * noticed.
 *
 * Time stands still while there is anything to report, and otherwise jumps to the next thing that
 * happens. The whole run repeats for a seed.
 * Threading: one thread, wake() included.
 */
#ifndef LL_SUPPORT_FAKE_IO_H
#define LL_SUPPORT_FAKE_IO_H

#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "net/io.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_FD_BASE 1000
#define FAKE_FDS_MAX 4096u

/* How the network behaves. Each value is drawn between min and max whenever it is needed. */
struct fake_weather {
    uint64_t latency_min_ns, latency_max_ns; /* of everything, one way */
    uint32_t window_min, window_max;         /* bytes that one direction of a connection holds */
    uint32_t segment_max;                    /* bytes that arrive together at most */
};

/* What happens to a connect to an address; all others are refused. */
enum fake_answer {
    FAKE_LISTENS,     /* set by fake_io_listen */
    FAKE_SILENT,      /* nothing, ever */
    FAKE_UNREACHABLE, /* -ENETUNREACH at once */
};

struct fake_end;

struct fake_io {
    struct io           io;
    uint64_t            now_ns;
    struct fake_weather weather;
    struct rng          rng;
    struct heap         events;
    struct fake_end    *ends[FAKE_FDS_MAX]; /* by descriptor */
    uint32_t            free_fds[FAKE_FDS_MAX];
    uint32_t            free_count;
    uint32_t            slots;   /* beyond it none was ever used */
    uint32_t            fds_max; /* how many may be open at once */
    struct list         all;     /* ends, also closed ones */
    struct list         places;
    uint16_t            next_port; /* of connecting sockets */
    bool                woken;
    bool                idle; /* the last wait had no limit, and nothing will ever happen */
    uint64_t            resets;
};

void fake_io_init(struct fake_io *fake, uint64_t seed, const struct fake_weather *weather);

/* Whatever is still open goes with it. */
void fake_io_fini(struct fake_io *fake);

/* A listening descriptor, to be watched like any other. */
int fake_io_listen(struct fake_io *fake, const struct address *address);

void fake_io_answer(struct fake_io *fake, const struct address *address, enum fake_answer answer);

/* Descriptors that are open. */
static inline uint32_t fake_io_open_count(const struct fake_io *fake)
{
    return FAKE_FDS_MAX - fake->free_count;
}

#endif
