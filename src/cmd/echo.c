/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/echo.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/slab.h"
#include "net/buffer.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads of one connection before the others have their turn. */
#define ECHO_READS_PER_TURN 16u
/* Connections accepted before the established ones have their turn. */
#define ECHO_ACCEPTS_PER_TURN 64u

/* How long accepting rests when the system has no descriptor or memory for another connection. */
#define ECHO_PAUSE_NS (100 * CLOCK_NS_PER_MS)

struct echo_listener {
    struct watch        watch; /* its fd is -1 while connections are refused */
    bool                watched;
    struct address      address;
    struct echo_server *server;
};

struct echo_connection {
    struct watch        watch;
    struct timer        timer; /* of the delay */
    struct loop_task    task;  /* goes on pumping, or frees what is closed */
    struct list_link    link;
    struct echo_server *server;
    struct buffer      *unsent; /* echo that the peer has not taken yet */
    uint64_t            echoed;
    uint32_t            greeted; /* bytes of the greeting that are sent */
    bool                stalled;
    bool                readable; /* something has arrived that was not read yet */
    bool                may_read; /* the delay before the next echo is over */
    bool                hangup;   /* the peer has said all it will ever say */
};

struct echo_server {
    struct loop         *loop;
    struct echo_config   config;
    char                 greeting[ECHO_NAME_MAX + 16];
    uint32_t             greeting_size;
    struct rng           rng;
    struct slab          connections;
    struct list          open;
    struct echo_listener listeners[ECHO_LISTENERS_MAX];
    uint32_t             listener_count;
    struct buffer_pool   buffers;
    struct timer         pause;  /* until accepting is tried again */
    struct timer         refuse; /* until the next change between listening and refusing */
    bool                 refusing;
    struct echo_totals   totals;
};

bool echo_name_valid(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return size > 0 && size <= ECHO_NAME_MAX && name[size] == '\0';
}

/* Accepting: listeners are watched except at a limit, and open except while refusing. */

static void echo_listeners_pause(struct echo_server *server)
{
    struct io *io = server->loop->io;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct echo_listener *listener = &server->listeners[i];
        if (listener->watched)
            io->ops->unwatch(io, &listener->watch);
        listener->watched = false;
    }
}

static void echo_listeners_resume(struct echo_server *server)
{
    struct io *io = server->loop->io;
    if (server->connections.live == server->config.max_connections || timer_armed(&server->pause))
        return;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct echo_listener *listener = &server->listeners[i];
        if (listener->watch.fd >= 0 && !listener->watched)
            listener->watched = io->ops->watch_listener(io, &listener->watch) == 0;
    }
}

static void echo_pause_over(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    echo_listeners_resume(LL_CONTAINER_OF(timer, struct echo_server, pause));
}

/* Connections: pump moves what can be moved; a task continues it or frees the memory. */

static void echo_close(struct echo_connection *connection, bool reset)
{
    struct echo_server *server = connection->server;
    struct io          *io     = server->loop->io;
    LL_ASSERT(connection->watch.fd >= 0);
    if (reset)
        io->ops->reset(io, connection->watch.fd);
    else
        io->ops->close(io, connection->watch.fd);
    connection->watch.fd = -1;
    timer_cancel(&server->loop->timers, &connection->timer);
    loop_schedule(server->loop, &connection->task);
}

static void echo_put_buffer(struct echo_connection *connection)
{
    buffer_pool_put(&connection->server->buffers, connection->unsent);
    connection->unsent = NULL;
}

static void echo_free(struct echo_connection *connection)
{
    struct echo_server *server = connection->server;
    if (connection->unsent != NULL)
        echo_put_buffer(connection);
    list_remove(&connection->link);
    slab_put(&server->connections, connection);
}

