/* SPDX-License-Identifier: Apache-2.0
 *
 * struct io on Linux: epoll, an eventfd for waking, and non-blocking sockets.
 */
#ifndef LL_NET_EPOLL_IO_H
#define LL_NET_EPOLL_IO_H

#include "net/io.h"

struct epoll_io {
    struct io io;
    int       epoll;
    int       wakeup;
};

LL_MUST_CHECK int epoll_io_init(struct epoll_io *epoll_io);
void              epoll_io_fini(struct epoll_io *epoll_io);

#endif
