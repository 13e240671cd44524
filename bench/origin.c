/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of the benchmark: answers every request of N bytes with a response of M bytes.
 *
 * One thread, edge-triggered. Requests are counted, never looked at, so it is as cheap as a server
 * can be and leaves its core to the load generator. Connections stay open, or end after one
 * response with --close; then the origin is the one that closes first, which keeps TIME_WAIT off
 * the ports that a proxy connects from.
 *
 *     origin --listen 127.0.0.1:0 [--request 100] [--response 1024] [--close]
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

#define EVENTS_MAX 256
#define SINK_SIZE  ((size_t)64 * 1024)

struct connection {
    int      fd;
    uint64_t wanted; /* bytes of the current request still to come */
    uint64_t owed;   /* bytes of responses still to be sent */
};

struct origin {
    int      epoll;
    int      listener;
    bool     close_after;
    uint64_t request_size;
    uint64_t response_size;
    char    *response;
    char     sink[SINK_SIZE];
};

static void origin_accept(struct origin *origin)
{
    for (;;) {
        int fd = accept4(origin->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *connection = malloc(sizeof *connection);
        if (connection == NULL)
            bench_die("out of memory");
        *connection              = (struct connection){.fd = fd, .wanted = origin->request_size};
        struct epoll_event event = {.events   = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                    .data.ptr = connection};
        if (epoll_ctl(origin->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            bench_die("epoll_ctl: %s", strerror(errno));
    }
}

static void connection_count(struct connection *connection, const struct origin *origin,
                             uint64_t got)
{
    while (got >= connection->wanted) {
        got -= connection->wanted;
        connection->wanted = origin->request_size;
        connection->owed += origin->response_size;
    }
    connection->wanted -= got;
}

/* False at the end of the connection. */
static bool connection_read(struct connection *connection, struct origin *origin, bool drain)
{
    for (;;) {
        ssize_t got = recv(connection->fd, origin->sink, SINK_SIZE, 0);
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0)
            return false;
        connection_count(connection, origin, (uint64_t)got);
        if ((size_t)got < SINK_SIZE && !drain)
            return true;
    }
}

static bool connection_write(struct connection *connection, const struct origin *origin)
{
    while (connection->owed > 0) {
        /* Responses are all alike, so it does not matter where in one of them we are. */
        size_t  chunk = LL_MIN(connection->owed, origin->response_size);
        ssize_t sent  = send(connection->fd, origin->response, chunk, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        connection->owed -= (uint64_t)sent;
        if (connection->owed == 0 && origin->close_after)
            return false;
    }
    return true;
}

static void origin_event(struct origin *origin, struct connection *connection, uint32_t events)
{
    bool ending = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    bool alive  = (events & EPOLLERR) == 0;
    if (alive && (events & EPOLLIN) != 0)
        alive = connection_read(connection, origin, ending);
    if (alive)
        alive = connection_write(connection, origin);
    if (alive)
        return;
    close(connection->fd);
    free(connection);
}

LL_NORETURN static void origin_run(struct origin *origin)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(origin->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR)
            bench_die("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                origin_accept(origin);
            else
                origin_event(origin, events[i].data.ptr, events[i].events);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"request", required_argument, NULL, 'q'},
        {"response", required_argument, NULL, 'r'},
        {"close", no_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    static struct origin origin  = {.request_size = 100, .response_size = 1024};
    struct sockaddr_in   address = {.sin_family = AF_INET};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'l')
            address = bench_address(optarg);
        else if (option == 'q')
            origin.request_size = bench_number("request", optarg, 1);
        else if (option == 'r')
            origin.response_size = bench_number("response", optarg, 1);
        else if (option == 'c')
            origin.close_after = true;
        else
            return 64;
    }
    bench_raise_descriptors();
    origin.response = malloc(origin.response_size);
    if (origin.response == NULL)
        bench_die("out of memory");
    memset(origin.response, 'r', origin.response_size);
    origin.epoll             = epoll_create1(EPOLL_CLOEXEC);
    origin.listener          = bench_listen(&address);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (origin.epoll < 0 || epoll_ctl(origin.epoll, EPOLL_CTL_ADD, origin.listener, &event) < 0)
        bench_die("cannot start: %s", strerror(errno));
    bench_ready(&address);
    origin_run(&origin);
}
