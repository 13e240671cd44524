/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096

void bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t bench_number(const char *option, const char *text, uint64_t low)
{
    char              *end   = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value < low)
        bench_die("--%s wants a number of at least %llu, not \"%s\"", option,
                  (unsigned long long)low, text);
    return value;
}

struct sockaddr_in bench_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char               host[INET_ADDRSTRLEN];
    const char        *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        bench_die("\"%s\" is not an address like 127.0.0.1:8000", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    uint64_t port      = bench_number("port", colon + 1, 0);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || port > UINT16_MAX)
        bench_die("\"%s\" is not an address like 127.0.0.1:8000", text);
    address.sin_port = htons((uint16_t)port);
    return address;
}

int bench_listen(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        bench_die("socket: %s", strerror(errno));
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
        listen(fd, LISTEN_BACKLOG) < 0)
        bench_die("cannot listen on port %u: %s", ntohs(address->sin_port), strerror(errno));
    socklen_t size = sizeof *address;
    if (getsockname(fd, (struct sockaddr *)address, &size) < 0)
        bench_die("getsockname: %s", strerror(errno));
    return fd;
}

void bench_ready(const struct sockaddr_in *address)
{
    printf("ready %u\n", ntohs(address->sin_port));
    fflush(stdout);
}

int bench_connect(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

void bench_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
