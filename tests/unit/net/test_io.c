/* SPDX-License-Identifier: Apache-2.0
 *
 * What struct io promises, tried on the real system and on the network in memory that other tests
 * use: each scenario runs on both, so that what the proxy learns from one holds for the other.
 */
#include "support/io_world.h"

#include "net/clock.h"

#include <errno.h>
#include <stdio.h>

#define READY_ALL (IO_READ | IO_WRITE | IO_HANGUP | IO_ERROR)

static void connecting_ends_with_write(void **state)
{
    struct io_world *w = *state;
    struct endpoint  peer;
    io_world_start_listener(w);
    io_world_start_client(w);
    uint32_t ready = io_world_await(w, &w->client, IO_WRITE);
    assert_int_equal(ready, IO_WRITE);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), 0);
    io_world_accept_server(w, &peer);
    assert_int_equal(peer.family, ADDRESS_IPV4);
    assert_true(peer.port != 0);
    assert_int_equal(w->io->ops->accept(w->io, w->listener.watch.fd, &peer), -EAGAIN);
}

static void a_closed_port_refuses(void **state)
{
    struct io_world *w = *state;
    io_world_start_listener(w);
    io_world_drop(w, &w->listener);
    io_world_start_client(w);
    uint32_t ready = io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(ready, READY_ALL);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), ECONNREFUSED);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), 0); /* reading it clears it */
}

static void bytes_arrive_in_order(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    assert_int_equal(io_world_receive(w, &w->server), -EAGAIN);
    io_world_give(w, &w->client, "one");
    io_world_give(w, &w->client, "two");
    io_world_take(w, &w->server, "onetwo");
    assert_int_equal(io_world_receive(w, &w->server), -EAGAIN);
    io_world_give(w, &w->server, "three");
    io_world_take(w, &w->client, "three");
}

static void peeked_bytes_stay_until_they_are_discarded(void **state)
{
    struct io_world *w = *state;
    char             bytes[64];
    io_world_connect_both(w);
    io_world_give(w, &w->client, "onetwo");
    io_world_settle(w);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(w->io->ops->peek(w->io, w->server.watch.fd, bytes, sizeof bytes), 6);
        assert_memory_equal(bytes, "onetwo", 6);
    }
    w->io->ops->discard(w->io, w->server.watch.fd, bytes, 3);
    w->io->ops->discard(w->io, w->server.watch.fd, bytes, 0);
    io_world_take(w, &w->server, "two");
    assert_int_equal(w->io->ops->peek(w->io, w->server.watch.fd, bytes, sizeof bytes), -EAGAIN);
    io_world_drop(w, &w->client);
    io_world_await(w, &w->server, IO_HANGUP);
    assert_int_equal(w->io->ops->peek(w->io, w->server.watch.fd, bytes, sizeof bytes), 0);
}

static void readiness_is_told_once(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_assert_silent(w, &w->server);
    io_world_give(w, &w->client, "a");
    assert_int_equal(io_world_await(w, &w->server, IO_READ), IO_READ | IO_WRITE);
    io_world_assert_silent(w, &w->server); /* although nobody has read it */
    io_world_give(w, &w->client, "b");
    io_world_await(w, &w->server, IO_READ); /* more is news, although the rest is not read either */
    io_world_take(w, &w->server, "ab");
}

/* A read that leaves nothing in the socket needs no second one to find out: whatever comes later is
 * told. */
static void bytes_after_a_short_read_are_told(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    for (uint32_t round = 0; round < 100; round++) {
        io_world_give(w, &w->client, "a");
        io_world_await(w, &w->server, IO_READ);
        assert_int_equal(io_world_receive(w, &w->server), 1);
    }
}

static void what_was_ready_before_watching_is_told(void **state)
{
    struct io_world *w = *state;
    struct endpoint  peer;
    io_world_start_listener(w);
    io_world_start_client(w);
    io_world_await(w, &w->client, IO_WRITE);
    io_world_give(w, &w->client, "early");
    w->io->ops->shutdown_write(w->io, w->client.watch.fd);
    io_world_accept_server(w, &peer);
    io_world_settle(w);
    assert_int_equal(w->io->ops->watch_stream(w->io, &w->server.watch), 0);
    uint32_t ready = io_world_await(w, &w->server, IO_READ | IO_HANGUP);
    assert_int_equal(ready, IO_READ | IO_WRITE | IO_HANGUP);
    io_world_take(w, &w->server, "early");
    assert_int_equal(io_world_receive(w, &w->server), 0);
}

