/* SPDX-License-Identifier: Apache-2.0
 *
 * The load of the benchmark: requests of N bytes, each answered with M bytes; prints JSON.
 *
 *     --mode ping     C connections that stay open; each sends the next request when the last is
 *                     answered (closed loop), or requests start at a fixed --rate whatever the
 *                     answers do (open loop); then latency counts from the intended start
 *     --mode connect  a new connection for every request; the server closes it
 *     --mode idle     opens C connections, exchanges one message on each, prints "ready", keeps
 *                     them until its standard input ends, and says how many were lost
 *
 * A measurement starts and ends with nothing in flight, and the processor time of the processes
 * named by --watch is read at exactly those two moments: so many requests cost so much. Responses
 * are counted and discarded in the kernel (MSG_TRUNC); that bytes arrive intact is for tests to
 * show.
 */
#include "bench.h"

#include "base/histogram.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX   256
#define WATCH_MAX    16
#define SINK_SIZE    ((size_t)1024 * 1024)
#define NS_PER_S     UINT64_C(1000000000)
#define NS_PER_MS    UINT64_C(1000000)
#define ANSWER_LIMIT (5 * NS_PER_S)   /* an answer that takes longer will not come any more */
#define SETTLE_NS    (20 * NS_PER_MS) /* for a proxy to close its sockets and go to sleep */

enum mode {
    MODE_PING,
    MODE_CONNECT,
    MODE_IDLE,
};

struct connection {
    int                fd;   /* -1: lost, or not opened yet */
    uint64_t           left; /* bytes of the response still to come */
    uint64_t           start_ns;
    struct connection *next_free;
};

struct pinger {
    enum mode          mode;
    struct sockaddr_in address;
    uint64_t           connection_count;
    uint64_t           request_size;
    uint64_t           response_size;
    uint64_t           interval_ns; /* between the starts of an open loop; 0: closed loop */
    uint64_t           warmup_ns;
    uint64_t           duration_ns;
    uint32_t           watched;
    pid_t              watch[WATCH_MAX];

    int                epoll;
    char              *request;
    struct connection *connections;
    struct connection *free; /* connections without a request in flight */
    uint64_t           in_flight;
    uint64_t           due_ns; /* the next intended start of an open loop */
    uint64_t           end_ns; /* nothing is started any more */
    uint64_t           errors;
    uint64_t           total; /* requests answered since the start, warm-up included */
    struct histogram   latency;
};

static char pinger_sink[SINK_SIZE];

/* What one measurement read. */
struct reading {
    uint64_t seconds_ns;
    uint64_t self_ns;
    uint64_t watch_ns[WATCH_MAX];
};

static uint64_t clock_read(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) < 0 ? 0
                                          : (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void pinger_read_clocks(const struct pinger *pinger, struct reading *reading)
{
    for (uint32_t i = 0; i < pinger->watched; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(pinger->watch[i], &clock) != 0)
            bench_die("process %d is gone", pinger->watch[i]);
        reading->watch_ns[i] = clock_read(clock);
    }
    reading->self_ns    = clock_read(CLOCK_PROCESS_CPUTIME_ID);
    reading->seconds_ns = bench_now_ns();
}

static void connection_lose(struct pinger *pinger, struct connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    pinger->errors++;
}

static void connection_put(struct pinger *pinger, struct connection *connection)
{
    connection->next_free = pinger->free;
    pinger->free          = connection;
}

/* The request goes out at once: on loopback a connection is up when connect returns, and a request
 * fits any socket buffer. A proxy that is so far behind that it is not counts as an error. */
static bool connection_send(struct pinger *pinger, struct connection *connection)
{
    connection->left = pinger->response_size;
    return send(connection->fd, pinger->request, pinger->request_size, MSG_NOSIGNAL) ==
           (ssize_t)pinger->request_size;
}

