/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel caps it at net.core.somaxconn. */
#define SOCKET_BACKLOG 65535

/* A peer that vanished without a word is found after about two minutes: 60 s of silence, then a
 * probe every 10 s, six times. The kernel's own default is two hours. */
#define SOCKET_KEEPALIVE_IDLE_S     60
#define SOCKET_KEEPALIVE_INTERVAL_S 10
#define SOCKET_KEEPALIVE_PROBES     6

union socket_name {
    struct sockaddr     any;
    struct sockaddr_in  ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un  local;
};

static socklen_t socket_name_of(const struct address *address, union socket_name *name)
{
    memset(name, 0, sizeof *name);
    switch (address->family) {
    case ADDRESS_IPV4:
        name->ipv4.sin_family = AF_INET;
        name->ipv4.sin_port   = htons(address->endpoint.port);
        memcpy(&name->ipv4.sin_addr, address->endpoint.ip, 4);
        return sizeof name->ipv4;
    case ADDRESS_IPV6:
        name->ipv6.sin6_family   = AF_INET6;
        name->ipv6.sin6_port     = htons(address->endpoint.port);
        name->ipv6.sin6_scope_id = address->scope;
        memcpy(&name->ipv6.sin6_addr, address->endpoint.ip, 16);
        return sizeof name->ipv6;
    case ADDRESS_UNIX:
        name->local.sun_family = AF_UNIX;
        memcpy(name->local.sun_path, address->path, sizeof name->local.sun_path);
        return sizeof name->local;
    case ADDRESS_NONE:
        break;
    }
    LL_NEVER("an address of no family");
}

static const uint8_t socket_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void socket_endpoint_of(const union socket_name *name, struct endpoint *endpoint)
{
    *endpoint = (struct endpoint){0};
    if (name->any.sa_family == AF_INET) {
        endpoint->family = ADDRESS_IPV4;
        endpoint->port   = ntohs(name->ipv4.sin_port);
        memcpy(endpoint->ip, &name->ipv4.sin_addr, 4);
    } else if (name->any.sa_family == AF_INET6) {
        /* A dual-stack listener shows IPv4 peers as ::ffff:a.b.c.d; people want to read a.b.c.d. */
        const uint8_t *ip     = name->ipv6.sin6_addr.s6_addr;
        bool           mapped = memcmp(ip, socket_mapped_prefix, sizeof socket_mapped_prefix) == 0;
        endpoint->family      = mapped ? ADDRESS_IPV4 : ADDRESS_IPV6;
        endpoint->port        = ntohs(name->ipv6.sin6_port);
        memcpy(endpoint->ip, mapped ? ip + 12 : ip, mapped ? 4 : 16);
    }
}

static int socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

/* None of these options matters enough to fail for: a socket without them still carries every byte,
 * and Unix sockets have none of them. */
static void socket_no_delay(int fd)
{
    (void)socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void socket_keep_alive(int fd)
{
    (void)socket_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, SOCKET_KEEPALIVE_IDLE_S);
    (void)socket_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, SOCKET_KEEPALIVE_INTERVAL_S);
    (void)socket_set(fd, IPPROTO_TCP, TCP_KEEPCNT, SOCKET_KEEPALIVE_PROBES);
}

static int socket_new(const struct address *address)
{
    int domain = address->family == ADDRESS_IPV4   ? AF_INET
                 : address->family == ADDRESS_IPV6 ? AF_INET6
                                                   : AF_UNIX;
    int fd     = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd >= 0 ? fd : -errno;
}

/* Removes a Unix socket file that nobody listens on, such as one left by a crash. */
static int socket_remove_stale(const struct address *address)
{
    struct stat status;
    if (address->family != ADDRESS_UNIX || lstat(address->path, &status) != 0)
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int probe = socket_connect(address);
    if (probe >= 0 || probe == -EAGAIN) {
        if (probe >= 0)
            close(probe);
        return -EADDRINUSE;
    }
    return unlink(address->path) == 0 ? 0 : -errno;
}