static void an_end_is_told_after_all_bytes(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_give(w, &w->client, "bye");
    w->io->ops->shutdown_write(w->io, w->client.watch.fd);
    assert_int_equal(io_world_await(w, &w->server, IO_HANGUP) & IO_ERROR, 0);
    io_world_take(w, &w->server, "bye");
    assert_int_equal(io_world_receive(w, &w->server), 0);
    assert_int_equal(io_world_receive(w, &w->server), 0);
    assert_int_equal(io_world_send_one(w, &w->client), -EPIPE);

    io_world_give(w, &w->server, "still here"); /* the other half is open */
    io_world_take(w, &w->client, "still here");
    w->io->ops->shutdown_write(w->io, w->server.watch.fd);
    io_world_await(w, &w->client, IO_HANGUP);
    assert_int_equal(io_world_receive(w, &w->client), 0);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), 0);
}

static void ending_ones_own_side_is_told_too(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    w->io->ops->shutdown_write(w->io, w->client.watch.fd);
    assert_int_equal(io_world_await(w, &w->client, IO_WRITE), IO_WRITE);
}

static void closing_is_an_end(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_give(w, &w->server, "last words");
    io_world_drop(w, &w->server);
    assert_int_equal(io_world_await(w, &w->client, IO_HANGUP) & IO_ERROR, 0);
    io_world_take(w, &w->client, "last words");
    assert_int_equal(io_world_receive(w, &w->client), 0);
}

static void a_reset_is_an_error_after_the_bytes(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_give(w, &w->server, "cut");
    io_world_await(w, &w->client, IO_READ);
    w->io->ops->reset(w->io, w->server.watch.fd);
    w->server.watch.fd = -1;
    assert_int_equal(io_world_await(w, &w->client, IO_ERROR), READY_ALL);
    io_world_take(w, &w->client, "cut");
    assert_int_equal(io_world_receive(w, &w->client), -ECONNRESET);
    assert_int_equal(io_world_receive(w, &w->client), 0); /* it is told once */
    assert_int_equal(io_world_send_one(w, &w->client), -EPIPE);
}

static void a_send_can_be_what_learns_of_a_reset(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    w->io->ops->reset(w->io, w->server.watch.fd);
    w->server.watch.fd = -1;
    io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(io_world_send_one(w, &w->client), -ECONNRESET);
    assert_int_equal(io_world_send_one(w, &w->client), -EPIPE);
    assert_int_equal(io_world_receive(w, &w->client), 0);
}

static void closing_over_unread_bytes_resets(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_give(w, &w->client, "unread");
    io_world_await(w, &w->server, IO_READ);
    io_world_drop(w, &w->server);
    io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), ECONNRESET);
}

static void sending_to_a_closed_socket_resets(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_drop(w, &w->server);
    io_world_await(w, &w->client, IO_HANGUP);
    assert_int_equal(io_world_send_one(w, &w->client), 1); /* it may only have ended its half */
    io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(io_world_receive(w, &w->client), 0); /* the end came first */
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), EPIPE);
    assert_int_equal(io_world_send_one(w, &w->client), -EPIPE);
}

static void a_reset_after_an_end_is_told(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    w->io->ops->shutdown_write(w->io, w->server.watch.fd);
    io_world_await(w, &w->client, IO_HANGUP);
    w->io->ops->reset(w->io, w->server.watch.fd);
    w->server.watch.fd = -1;
    io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(io_world_receive(w, &w->client), 0);
    assert_int_equal(io_world_send_one(w, &w->client), -EPIPE);
}

/* Sends until it is refused for good, not only until the network has taken some of it over; how
 * much was taken. */
