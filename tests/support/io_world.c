/* SPDX-License-Identifier: Apache-2.0 */
#include "support/io_world.h"

#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>

int io_world_real_setup(void **state)
{
    struct io_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(epoll_io_init(&w->epoll), 0);
    w->io   = &w->epoll.io;
    w->real = true;
    *state  = w;
    return 0;
}

int io_world_fake_setup(void **state)
{
    static const struct fake_weather weather = {
        .latency_min_ns = 1000,
        .latency_max_ns = 1000000,
        .window_min     = 50000,
        .window_max     = 100000,
        .segment_max    = 1000000,
    };
    struct io_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    fake_io_init(&w->fake, 1, &weather);
    w->io  = &w->fake.io;
    *state = w;
    return 0;
}

void io_world_drop(struct io_world *w, struct io_end *end)
{
    if (end->watch.fd > 0)
        w->io->ops->close(w->io, end->watch.fd);
    end->watch.fd = -1;
    end->seen     = 0;
}

int io_world_teardown(void **state)
{
    struct io_world *w = *state;
    io_world_drop(w, &w->client);
    io_world_drop(w, &w->server);
    io_world_drop(w, &w->listener);
    if (w->real) {
        epoll_io_fini(&w->epoll);
    } else {
        assert_int_equal(fake_io_open_count(&w->fake), 0);
        fake_io_fini(&w->fake);
    }
    free(w);
    return 0;
}

static int open_listener(struct io_world *w, struct address *address)
{
    if (w->real)
        return socket_listen(address, false, address);
    address->endpoint.port = 80;
    return fake_io_listen(&w->fake, address);
}

void io_world_start_listener(struct io_world *w)
{
    w->address           = (struct address){.family   = ADDRESS_IPV4,
                                            .endpoint = {.family = ADDRESS_IPV4, .ip = {127, 0, 0, 1}}};
    w->listener.watch.fd = open_listener(w, &w->address);
    assert_true(w->listener.watch.fd >= 0);
    assert_int_equal(w->io->ops->watch_listener(w->io, &w->listener.watch), 0);
}

int io_world_look(struct io_world *w, int timeout_ms)
{
    struct io_event events[8];
    int             count = w->io->ops->wait(w->io, events, 8, timeout_ms);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        struct io_end *end = LL_CONTAINER_OF(events[i].watch, struct io_end, watch);
        assert_true(end == &w->client || end == &w->server || end == &w->listener);
        assert_true(end->watch.fd > 0);
        end->seen |= events[i].ready;
    }
    return count;
}

uint32_t io_world_await(struct io_world *w, struct io_end *end, uint32_t wanted)
{
    for (uint32_t tries = 0; (end->seen & wanted) != wanted; tries++) {
        assert_true(tries <
                    1000); /* a listener that is told again and again is not what we await */
        assert_true(io_world_look(w, IO_WORLD_PATIENCE_MS) > 0);
    }
    uint32_t seen = end->seen;
    end->seen     = 0;
    return seen;
}

void io_world_settle(struct io_world *w)
{
    for (uint32_t i = 0; i < 5; i++)
        (void)io_world_look(w, 2);
    w->client.seen = w->server.seen = w->listener.seen = 0;
}

void io_world_assert_silent(struct io_world *w, const struct io_end *end)
{
    for (uint32_t i = 0; i < 5; i++)
        (void)io_world_look(w, 2);
    assert_int_equal(end->seen, 0);
}

void io_world_start_client(struct io_world *w)
{
    w->client.watch.fd = w->io->ops->connect(w->io, &w->address);
    assert_true(w->client.watch.fd > 0);
    assert_int_equal(w->io->ops->watch_stream(w->io, &w->client.watch), 0);
}

void io_world_accept_server(struct io_world *w, struct endpoint *ret_peer)
{
    io_world_await(w, &w->listener, IO_READ);
    w->server.watch.fd = w->io->ops->accept(w->io, w->listener.watch.fd, ret_peer);
    assert_true(w->server.watch.fd > 0);
}

void io_world_connect_both(struct io_world *w)
{
    struct endpoint peer;
    io_world_start_listener(w);
    io_world_start_client(w);
    io_world_accept_server(w, &peer);
    assert_int_equal(w->io->ops->watch_stream(w->io, &w->server.watch), 0);
    assert_int_equal(io_world_await(w, &w->client, IO_WRITE) & IO_ERROR, 0);
    io_world_settle(w);
}

void io_world_give(struct io_world *w, struct io_end *from, const char *text)
{
    assert_int_equal(w->io->ops->send(w->io, from->watch.fd, text, strlen(text)), strlen(text));
}

void io_world_take(struct io_world *w, struct io_end *at, const char *text)
{
    char   bytes[64];
    size_t size = strlen(text);
    assert_true(size <= sizeof bytes);
    for (size_t got = 0; got < size;) {
        ssize_t count = w->io->ops->recv(w->io, at->watch.fd, bytes + got, size - got);
        if (count == -EAGAIN) {
            io_world_await(w, at, IO_READ);
            continue;
        }
        assert_true(count > 0);
        got += (size_t)count;
    }
    assert_memory_equal(bytes, text, size);
}

ssize_t io_world_receive(struct io_world *w, struct io_end *at)
{
    char bytes[64];
    return w->io->ops->recv(w->io, at->watch.fd, bytes, sizeof bytes);
}

ssize_t io_world_send_one(struct io_world *w, struct io_end *from)
{
    return w->io->ops->send(w->io, from->watch.fd, "x", 1);
}