static int socket_bind(int fd, const struct address *address, bool shared)
{
    union socket_name name;
    socklen_t         size  = socket_name_of(address, &name);
    int               error = 0;
    if (address->family != ADDRESS_UNIX) {
        error = socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (error == 0 && shared)
            error = socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (error == 0 && address->family == ADDRESS_IPV6) {
            /* "::" takes IPv4 too; any other IPv6 address cannot. */
            static const uint8_t any[16] = {0};
            bool                 dual    = memcmp(address->endpoint.ip, any, sizeof any) == 0;
            error                        = socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1);
        }
    }
    if (error == 0 && bind(fd, &name.any, size) != 0)
        error = -errno;
    return error;
}

static int socket_bound_address(int fd, const struct address *address, struct address *ret_bound)
{
    *ret_bound = *address;
    if (address->family == ADDRESS_UNIX || address->endpoint.port != 0)
        return 0;
    union socket_name name = {0};
    socklen_t         size = sizeof name;
    if (getsockname(fd, &name.any, &size) != 0)
        return -errno;
    ret_bound->endpoint.port =
        ntohs(address->family == ADDRESS_IPV4 ? name.ipv4.sin_port : name.ipv6.sin6_port);
    return 0;
}

int socket_listen(const struct address *address, bool shared, struct address *ret_bound)
{
    int fd = socket_new(address);
    if (fd == -EAFNOSUPPORT && address->family == ADDRESS_IPV6) {
        /* A machine without IPv6: "every address" then means every IPv4 address. */
        struct address any      = {.family = ADDRESS_IPV4, .endpoint.family = ADDRESS_IPV4};
        any.endpoint.port       = address->endpoint.port;
        struct address wildcard = {.family = ADDRESS_IPV6, .endpoint.family = ADDRESS_IPV6};
        wildcard.endpoint.port  = address->endpoint.port;
        return address_equal(address, &wildcard) ? socket_listen(&any, shared, ret_bound) : fd;
    }
    if (fd < 0)
        return fd;
    int error = socket_remove_stale(address);
    if (error == 0)
        error = socket_bind(fd, address, shared);
    if (error == 0 && address->family != ADDRESS_UNIX) {
        socket_no_delay(fd);
        socket_keep_alive(fd);
    }
    if (error == 0 && listen(fd, SOCKET_BACKLOG) != 0)
        error = -errno;
    if (error == 0)
        error = socket_bound_address(fd, address, ret_bound);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int socket_look(const struct address *address)
{
    if (address->family == ADDRESS_UNIX || address->endpoint.port == 0)
        return 0;
    int fd = socket_new(address);
    if (fd < 0)
        return fd == -EAFNOSUPPORT ? 0 : fd; /* listening has an answer to that */
    int error = socket_bind(fd, address, false);
    close(fd);
    return error;
}

int socket_accept(int listener, struct endpoint *ret_peer)
{
    union socket_name name;
    socklen_t         size = sizeof name;
    name.any.sa_family     = AF_UNSPEC;
    int fd                 = accept4(listener, &name.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    socket_endpoint_of(&name, ret_peer);
    return fd;
}

int socket_connect(const struct address *address)
{
    int fd = socket_new(address);
    if (fd < 0)
        return fd;
    union socket_name name;
    socklen_t         size = socket_name_of(address, &name);
    if (address->family != ADDRESS_UNIX)
        socket_no_delay(fd);
    if (connect(fd, &name.any, size) != 0 && errno != EINPROGRESS) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

uint64_t socket_descriptor_limit(uint64_t wanted)
{
    struct rlimit limit;
    LL_ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < wanted) {
        struct rlimit raised = {.rlim_cur = wanted, .rlim_max = wanted};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return wanted;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    LL_ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    return limit.rlim_cur;
}