static size_t fill(struct io_world *w, struct io_end *from)
{
    static char bytes[100000];
    size_t      total = 0;
    for (uint32_t tries = 0; tries < 10000; tries++) {
        ssize_t count = w->io->ops->send(w->io, from->watch.fd, bytes, sizeof bytes);
        if (count > 0) {
            total += (size_t)count;
            continue;
        }
        assert_int_equal(count, -EAGAIN);
        from->seen = 0;
        for (uint32_t i = 0; i < 5; i++)
            (void)io_world_look(w, 2);
        if (from->seen == 0)
            return total;
    }
    fail();
    return 0;
}

static void room_is_told_after_a_refusal(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    size_t      total = fill(w, &w->client);
    static char bytes[1000000];
    for (size_t got = 0; got < total;) {
        ssize_t count = w->io->ops->recv(w->io, w->server.watch.fd, bytes, sizeof bytes);
        if (count == -EAGAIN) {
            assert_true(io_world_look(w, IO_WORLD_PATIENCE_MS) > 0);
            continue;
        }
        assert_true(count > 0);
        got += (size_t)count;
    }
    io_world_await(w, &w->client, IO_WRITE);
    assert_int_equal(io_world_send_one(w, &w->client), 1);
}

static void a_listener_is_told_again_until_it_accepts(void **state)
{
    struct io_world *w = *state;
    struct endpoint  peer;
    io_world_start_listener(w);
    io_world_start_client(w);
    for (uint32_t i = 0; i < 5; i++)
        io_world_await(w, &w->listener, IO_READ);
    w->io->ops->unwatch(w->io, &w->listener.watch);
    io_world_assert_silent(w, &w->listener);
    assert_int_equal(w->io->ops->watch_listener(w->io, &w->listener.watch), 0);
    io_world_accept_server(w, &peer);
    io_world_assert_silent(w, &w->listener);
}

static void closing_a_listener_resets_who_waits(void **state)
{
    struct io_world *w = *state;
    io_world_start_listener(w);
    io_world_start_client(w);
    io_world_await(w, &w->listener, IO_READ);
    io_world_settle(w);
    io_world_drop(w, &w->listener);
    io_world_await(w, &w->client, IO_ERROR);
    assert_int_equal(w->io->ops->error(w->io, w->client.watch.fd), ECONNRESET);
}

static void a_closed_socket_is_reported_no_more(void **state)
{
    struct io_world *w = *state;
    io_world_connect_both(w);
    io_world_give(w, &w->client, "x");
    io_world_drop(w, &w->server);
    io_world_assert_silent(w, &w->server);
}

static void a_wait_ends_with_its_timeout(void **state)
{
    struct io_world *w = *state;
    struct io_event  events[8];
    uint64_t         before = w->io->ops->now_ns(w->io);
    assert_int_equal(w->io->ops->wait(w->io, events, 8, 3), 0);
    assert_true(w->io->ops->now_ns(w->io) >= before + 2 * CLOCK_NS_PER_MS);
}

static void waking_ends_one_wait(void **state)
{
    struct io_world *w = *state;
    struct io_event  events[8];
    w->io->ops->wake(w->io);
    w->io->ops->wake(w->io);
    uint64_t before = w->io->ops->now_ns(w->io);
    assert_int_equal(w->io->ops->wait(w->io, events, 8, IO_WORLD_PATIENCE_MS), 0);
    assert_true(w->io->ops->now_ns(w->io) < before + IO_WORLD_PATIENCE_MS * CLOCK_NS_PER_MS);
    assert_int_equal(w->io->ops->wait(w->io, events, 8, 3), 0);
    assert_true(w->io->ops->now_ns(w->io) >= before + 2 * CLOCK_NS_PER_MS);
}

static void a_batch_is_no_larger_than_asked_for(void **state)
{
    struct io_world *w = *state;
    struct io_event  events[8];
    io_world_connect_both(w);
    io_world_give(w, &w->client, "to the server");
    io_world_give(w, &w->server, "to the client");
    uint32_t seen = 0;
    while (seen != 3) {
        int count = w->io->ops->wait(w->io, events, 1, IO_WORLD_PATIENCE_MS);
        assert_int_equal(count, 1);
        if ((events[0].ready & IO_READ) != 0)
            seen |= events[0].watch == &w->server.watch ? 1 : 2;
    }
}

