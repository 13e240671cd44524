/* SPDX-License-Identifier: Apache-2.0
 *
 * A client, a listener and what it accepts, on the real system or on the network in memory, and
 * what is reported of them: for scenarios that must come out the same on both.
 */
#ifndef LL_SUPPORT_IO_WORLD_H
#define LL_SUPPORT_IO_WORLD_H

#include "net/epoll_io.h"
#include "support/fake_io.h"
#include "support/unit.h"

#include <stdbool.h>
#include <stdint.h>

/* Longer than anything takes on a loaded machine; only a failure waits for it. */
#define IO_WORLD_PATIENCE_MS 10000

struct io_end {
    struct watch watch;
    uint32_t     seen; /* what was reported and not looked at yet */
};

struct io_world {
    struct io      *io;
    struct epoll_io epoll;
    struct fake_io  fake;
    bool            real;
    struct address  address; /* of the listener */
    struct io_end   listener;
    struct io_end   client;
    struct io_end   server;
};

/* For cmocka: make a world of one kind or the other, and end it. */
int io_world_real_setup(void **state);
int io_world_fake_setup(void **state);
int io_world_teardown(void **state);

/* Closes the end if it is open. */
void io_world_drop(struct io_world *w, struct io_end *end);

/* Waits once and notes what is reported. Returns how much that was. */
int io_world_look(struct io_world *w, int timeout_ms);

/* Waits until all of that has been reported of the end; returns, and forgets, everything that was.
 */
uint32_t io_world_await(struct io_world *w, struct io_end *end, uint32_t wanted);

/* Lets pass what is on its way, and forgets what is reported of it. */
void io_world_settle(struct io_world *w);

/* Nothing more is reported of the end. */
void io_world_assert_silent(struct io_world *w, const struct io_end *end);

void io_world_start_listener(struct io_world *w);
void io_world_start_client(struct io_world *w);
void io_world_accept_server(struct io_world *w, struct endpoint *ret_peer);

/* A connection whose ends have reported all there is to say about a new one. */
void io_world_connect_both(struct io_world *w);

/* Sends all of it at once; receives exactly that, waiting for it. */
void io_world_give(struct io_world *w, struct io_end *from, const char *text);
void io_world_take(struct io_world *w, struct io_end *at, const char *text);

/* One call each, with its result. */
ssize_t io_world_receive(struct io_world *w, struct io_end *at);
ssize_t io_world_send_one(struct io_world *w, struct io_end *from);

#endif
