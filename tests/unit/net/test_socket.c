/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_of(text), true, &address), ADDRESS_OK);
    return address;
}

static void await_ready(int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
}

static int option(int fd, int level, int name)
{
    int       value = -1;
    socklen_t size  = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static int pending_error(int fd)
{
    return option(fd, SOL_SOCKET, SO_ERROR);
}

/* A folder of the test's own for Unix sockets. */
static char folder[64];

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/limeload-socket-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int folder_remove(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct address unix_address(const char *name)
{
    char text[96];
    snprintf(text, sizeof text, "unix:%s/%s", folder, name);
    return parsed(text);
}

/* Listens, connects, accepts, and lets a byte pass. */
static void assert_carries(const struct address *address, enum address_family peer_family)
{
    struct address  bound;
    struct endpoint peer;
    int             listener = socket_listen(address, false, &bound);
    assert_true(listener >= 0);
    assert_int_equal(socket_accept(listener, &peer), -EAGAIN);
    int client = socket_connect(&bound);
    assert_true(client >= 0);
    await_ready(listener, POLLIN);
    int server = socket_accept(listener, &peer);
    assert_true(server >= 0);
    assert_int_equal(peer.family, peer_family);
    await_ready(client, POLLOUT);
    assert_int_equal(pending_error(client), 0);
    assert_int_equal(send(client, "x", 1, 0), 1);
    await_ready(server, POLLIN);
    char byte;
    assert_int_equal(recv(server, &byte, 1, 0), 1);
    assert_int_equal(recv(server, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN); /* it does not block */
    int fds[] = {listener, client, server};
    for (size_t i = 0; i < LL_COUNT(fds); i++) {
        assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
        assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
        close(fds[i]);
    }
}

static bool have_ipv6(void)
{
    struct address address = parsed("[::1]:0");
    struct address bound;
    int            fd = socket_listen(&address, false, &bound);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void every_family_carries_bytes(void **state)
{
    (void)state;
    struct address ipv4 = parsed("127.0.0.1:0");
    assert_carries(&ipv4, ADDRESS_IPV4);
    struct address local = unix_address("carries");
    assert_carries(&local, ADDRESS_NONE);
    assert_int_equal(unlink(local.path), 0);
    if (have_ipv6()) {
        struct address ipv6 = parsed("[::1]:0");
        assert_carries(&ipv6, ADDRESS_IPV6);
    }
}

static void port_0_tells_the_choice(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:0");
    struct address first, second;
    int            a = socket_listen(&address, false, &first);
    int            b = socket_listen(&address, false, &second);
    assert_true(a >= 0 && b >= 0);
    assert_true(first.endpoint.port != 0 && second.endpoint.port != 0);
    assert_true(first.endpoint.port != second.endpoint.port);
    assert_memory_equal(first.endpoint.ip, address.endpoint.ip, 4);
    close(a);
    close(b);
}

/* ":0" is every address of both families, and IPv4 clients are shown as such. */
static void every_address_takes_both_families(void **state)
{
    (void)state;
    struct address any = parsed(":0");
    struct address bound;
    int            listener = socket_listen(&any, false, &bound);
    assert_true(listener >= 0);
    const char *hosts[] = {"127.0.0.1:0", have_ipv6() ? "[::1]:0" : NULL};
    for (size_t i = 0; i < LL_COUNT(hosts) && hosts[i] != NULL; i++) {
        struct address  to = parsed(hosts[i]);
        struct endpoint peer;
        to.endpoint.port = bound.endpoint.port;
        int client       = socket_connect(&to);
        assert_true(client >= 0);
        await_ready(listener, POLLIN);
        int server = socket_accept(listener, &peer);
        assert_true(server >= 0);
        assert_int_equal(peer.family, to.family);
        assert_memory_equal(peer.ip, to.endpoint.ip, to.family == ADDRESS_IPV4 ? 4 : 16);
        close(client);
        close(server);
    }
    close(listener);
}

static void one_address_has_one_listener(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:0");
    struct address bound, again;
    int            fd = socket_listen(&address, false, &bound);
    assert_true(fd >= 0);
    assert_int_equal(socket_listen(&bound, false, &again), -EADDRINUSE);
    assert_int_equal(socket_listen(&bound, true, &again), -EADDRINUSE);
    assert_int_equal(socket_look(&bound), -EADDRINUSE);
    close(fd);
    assert_int_equal(socket_look(&bound), 0);
}

static void shared_listeners_share(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:0");
    struct address bound, again;
    int            a = socket_listen(&address, true, &bound);
    int            b = socket_listen(&bound, true, &again);
    assert_true(a >= 0 && b >= 0);
    assert_true(address_equal(&bound, &again));
    assert_int_equal(socket_look(&bound), -EADDRINUSE); /* a look does not join them */
    close(a);
    close(b);
}

static void a_port_is_free_again_at_once(void **state)
{
    (void)state;
    struct address  address = parsed("127.0.0.1:0");
    struct address  bound, again;
    struct endpoint peer;
    int             listener = socket_listen(&address, false, &bound);
    int             client   = socket_connect(&bound);
    assert_true(listener >= 0 && client >= 0);
    await_ready(listener, POLLIN);
    int server = socket_accept(listener, &peer);
    close(server); /* closes first, so the port now has a connection in TIME_WAIT */
    close(client);
    close(listener);
    listener = socket_listen(&bound, false, &again);
    assert_true(listener >= 0);
    close(listener);
}

static void accepted_sockets_inherit_their_options(void **state)
{
    (void)state;
    struct address  address = parsed("127.0.0.1:0");
    struct address  bound;
    struct endpoint peer;
    int             listener = socket_listen(&address, false, &bound);
    int             client   = socket_connect(&bound);
    assert_true(listener >= 0 && client >= 0);
    await_ready(listener, POLLIN);
    int server = socket_accept(listener, &peer);
    assert_true(server >= 0);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(client, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
    socket_keep_alive(client);
    assert_int_equal(option(client, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(client, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(option(client, IPPROTO_TCP, TCP_KEEPCNT), 6);
    close(server);
    close(client);
    close(listener);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    (void)state;
    struct address address = unix_address("stale");
    struct address bound;
    int            fd = socket_listen(&address, false, &bound);
    assert_true(fd >= 0);
    assert_int_equal(socket_listen(&address, false, &bound), -EADDRINUSE); /* it is alive */
    close(fd);
    assert_int_equal(access(address.path, F_OK), 0); /* the file stays, as after a crash */
    assert_int_equal(socket_connect(&address), -ECONNREFUSED);
    fd = socket_listen(&address, false, &bound);
    assert_true(fd >= 0);
    close(fd);
    unlink(address.path);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    struct address address = unix_address("file");
    struct address bound;
    int            fd = open(address.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(socket_listen(&address, false, &bound), -EEXIST);
    assert_int_equal(access(address.path, F_OK), 0);
    unlink(address.path);
}

static void failures_are_told_and_leave_no_descriptor(void **state)
{
    (void)state;
    struct address bound;
    int            before = dup(0);
    struct address absent = unix_address("absent/socket");
    assert_int_equal(socket_listen(&absent, false, &bound), -ENOENT);
    assert_int_equal(socket_connect(&absent), -ENOENT);
    struct address foreign = parsed("192.0.2.1:0"); /* belongs to nobody */
    assert_int_equal(socket_listen(&foreign, false, &bound), -EADDRNOTAVAIL);
    int after = dup(0);
    assert_int_equal(after, before + 1);
    close(before);
    close(after);
}

static void a_refused_connect_is_an_error_of_the_socket(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:0");
    struct address bound;
    int            listener = socket_listen(&address, false, &bound);
    assert_true(listener >= 0);
    close(listener);
    int client = socket_connect(&bound);
    if (client >= 0) {
        await_ready(client, POLLOUT);
        assert_int_equal(pending_error(client), ECONNREFUSED);
        close(client);
    } else {
        assert_int_equal(client, -ECONNREFUSED);
    }
}

static void out_of_descriptors(void)
{
    struct rlimit   limit   = {.rlim_cur = 4, .rlim_max = 4};
    struct address  address = parsed("127.0.0.1:0");
    struct address  bound;
    struct endpoint peer;
    close(3);
    int  listener = socket_listen(&address, false, &bound);
    bool good     = listener == 3;
    for (int fd = 4; fd < 256; fd++)
        close(fd);
    good = good && setrlimit(RLIMIT_NOFILE, &limit) == 0;
    good = good && socket_listen(&address, false, &bound) == -EMFILE;
    good = good && socket_connect(&bound) == -EMFILE;
    good = good && socket_accept(listener, &peer) == -EMFILE;
    _exit(good ? 7 : 1);
}

static void without_descriptors_everything_says_so(void **state)
{
    (void)state;
    char said[256];
    int  status = unit_run_apart(out_of_descriptors, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void limits(void)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 128};
    bool          good  = setrlimit(RLIMIT_NOFILE, &limit) == 0;
    good                = good && socket_descriptor_limit(100) == 128; /* soft becomes hard */
    /* With the privilege for it as many as wanted, else as many as there may be. */
    uint64_t raised = socket_descriptor_limit(256);
    good            = good && (raised == 256 || raised == 128);
    good            = good && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == raised;
    _exit(good ? 7 : 1);
}

static void the_descriptor_limit_is_raised(void **state)
{
    (void)state;
    char said[256];
    int  status = unit_run_apart(limits, said, sizeof said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_carries_bytes),
        cmocka_unit_test(port_0_tells_the_choice),
        cmocka_unit_test(every_address_takes_both_families),
        cmocka_unit_test(one_address_has_one_listener),
        cmocka_unit_test(shared_listeners_share),
        cmocka_unit_test(a_port_is_free_again_at_once),
        cmocka_unit_test(accepted_sockets_inherit_their_options),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(failures_are_told_and_leave_no_descriptor),
        cmocka_unit_test(a_refused_connect_is_an_error_of_the_socket),
        cmocka_unit_test(without_descriptors_everything_says_so),
        cmocka_unit_test(the_descriptor_limit_is_raised),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