static void closing_while_connecting_is_quiet(void **state)
{
    struct io_world *w = *state;
    struct endpoint  peer;
    io_world_start_listener(w);
    io_world_start_client(w);
    w->io->ops->reset(w->io, w->client.watch.fd);
    w->client.watch.fd = -1;
    io_world_settle(w);
    /* Who accepts it all the same finds a connection that is over. */
    int fd = w->io->ops->accept(w->io, w->listener.watch.fd, &peer);
    if (fd < 0)
        return;
    w->server.watch.fd = fd;
    assert_int_equal(w->io->ops->watch_stream(w->io, &w->server.watch), 0);
    io_world_await(w, &w->server, IO_HANGUP);
}

static const struct CMUnitTest scenarios[] = {
    cmocka_unit_test(connecting_ends_with_write),
    cmocka_unit_test(a_closed_port_refuses),
    cmocka_unit_test(bytes_arrive_in_order),
    cmocka_unit_test(peeked_bytes_stay_until_they_are_discarded),
    cmocka_unit_test(readiness_is_told_once),
    cmocka_unit_test(bytes_after_a_short_read_are_told),
    cmocka_unit_test(what_was_ready_before_watching_is_told),
    cmocka_unit_test(an_end_is_told_after_all_bytes),
    cmocka_unit_test(ending_ones_own_side_is_told_too),
    cmocka_unit_test(closing_is_an_end),
    cmocka_unit_test(a_reset_is_an_error_after_the_bytes),
    cmocka_unit_test(a_send_can_be_what_learns_of_a_reset),
    cmocka_unit_test(closing_over_unread_bytes_resets),
    cmocka_unit_test(sending_to_a_closed_socket_resets),
    cmocka_unit_test(a_reset_after_an_end_is_told),
    cmocka_unit_test(room_is_told_after_a_refusal),
    cmocka_unit_test(a_listener_is_told_again_until_it_accepts),
    cmocka_unit_test(closing_a_listener_resets_who_waits),
    cmocka_unit_test(a_closed_socket_is_reported_no_more),
    cmocka_unit_test(a_wait_ends_with_its_timeout),
    cmocka_unit_test(waking_ends_one_wait),
    cmocka_unit_test(a_batch_is_no_larger_than_asked_for),
    cmocka_unit_test(closing_while_connecting_is_quiet),
};

enum { SCENARIOS = LL_COUNT(scenarios) };

/* Also what only the network in memory can do. */
static void silence_and_unreachable_places(void **state)
{
    struct io_world *w       = *state;
    struct address   address = {.family   = ADDRESS_IPV4,
                                .endpoint = {.family = ADDRESS_IPV4, .ip = {10, 0, 0, 1}, .port = 1}};
    fake_io_answer(&w->fake, &address, FAKE_SILENT);
    w->address = address;
    io_world_start_client(w);
    io_world_assert_silent(w, &w->client);
    address.endpoint.port = 2;
    fake_io_answer(&w->fake, &address, FAKE_UNREACHABLE);
    assert_int_equal(w->io->ops->connect(w->io, &address), -ENETUNREACH);
    struct io_event events[8];
    assert_int_equal(w->io->ops->wait(w->io, events, 8, -1), 0);
    assert_true(w->fake.idle);
}

int main(void)
{
    static char       names[2 * SCENARIOS][96];
    struct CMUnitTest tests[2 * SCENARIOS + 1];
    for (uint32_t i = 0; i < 2 * SCENARIOS; i++) {
        bool real              = i < SCENARIOS;
        tests[i]               = scenarios[i % SCENARIOS];
        tests[i].setup_func    = real ? io_world_real_setup : io_world_fake_setup;
        tests[i].teardown_func = io_world_teardown;
        snprintf(names[i], sizeof names[i], "%s: %s", real ? "epoll" : "fake", tests[i].name);
        tests[i].name = names[i];
    }
    tests[2 * SCENARIOS] = (struct CMUnitTest)cmocka_unit_test_setup_teardown(
        silence_and_unreachable_places, io_world_fake_setup, io_world_teardown);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