/* What a send left over: 0, a positive count, or the connection is closed and it is negative. */
static ssize_t echo_send(struct echo_connection *connection, const char *bytes, size_t size)
{
    struct io *io   = connection->server->loop->io;
    size_t     sent = 0;
    while (sent < size) {
        ssize_t count = io->ops->send(io, connection->watch.fd, bytes + sent, size - sent);
        if (count == -EAGAIN)
            break;
        if (count < 0) {
            echo_close(connection, false);
            return count;
        }
        sent += (size_t)count;
    }
    return (ssize_t)(size - sent);
}

/* What the client says comes back no earlier than the delay after it arrived. */
static void echo_begin_delay(struct echo_connection *connection)
{
    struct echo_server *server = connection->server;
    connection->may_read       = server->config.delay_ns == 0;
    if (!connection->may_read && connection->readable && !timer_armed(&connection->timer))
        timer_arm(&server->loop->timers, &connection->timer,
                  server->loop->now_ns + server->config.delay_ns);
}

/* True where nothing is left to send and the connection is still open. */
static bool echo_flush(struct echo_connection *connection)
{
    struct echo_server *server = connection->server;
    if (connection->greeted < server->greeting_size) {
        uint32_t size = server->greeting_size - connection->greeted;
        ssize_t  left = echo_send(connection, server->greeting + connection->greeted, size);
        if (left < 0)
            return false;
        connection->greeted = server->greeting_size - (uint32_t)left;
        if (left > 0)
            return false;
        echo_begin_delay(connection);
    }
    struct buffer *unsent = connection->unsent;
    if (unsent != NULL) {
        ssize_t left = echo_send(connection, unsent->bytes + unsent->start, buffer_used(unsent));
        if (left < 0)
            return false;
        unsent->start = unsent->end - (uint32_t)left;
        if (left > 0)
            return false;
        echo_put_buffer(connection);
    }
    return true;
}

/* Bytes that may still be echoed on the connection. */
static size_t echo_allowance(const struct echo_connection *connection)
{
    uint64_t limit = connection->server->config.close_after;
    return limit == 0 ? BUFFER_SIZE : LL_MIN(BUFFER_SIZE, limit - connection->echoed);
}

/* Reads once and echoes. True where it is worth to go on at once. */
static bool echo_read(struct echo_connection *connection)
{
    struct echo_server *server = connection->server;
    struct io          *io     = server->loop->io;
    char               *bytes  = server->buffers.spare->bytes;
    size_t              room   = echo_allowance(connection);
    /* Where no buffer may be kept, bytes are only looked at until they have been sent. */
    bool    keep  = buffer_pool_may_keep(&server->buffers);
    ssize_t count = keep ? io->ops->recv(io, connection->watch.fd, bytes, room)
                         : io->ops->peek(io, connection->watch.fd, bytes, room);
    if (count == -EAGAIN) {
        connection->readable = false;
        echo_begin_delay(connection);
        return false;
    }
    if (count <= 0) {
        echo_close(connection, false);
        return false;
    }
    ssize_t left = echo_send(connection, bytes, (size_t)count);
    if (left < 0)
        return false;
    uint64_t done = (uint64_t)(keep ? count : count - left);
    connection->echoed += done;
    server->totals.bytes += done;
    if (!keep)
        io->ops->discard(io, connection->watch.fd, bytes, (size_t)done);
    if (!keep && left > 0)
        return false;
    if (left > 0) {
        connection->unsent        = buffer_pool_keep_spare(&server->buffers);
        connection->unsent->start = (uint32_t)(count - left);
        connection->unsent->end   = (uint32_t)count;
    }
    /* The rest of what a peer wrote before it hung up needs no further delay. */
    connection->readable = (size_t)count == room || connection->hangup;
    if (!connection->hangup)
        echo_begin_delay(connection);
    return left == 0 && connection->may_read;
}