static bool connection_watch(struct pinger *pinger, struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    return epoll_ctl(pinger->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

static void connection_begin(struct pinger *pinger, struct connection *connection,
                             uint64_t start_ns)
{
    connection->start_ns = start_ns;
    if (pinger->mode == MODE_CONNECT) {
        connection->fd = bench_connect(&pinger->address);
        if (connection->fd < 0)
            bench_die("connect: %s", strerror(errno));
    }
    if (!connection_send(pinger, connection) ||
        (pinger->mode == MODE_CONNECT && !connection_watch(pinger, connection))) {
        connection_lose(pinger, connection);
        if (pinger->mode == MODE_CONNECT)
            connection_put(pinger, connection);
        return;
    }
    pinger->in_flight++;
}

/* Starts what is due and can be started. */
static void pinger_begin(struct pinger *pinger)
{
    while (pinger->free != NULL) {
        uint64_t now   = bench_now_ns();
        uint64_t start = pinger->interval_ns == 0 ? now : pinger->due_ns;
        if (start > now || start >= pinger->end_ns)
            return;
        pinger->due_ns += pinger->interval_ns;
        struct connection *connection = pinger->free;
        pinger->free                  = connection->next_free;
        connection_begin(pinger, connection, start);
    }
}

enum received {
    RECEIVED_PART,
    RECEIVED_ALL,
    RECEIVED_WRONG, /* too much, too little, a reset */
};

static enum received connection_receive(struct pinger *pinger, struct connection *connection,
                                        bool ending)
{
    for (;;) {
        ssize_t got = recv(connection->fd, pinger_sink, SINK_SIZE, MSG_TRUNC);
        if (got < 0)
            return errno == EAGAIN ? RECEIVED_PART : RECEIVED_WRONG;
        if (got == 0)
            return pinger->mode == MODE_CONNECT && connection->left == 0 ? RECEIVED_ALL
                                                                         : RECEIVED_WRONG;
        if ((uint64_t)got > connection->left)
            return RECEIVED_WRONG;
        connection->left -= (uint64_t)got;
        if (connection->left == 0 && pinger->mode == MODE_PING)
            return RECEIVED_ALL;
        if ((size_t)got < SINK_SIZE && !ending)
            return RECEIVED_PART;
    }
}

static void pinger_event(struct pinger *pinger, struct connection *connection, uint32_t events)
{
    bool          ending   = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    enum received received = connection_receive(pinger, connection, ending);
    if (received == RECEIVED_PART)
        return;
    pinger->in_flight--;
    if (received == RECEIVED_WRONG) {
        connection_lose(pinger, connection);
        if (pinger->mode == MODE_PING)
            return;
    } else {
        pinger->total++;
        histogram_record(&pinger->latency, bench_now_ns() - connection->start_ns);
        if (pinger->mode == MODE_CONNECT)
            close(connection->fd);
    }
    connection_put(pinger, connection);
}

static struct timespec pinger_timeout(const struct pinger *pinger)
{
    uint64_t now  = bench_now_ns();
    uint64_t wake = now < pinger->end_ns ? pinger->end_ns : pinger->end_ns + ANSWER_LIMIT;
    if (now < pinger->end_ns && pinger->interval_ns != 0 && pinger->free != NULL)
        wake = LL_MIN(wake, pinger->due_ns);
    uint64_t left = wake > now ? wake - now : 0;
    return (struct timespec){.tv_sec  = (time_t)(left / NS_PER_S),
                             .tv_nsec = (long)(left % NS_PER_S)};
}

/* Starts requests for so long, then waits until the last is answered. */
static void pinger_run(struct pinger *pinger, uint64_t duration_ns)
{
    struct epoll_event events[EVENTS_MAX];
    pinger->due_ns = bench_now_ns();
    pinger->end_ns = pinger->due_ns + duration_ns;
    for (;;) {
        uint64_t now = bench_now_ns();
        if (now < pinger->end_ns)
            pinger_begin(pinger);
        else if (pinger->in_flight == 0)
            return;
        else if (now > pinger->end_ns + ANSWER_LIMIT)
            bench_die("%llu requests were never answered", (unsigned long long)pinger->in_flight);
        struct timespec timeout = pinger_timeout(pinger);
        int             count   = epoll_pwait2(pinger->epoll, events, EVENTS_MAX, &timeout, NULL);
        if (count < 0 && errno != EINTR)
            bench_die("epoll_pwait2: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
            pinger_event(pinger, events[i].data.ptr, events[i].events);
            pinger_begin(pinger);
        }
    }
}

static void pinger_settle(void)
{
    struct timespec pause = {.tv_nsec = (long)SETTLE_NS};
    nanosleep(&pause, NULL);
}

static void pinger_wait(const struct connection *connection, short events)
{
    struct pollfd wait = {.fd = connection->fd, .events = events};
    if (poll(&wait, 1, (int)(ANSWER_LIMIT / NS_PER_MS)) != 1)
        bench_die("no answer from the proxy");
}

static void pinger_open(struct pinger *pinger, struct connection *connection)
{
    connection->fd = bench_connect(&pinger->address);
    if (connection->fd < 0)
        bench_die("connect: %s", strerror(errno));
    pinger_wait(connection, POLLOUT);
}

/* One request and its answer, waited for. */
static void pinger_exchange(struct pinger *pinger, struct connection *connection)
{
    if (!connection_send(pinger, connection))
        bench_die("send: %s", strerror(errno));
    while (connection->left > 0) {
        pinger_wait(connection, POLLIN);
        ssize_t got = recv(connection->fd, pinger_sink, SINK_SIZE, MSG_TRUNC);
        if (got <= 0 || (uint64_t)got > connection->left)
            bench_die("the proxy closed the connection or sent too much");
        connection->left -= (uint64_t)got;
    }
}

static void pinger_measure(struct pinger *pinger)
{
    for (uint64_t i = 0; i < pinger->connection_count; i++) {
        struct connection *connection = &pinger->connections[i];
        connection_put(pinger, connection);
        if (pinger->mode == MODE_CONNECT)
            continue;
        pinger_open(pinger, connection);
        if (!connection_watch(pinger, connection))
            bench_die("epoll_ctl: %s", strerror(errno));
    }
    pinger_run(pinger, pinger->warmup_ns);
    pinger_settle();
    histogram_reset(&pinger->latency);
    pinger->errors = 0;

    struct reading before = {0};
    struct reading after  = {0};
    pinger_read_clocks(pinger, &before);
    pinger_run(pinger, pinger->duration_ns);
    uint64_t end_ns = bench_now_ns();
    pinger_settle();
    pinger_read_clocks(pinger, &after);

    const struct histogram *latency = &pinger->latency;
    double                  seconds = (double)(end_ns - before.seconds_ns) / (double)NS_PER_S;
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"rate\": %.1f, \"errors\": %llu",
           (unsigned long long)latency->count, seconds, (double)latency->count / seconds,
           (unsigned long long)pinger->errors);
    printf(", \"total\": %llu", (unsigned long long)pinger->total);
    printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f",
           (double)histogram_quantile(latency, 0.5) / 1e3,
           (double)histogram_quantile(latency, 0.99) / 1e3,
           (double)histogram_quantile(latency, 0.999) / 1e3, (double)latency->max / 1e3);
    printf(", \"self_ns\": %llu, \"watch_ns\": [",
           (unsigned long long)(after.self_ns - before.self_ns));
    for (uint32_t i = 0; i < pinger->watched; i++)
        printf("%s%llu", i == 0 ? "" : ", ",
               (unsigned long long)(after.watch_ns[i] - before.watch_ns[i]));
    printf("]}\n");
}

