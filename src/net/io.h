/* SPDX-License-Identifier: Apache-2.0
 *
 * The operating system as the data path sees it: time, readiness and sockets.
 *
 * One table of functions, so that tests drive the real proxy code with a virtual clock and sockets
 * that misbehave on demand. net/epoll_io.h is the real one. The indirect call costs about a
 * nanosecond where the system call behind it costs several hundred. Threading: an io belongs to one
 * thread; only wake() may be called from others.
 */
#ifndef LL_NET_IO_H
#define LL_NET_IO_H

#include "base/compiler.h"
#include "model/address.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a descriptor is ready for. */
enum {
    IO_READ   = 1u << 0,
    IO_WRITE  = 1u << 1,
    IO_HANGUP = 1u << 2, /* the peer will send no more; what it sent before may still be there */
    IO_ERROR  = 1u << 3, /* reset, or a connect that failed: ask error() */
};

struct watch;

typedef void (*watch_fn)(struct watch *watch, uint32_t ready);

/* Embedded in whatever owns the descriptor. */
struct watch {
    watch_fn on_ready;
    int      fd; /* -1 while there is none */
};

struct io_event {
    struct watch *watch;
    uint32_t      ready;
};

struct io;

/* Sizes and counts as in the system calls of the same name; failures are negative errno values. */
struct io_ops {
    uint64_t (*now_ns)(struct io *io);

    /* Stream sockets are watched edge-triggered for everything, once, and until they are closed.
     * Listeners are watched level-triggered for reading and can be unwatched. */
    int (*watch_stream)(struct io *io, struct watch *watch);
    int (*watch_listener)(struct io *io, struct watch *watch);
    void (*unwatch)(struct io *io, struct watch *watch);

    /* Returns how many events there are, 0 after the timeout or a wake(). Negative timeout: no
     * limit. */
    int (*wait)(struct io *io, struct io_event *events, int max, int timeout_ms);

    /* Makes the current or next wait() return. Any thread. */
    void (*wake)(struct io *io);

    /* Non-blocking and ready to be watched. */
    int (*accept)(struct io *io, int listener, struct endpoint *ret_peer);

    /* Starts connecting and returns the descriptor; IO_WRITE tells the end, IO_ERROR with it the
     * failure. A failure that is known at once is returned as negative errno. */
    int (*connect)(struct io *io, const struct address *address);

    /* Lets the kernel find out about a peer that has vanished. For connected sockets that turn out
     * to live long; accepted ones have it from their listener. */
    void (*keep_alive)(struct io *io, int fd);

    ssize_t (*recv)(struct io *io, int fd, void *bytes, size_t size);

    /* Like recv, but the bytes stay where they are, until discard takes so many of them, which may
     * overwrite the buffer. */
    ssize_t (*peek)(struct io *io, int fd, void *bytes, size_t size);
    void (*discard)(struct io *io, int fd, void *bytes, size_t size);

    ssize_t (*send)(struct io *io, int fd, const void *bytes, size_t size);

    /* The pending error of a socket as a positive errno, 0 for none; reading it clears it. */
    int (*error)(struct io *io, int fd);

    void (*shutdown_write)(struct io *io, int fd);
    void (*close)(struct io *io, int fd);
    void (*reset)(struct io *io, int fd); /* closes with RST: the peer sees an abort, not an end */
};

struct io {
    const struct io_ops *ops;
};

#endif