static void echo_pump(struct echo_connection *connection)
{
    for (uint32_t reads = 0; reads < ECHO_READS_PER_TURN; reads++) {
        if (!echo_flush(connection))
            return;
        if (echo_allowance(connection) == 0) {
            echo_close(connection, false);
            return;
        }
        if (!connection->may_read || !echo_read(connection))
            return;
    }
    loop_schedule(connection->server->loop, &connection->task);
}

static void echo_task(struct loop_task *task)
{
    struct echo_connection *connection = LL_CONTAINER_OF(task, struct echo_connection, task);
    struct echo_server     *server     = connection->server;
    if (connection->watch.fd >= 0) {
        echo_pump(connection);
        return;
    }
    echo_free(connection);
    echo_listeners_resume(server);
}

static void echo_delay_over(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct echo_connection *connection = LL_CONTAINER_OF(timer, struct echo_connection, timer);
    connection->may_read               = true;
    echo_pump(connection);
}

static void echo_ready(struct watch *watch, uint32_t ready)
{
    struct echo_connection *connection = LL_CONTAINER_OF(watch, struct echo_connection, watch);
    if (ready & IO_HANGUP)
        connection->hangup = true;
    if (ready & (IO_READ | IO_HANGUP | IO_ERROR))
        connection->readable = true;
    if (connection->stalled) {
        if (ready & IO_ERROR)
            echo_close(connection, false);
        return;
    }
    if (timer_armed(&connection->timer) && connection->unsent == NULL)
        return; /* all in good time */
    if (!connection->may_read)
        echo_begin_delay(connection);
    echo_pump(connection);
}

static void echo_start(struct echo_server *server, int fd)
{
    struct io              *io         = server->loop->io;
    struct echo_connection *connection = slab_get(&server->connections);
    if (connection == NULL) {
        io->ops->reset(io, fd);
        return;
    }
    *connection = (struct echo_connection){
        .watch    = {.on_ready = echo_ready, .fd = fd},
        .timer    = {.on_expiry = echo_delay_over},
        .task     = {.run = echo_task},
        .server   = server,
        .greeted  = server->config.greeting ? 0 : server->greeting_size,
        .may_read = server->config.delay_ns == 0,
    };
    list_append(&server->open, &connection->link);
    server->totals.connections++;

    double luck = rng_unit(&server->rng);
    if (luck < server->config.fail || io->ops->watch_stream(io, &connection->watch) != 0) {
        echo_close(connection, true);
        return;
    }
    connection->stalled = luck - server->config.fail < server->config.stall;
    if (!connection->stalled && connection->may_read)
        echo_pump(connection);
    else if (!connection->stalled)
        timer_arm(&server->loop->timers, &connection->timer,
                  server->loop->now_ns + server->config.delay_ns);
}

static void echo_accept(struct watch *watch, uint32_t ready)
{
    struct echo_listener *listener = LL_CONTAINER_OF(watch, struct echo_listener, watch);
    struct echo_server   *server   = listener->server;
    struct io            *io       = server->loop->io;
    (void)ready;
    for (uint32_t i = 0; i < ECHO_ACCEPTS_PER_TURN; i++) {
        if (server->connections.live == server->config.max_connections) {
            echo_listeners_pause(server);
            return;
        }
        struct endpoint peer;
        int             fd = io->ops->accept(io, watch->fd, &peer);
        if (fd >= 0) {
            echo_start(server, fd);
        } else if (fd == -EAGAIN) {
            return;
        } else if (fd != -ECONNABORTED && fd != -EINTR) {
            timer_arm(&server->loop->timers, &server->pause, server->loop->now_ns + ECHO_PAUSE_NS);
            echo_listeners_pause(server);
            return;
        }
    }
}

/* Refusing: a closed listening socket is the only way to have the system refuse connections. */

static void echo_close_listener(struct echo_listener *listener)
{
    struct io *io = listener->server->loop->io;
    if (listener->watch.fd >= 0)
        io->ops->close(io, listener->watch.fd);
    listener->watch.fd = -1;
    listener->watched  = false;
}