static void pinger_idle(struct pinger *pinger)
{
    for (uint64_t i = 0; i < pinger->connection_count; i++) {
        pinger_open(pinger, &pinger->connections[i]);
        pinger_exchange(pinger, &pinger->connections[i]);
    }
    printf("ready\n");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    uint64_t lost = 0;
    for (uint64_t i = 0; i < pinger->connection_count; i++)
        if (recv(pinger->connections[i].fd, pinger_sink, 1, MSG_PEEK) >= 0 || errno != EAGAIN)
            lost++;
    printf("{\"connections\": %llu, \"errors\": %llu}\n",
           (unsigned long long)pinger->connection_count, (unsigned long long)lost);
}

static enum mode mode_parse(const char *text)
{
    static const char *const names[] = {
        [MODE_PING] = "ping", [MODE_CONNECT] = "connect", [MODE_IDLE] = "idle"};
    for (size_t i = 0; i < LL_COUNT(names); i++)
        if (strcmp(text, names[i]) == 0)
            return (enum mode)i;
    bench_die("--mode is ping, connect or idle, not \"%s\"", text);
}

static void watch_parse(struct pinger *pinger, char *text)
{
    for (char *pid = strtok(text, ","); pid != NULL; pid = strtok(NULL, ",")) {
        if (pinger->watched == WATCH_MAX)
            bench_die("--watch takes at most %d processes", WATCH_MAX);
        pinger->watch[pinger->watched++] = (pid_t)bench_number("watch", pid, 1);
    }
}

