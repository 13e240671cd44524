/* SPDX-License-Identifier: Apache-2.0 */
#include "net/epoll_io.h"

#include "base/assert.h"
#include "net/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one wait() takes from the kernel at most. More stays there for the next turn. */
#define EPOLL_IO_BATCH 256

static struct epoll_io *epoll_io_of(struct io *io)
{
    return LL_CONTAINER_OF(io, struct epoll_io, io);
}

static uint64_t epoll_io_now_ns(struct io *io)
{
    (void)io;
    return clock_now_ns();
}

static int epoll_io_add(struct io *io, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(epoll_io_of(io)->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0 ? 0 : -errno;
}

static int epoll_io_watch_stream(struct io *io, struct watch *watch)
{
    return epoll_io_add(io, watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static int epoll_io_watch_listener(struct io *io, struct watch *watch)
{
    return epoll_io_add(io, watch, EPOLLIN);
}

static void epoll_io_unwatch(struct io *io, struct watch *watch)
{
    int failed = epoll_ctl(epoll_io_of(io)->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    LL_ASSERT(failed == 0);
}

static uint32_t epoll_io_ready(uint32_t events)
{
    uint32_t ready = 0;
    if (events & EPOLLIN)
        ready |= IO_READ;
    if (events & EPOLLOUT)
        ready |= IO_WRITE;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        ready |= IO_HANGUP;
    if (events & EPOLLERR)
        ready |= IO_ERROR;
    return ready;
}

static int epoll_io_wait(struct io *io, struct io_event *events, int max, int timeout_ms)
{
    struct epoll_io   *epoll_io = epoll_io_of(io);
    struct epoll_event batch[EPOLL_IO_BATCH];
    int count = epoll_wait(epoll_io->epoll, batch, LL_MIN(max, EPOLL_IO_BATCH), timeout_ms);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;

    int out = 0;
    for (int i = 0; i < count; i++) {
        if (batch[i].data.ptr == NULL) { /* our own eventfd */
            uint64_t wakes;
            (void)!read(epoll_io->wakeup, &wakes, sizeof wakes);
            continue;
        }
        events[out++] = (struct io_event){
            .watch = batch[i].data.ptr,
            .ready = epoll_io_ready(batch[i].events),
        };
    }
    return out;
}

static void epoll_io_wake(struct io *io)
{
    uint64_t one = 1;
    (void)!write(epoll_io_of(io)->wakeup, &one, sizeof one);
}

static int epoll_io_accept(struct io *io, int listener, struct endpoint *ret_peer)
{
    (void)io;
    return socket_accept(listener, ret_peer);
}

static int epoll_io_connect(struct io *io, const struct address *address)
{
    (void)io;
    return socket_connect(address);
}

static void epoll_io_keep_alive(struct io *io, int fd)
{
    (void)io;
    socket_keep_alive(fd);
}

static ssize_t epoll_io_recv(struct io *io, int fd, void *bytes, size_t size)
{
    (void)io;
    ssize_t count = recv(fd, bytes, size, 0);
    return count >= 0 ? count : -errno;
}

static ssize_t epoll_io_peek(struct io *io, int fd, void *bytes, size_t size)
{
    (void)io;
    ssize_t count = recv(fd, bytes, size, MSG_PEEK);
    return count >= 0 ? count : -errno;
}

/* For TCP the kernel frees the bytes where they are; Unix sockets copy them once more. They are
 * there: only a reset could take them away first, and the next recv tells of that. */
static void epoll_io_discard(struct io *io, int fd, void *bytes, size_t size)
{
    (void)io;
    while (size > 0) {
        ssize_t taken = recv(fd, bytes, size, MSG_TRUNC);
        if (taken <= 0)
            return;
        size -= (size_t)taken;
    }
}

static ssize_t epoll_io_send(struct io *io, int fd, const void *bytes, size_t size)
{
    (void)io;
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
    return count >= 0 ? count : -errno;
}

static int epoll_io_error(struct io *io, int fd)
{
    (void)io;
    int       error = 0;
    socklen_t size  = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    return error;
}

static void epoll_io_shutdown_write(struct io *io, int fd)
{
    (void)io;
    (void)shutdown(fd, SHUT_WR); /* ENOTCONN where the peer has reset: nothing left to tell it */
}

static void epoll_io_close(struct io *io, int fd)
{
    (void)io;
    (void)close(fd);
}

static void epoll_io_reset(struct io *io, int fd)
{
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    epoll_io_close(io, fd);
}

static const struct io_ops epoll_io_ops = {
    .now_ns         = epoll_io_now_ns,
    .watch_stream   = epoll_io_watch_stream,
    .watch_listener = epoll_io_watch_listener,
    .unwatch        = epoll_io_unwatch,
    .wait           = epoll_io_wait,
    .wake           = epoll_io_wake,
    .accept         = epoll_io_accept,
    .connect        = epoll_io_connect,
    .keep_alive     = epoll_io_keep_alive,
    .recv           = epoll_io_recv,
    .peek           = epoll_io_peek,
    .discard        = epoll_io_discard,
    .send           = epoll_io_send,
    .error          = epoll_io_error,
    .shutdown_write = epoll_io_shutdown_write,
    .close          = epoll_io_close,
    .reset          = epoll_io_reset,
};

int epoll_io_init(struct epoll_io *epoll_io)
{
    *epoll_io = (struct epoll_io){.io.ops = &epoll_io_ops, .epoll = -1, .wakeup = -1};

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_io->epoll          = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_io->epoll < 0)
        goto failed;
    epoll_io->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll_io->wakeup < 0)
        goto failed;
    if (epoll_ctl(epoll_io->epoll, EPOLL_CTL_ADD, epoll_io->wakeup, &event) != 0)
        goto failed;
    return 0;

failed:;
    int error = -errno;
    epoll_io_fini(epoll_io);
    return error;
}

void epoll_io_fini(struct epoll_io *epoll_io)
{
    if (epoll_io->epoll >= 0)
        close(epoll_io->epoll);
    if (epoll_io->wakeup >= 0)
        close(epoll_io->wakeup);
    epoll_io->epoll  = -1;
    epoll_io->wakeup = -1;
}
