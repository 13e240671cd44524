/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of the benchmark: relays bytes between a client and one origin, and parses nothing.
 *
 * What a relay in user space cannot do without, and no more: one thread, one edge-triggered epoll
 * set, each socket registered once. A message costs one recv and one send; a short read is known to
 * have emptied the socket, so there is no second recv for EAGAIN. EPOLLOUT is asked for only once a
 * send has been short. Half-close and back-pressure are kept, or the bytes would not be the same.
 *
 * Not here: timeouts, limits, logs, counters, choice of a server, fairness between connections. It
 * is a yardstick, not a proxy.
 *
 *     blind_relay --listen 127.0.0.1:0 --origin 127.0.0.1:9001 [--buffer BYTES]
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX     256
#define BUFFER_DEFAULT ((size_t)1024 * 1024)

/* One socket, and the way from it to its peer. */
struct side {
    int          fd;
    bool         ended;    /* its EOF has been passed on */
    bool         want_out; /* EPOLLOUT is registered */
    struct side *peer;
    char        *held; /* bytes that the peer did not take; nothing is read while there are any */
    size_t       held_at;
    size_t       held_size;
};

struct pair {
    struct side  client;
    struct side  origin;
    struct pair *next; /* in the list of closed pairs */
};

struct relay {
    int                epoll;
    int                listener;
    struct sockaddr_in origin;
    size_t             buffer_size;
    char              *buffer;
    struct pair       *closed; /* freed after the batch of events that may still name them */
};

static struct pair *side_pair(struct side *side)
{
    /* The client's side is the first member. */
    return (struct pair *)(void *)(side < side->peer ? side : side->peer);
}

static void relay_close(struct relay *relay, struct side *side)
{
    struct pair *pair = side_pair(side);
    close(pair->client.fd);
    close(pair->origin.fd);
    free(pair->client.held);
    free(pair->origin.held);
    pair->client.fd = -1;
    pair->origin.fd = -1;
    pair->next      = relay->closed;
    relay->closed   = pair;
}

static bool relay_watch(struct relay *relay, int operation, struct side *side)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET |
                                          (side->want_out ? (uint32_t)EPOLLOUT : 0u),
                                .data.ptr = side};
    return epoll_ctl(relay->epoll, operation, side->fd, &event) == 0;
}

/* Keeps what to did not take; from is not read until it has. */
static bool relay_hold(struct relay *relay, struct side *from, const char *bytes, size_t size)
{
    struct side *to = from->peer;
    from->held      = malloc(size);
    if (from->held == NULL)
        return false;
    memcpy(from->held, bytes, size);
    from->held_at   = 0;
    from->held_size = size;
    if (to->want_out)
        return true;
    to->want_out = true;
    return relay_watch(relay, EPOLL_CTL_MOD, to);
}

/* Moves what from has to its peer. drain: read until the socket says that it is empty, because an
 * EOF may follow or because events were ignored meanwhile. False: the pair must be closed. */
static bool relay_pump(struct relay *relay, struct side *from, bool drain)
{
    struct side *to = from->peer;
    while (from->held == NULL && !from->ended) {
        ssize_t got = recv(from->fd, relay->buffer, relay->buffer_size, 0);
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0) {
            from->ended = true;
            return !to->ended && shutdown(to->fd, SHUT_WR) == 0;
        }
        ssize_t sent = send(to->fd, relay->buffer, (size_t)got, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < got) {
            size_t taken = sent < 0 ? 0 : (size_t)sent;
            return relay_hold(relay, from, relay->buffer + taken, (size_t)got - taken);
        }
        if ((size_t)got < relay->buffer_size && !drain)
            return true;
    }
    return true;
}

/* to has room again: gives it what from held, and goes on with from. */
static bool relay_flush(struct relay *relay, struct side *to)
{
    struct side *from = to->peer;
    if (from->held == NULL)
        return true;
    ssize_t sent =
        send(to->fd, from->held + from->held_at, from->held_size - from->held_at, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    from->held_at += (size_t)sent;
    if (from->held_at < from->held_size)
        return true;
    free(from->held);
    from->held = NULL;
    return relay_pump(relay, from, true);
}

static void relay_accept(struct relay *relay)
{
    for (;;) {
        int client = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0)
            return;
        int          origin = bench_connect(&relay->origin);
        struct pair *pair   = origin < 0 ? NULL : calloc(1, sizeof *pair);
        if (pair == NULL) {
            close(client);
            if (origin >= 0)
                close(origin);
            continue;
        }
        pair->client = (struct side){.fd = client, .peer = &pair->origin};
        pair->origin = (struct side){.fd = origin, .peer = &pair->client};
        /* The connect is not waited for: until it is through, send says EAGAIN, and then the bytes
         * are held as for any other full socket. */
        if (!relay_watch(relay, EPOLL_CTL_ADD, &pair->client) ||
            !relay_watch(relay, EPOLL_CTL_ADD, &pair->origin))
            relay_close(relay, &pair->client);
    }
}

static void relay_event(struct relay *relay, struct side *side, uint32_t events)
{
    if (side->fd == -1)
        return;
    bool alive = (events & EPOLLERR) == 0;
    if (alive && (events & EPOLLOUT) != 0)
        alive = relay_flush(relay, side);
    if (alive && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0)
        alive = relay_pump(relay, side, (events & (EPOLLRDHUP | EPOLLHUP)) != 0);
    if (!alive)
        relay_close(relay, side);
}

LL_NORETURN static void relay_run(struct relay *relay)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(relay->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            bench_die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                relay_accept(relay);
            else
                relay_event(relay, events[i].data.ptr, events[i].events);
        }
        while (relay->closed != NULL) {
            struct pair *pair = relay->closed;
            relay->closed     = pair->next;
            free(pair);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"origin", required_argument, NULL, 'o'},
        {"buffer", required_argument, NULL, 'b'},
        {NULL, 0, NULL, 0},
    };
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct relay       relay   = {.buffer_size = BUFFER_DEFAULT};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'l')
            address = bench_address(optarg);
        else if (option == 'o')
            relay.origin = bench_address(optarg);
        else if (option == 'b')
            relay.buffer_size = bench_number("buffer", optarg, 1);
        else
            return 64;
    }
    if (relay.origin.sin_port == 0)
        bench_die("--origin is missing");
    bench_raise_descriptors();
    relay.buffer   = malloc(relay.buffer_size);
    relay.epoll    = epoll_create1(EPOLL_CLOEXEC);
    relay.listener = bench_listen(&address);
    /* The listener is the event without a pointer. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (relay.buffer == NULL || relay.epoll < 0 ||
        epoll_ctl(relay.epoll, EPOLL_CTL_ADD, relay.listener, &event) < 0)
        bench_die("cannot start: %s", strerror(errno));
    bench_ready(&address);
    relay_run(&relay);
}