static void pinger_configure(struct pinger *pinger, int argc, char **argv)
{
    static const struct option options[] = {
        {"address", required_argument, NULL, 'a'},
        {"mode", required_argument, NULL, 'm'},
        {"connections", required_argument, NULL, 'c'},
        {"request", required_argument, NULL, 'q'},
        {"response", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},
        {"warmup-ms", required_argument, NULL, 'u'},
        {"duration-ms", required_argument, NULL, 'd'},
        {"watch", required_argument, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    for (int option, which; (option = getopt_long(argc, argv, "", options, &which)) != -1;) {
        if (option == 'a')
            pinger->address = bench_address(optarg);
        else if (option == 'm')
            pinger->mode = mode_parse(optarg);
        else if (option == 'w')
            watch_parse(pinger, optarg);
        else if (option == '?')
            exit(64);
        else {
            uint64_t value = bench_number(options[which].name, optarg, 1);
            if (option == 'c')
                pinger->connection_count = value;
            else if (option == 'q')
                pinger->request_size = value;
            else if (option == 's')
                pinger->response_size = value;
            else if (option == 'r')
                pinger->interval_ns = LL_MAX(NS_PER_S / value, 1u);
            else if (option == 'u')
                pinger->warmup_ns = value * NS_PER_MS;
            else
                pinger->duration_ns = value * NS_PER_MS;
        }
    }
    if (pinger->address.sin_port == 0)
        bench_die("--address is missing");
}

int main(int argc, char **argv)
{
    static struct pinger pinger = {
        .connection_count = 64,
        .request_size     = 100,
        .response_size    = 1024,
        .warmup_ns        = 200 * NS_PER_MS,
        .duration_ns      = NS_PER_S,
    };
    pinger_configure(&pinger, argc, argv);
    bench_raise_descriptors();
    prctl(PR_SET_TIMERSLACK, 1UL); /* or an open loop would start 50 us late */
    pinger.request     = malloc(pinger.request_size);
    pinger.connections = calloc(pinger.connection_count, sizeof *pinger.connections);
    pinger.epoll       = epoll_create1(EPOLL_CLOEXEC);
    if (pinger.request == NULL || pinger.connections == NULL || pinger.epoll < 0)
        bench_die("cannot start: %s", strerror(errno));
    memset(pinger.request, 'q', pinger.request_size);
    if (pinger.mode == MODE_IDLE)
        pinger_idle(&pinger);
    else
        pinger_measure(&pinger);
    return 0;
}