static int echo_open_listener(struct echo_listener *listener)
{
    struct address bound;
    int            fd = socket_listen(&listener->address, false, &bound);
    if (fd < 0)
        return fd;
    listener->watch.fd = fd;
    listener->address  = bound;
    return 0;
}

static void echo_refuse_turn(struct timer *timer, uint64_t now_ns)
{
    struct echo_server *server = LL_CONTAINER_OF(timer, struct echo_server, refuse);
    server->refusing           = !server->refusing;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct echo_listener *listener = &server->listeners[i];
        if (server->refusing) {
            echo_close_listener(listener);
        } else if (listener->watch.fd < 0) {
            int error = echo_open_listener(listener);
            if (error != 0)
                fprintf(stderr, "level=error msg=\"cannot listen again\" name=%s error=\"%s\"\n",
                        server->config.name, strerror(-error));
        }
    }
    echo_listeners_resume(server);
    uint64_t up = server->config.refuse_every_ns - server->config.refuse_ns;
    timer_arm(&server->loop->timers, timer,
              now_ns + (server->refusing ? server->config.refuse_ns : up));
}

int echo_server_listen(struct echo_server *server, const struct address *address,
                       struct address *ret_bound)
{
    LL_ASSERT(server->listener_count < ECHO_LISTENERS_MAX);
    struct echo_listener *listener = &server->listeners[server->listener_count];
    *listener                      = (struct echo_listener){
                             .watch   = {.on_ready = echo_accept, .fd = -1},
                             .address = *address,
                             .server  = server,
    };
    int error = echo_open_listener(listener);
    if (error != 0)
        return error;
    server->listener_count++;
    echo_listeners_resume(server);
    *ret_bound = listener->address;
    return 0;
}

struct echo_server *echo_server_new(struct loop *loop, const struct echo_config *config)
{
    struct echo_server *server = alloc_zero(1, sizeof *server);
    LL_ASSERT(echo_name_valid(config->name));
    server->loop             = loop;
    server->config           = *config;
    server->pause.on_expiry  = echo_pause_over;
    server->refuse.on_expiry = echo_refuse_turn;
    server->greeting_size    = (uint32_t)snprintf(server->greeting, sizeof server->greeting,
                                                  "Hello from %s\n", config->name);
    LL_ASSERT(server->greeting_size < sizeof server->greeting);
    rng_seed(&server->rng, config->seed, 0);
    slab_init(&server->connections, sizeof(struct echo_connection), config->max_connections);
    buffer_pool_init(&server->buffers, ECHO_BUFFERS_MAX);
    list_init(&server->open);
    if (config->refuse_every_ns > 0)
        timer_arm(&loop->timers, &server->refuse,
                  loop->now_ns + config->refuse_every_ns - config->refuse_ns);
    return server;
}

void echo_server_free(struct echo_server *server)
{
    if (server == NULL)
        return;
    LIST_FOR_EACH(link, &server->open)
    {
        struct echo_connection *connection = LIST_ITEM(link, struct echo_connection, link);
        if (connection->watch.fd >= 0)
            echo_close(connection, false);
    }
    LIST_FOR_EACH(link, &server->open)
    {
        struct echo_connection *connection = LIST_ITEM(link, struct echo_connection, link);
        loop_unschedule(&connection->task);
    }
    while (!list_empty(&server->open))
        echo_free(LIST_ITEM(list_first(&server->open), struct echo_connection, link));
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct echo_listener *listener = &server->listeners[i];
        echo_close_listener(listener);
        if (listener->address.family == ADDRESS_UNIX)
            (void)remove(listener->address.path);
    }
    timer_cancel(&server->loop->timers, &server->pause);
    timer_cancel(&server->loop->timers, &server->refuse);
    buffer_pool_fini(&server->buffers);
    slab_fini(&server->connections);
    free(server);
}

struct echo_totals echo_server_totals(const struct echo_server *server)
{
    return server->totals;
}
