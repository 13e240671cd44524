/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_io.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Connections that wait to be accepted; beyond it the network forgets about connects. */
#define FAKE_BACKLOG 1024u

/* A direction of a connection: a ring of bytes, positions counted from the beginning. */
struct fake_pipe {
    char    *bytes;
    uint32_t window;
    uint64_t sent;
    uint64_t arrived;
    uint64_t read;
};

/* A socket, also before it has a descriptor and after it has lost it. */
struct fake_end {
    struct list_link link;    /* in fake->all */
    struct list_link queued;  /* in a listener's backlog */
    struct list      backlog; /* of a listener */
    uint32_t         backlogged;
    struct fake_io  *fake;
    struct fake_end *peer; /* NULL for listeners and until the connection exists */
    struct watch    *watch;
    struct fake_pipe in;      /* what the peer sends to this end */
    struct address   address; /* of a listener; where a connect goes */
    struct endpoint  name;    /* of a connecting end, as its peer sees it */
    uint64_t         last_ns; /* nothing sent later arrives earlier */
    int              fd;      /* -1: not accepted yet, or closed */
    int              error;   /* pending, as a positive errno */
    bool             listener;
    bool             connecting;
    bool             closed;
    bool             edge;      /* something has happened since the last report */
    bool             no_space;  /* a send was cut short */
    bool             in_ended;  /* the peer's end has arrived, or a reset */
    bool             out_ended; /* our end is sent, or a reset has arrived */
    bool             dead;      /* a reset has arrived */
};

struct fake_place {
    struct list_link link;
    struct address   address;
    enum fake_answer answer;
    struct fake_end *listener;
};

enum fake_happening {
    FAKE_SYN,
    FAKE_CONNECTED,
    FAKE_SEGMENT,
    FAKE_SPACE, /* the other side has read */
    FAKE_END,
    FAKE_RESET,
};

/* Something that arrives at an end. */
struct fake_event {
    struct heap_entry   entry;
    enum fake_happening what;
    struct fake_end    *to;
    uint32_t            size;
};

static struct fake_io *fake_of(struct io *io)
{
    return LL_CONTAINER_OF(io, struct fake_io, io);
}

static uint64_t fake_between(struct fake_io *fake, uint64_t min, uint64_t max)
{
    return min + rng_below(&fake->rng, max - min + 1);
}

/* What one end sends to the other arrives in order. */
static void fake_send(struct fake_end *from, struct fake_end *to, enum fake_happening what,
                      uint32_t size)
{
    struct fake_io    *fake  = from->fake;
    struct fake_event *event = alloc_zero(1, sizeof *event);
    uint64_t late = fake_between(fake, fake->weather.latency_min_ns, fake->weather.latency_max_ns);
    *event        = (struct fake_event){.what = what, .to = to, .size = size};
    from->last_ns = LL_MAX(from->last_ns, fake->now_ns + late);
    heap_push(&fake->events, &event->entry, from->last_ns);
}

static struct fake_end *fake_end_new(struct fake_io *fake)
{
    struct fake_end *end = alloc_zero(1, sizeof *end);
    end->fake            = fake;
    end->fd              = -1;
    list_init(&end->backlog);
    list_append(&fake->all, &end->link);
    end->in.window =
        (uint32_t)fake_between(fake, fake->weather.window_min, fake->weather.window_max);
    return end;
}

static int fake_fd_open(struct fake_end *end)
{
    struct fake_io *fake = end->fake;
    if (fake_io_open_count(fake) >= fake->fds_max)
        return -EMFILE;
    uint32_t slot    = fake->free_fds[--fake->free_count];
    fake->ends[slot] = end;
    fake->slots      = LL_MAX(fake->slots, slot + 1);
    end->fd          = FAKE_FD_BASE + (int)slot;
    return end->fd;
}

static struct fake_end *fake_end_of(struct io *io, int fd)
{
    uint32_t slot = (uint32_t)(fd - FAKE_FD_BASE);
    LL_ASSERT(fd >= FAKE_FD_BASE && slot < FAKE_FDS_MAX);
    LL_ASSERT(fake_of(io)->ends[slot] != NULL); /* used after it was closed */
    return fake_of(io)->ends[slot];
}

static void fake_fd_close(struct fake_end *end)
{
    struct fake_io *fake               = end->fake;
    uint32_t        slot               = (uint32_t)(end->fd - FAKE_FD_BASE);
    fake->ends[slot]                   = NULL;
    fake->free_fds[fake->free_count++] = slot;
    end->fd                            = -1;
    end->watch                         = NULL;
    end->closed                        = true;
}

static struct fake_place *fake_place_of(struct fake_io *fake, const struct address *address)
{
    LIST_FOR_EACH(link, &fake->places)
    {
        struct fake_place *place = LIST_ITEM(link, struct fake_place, link);
        if (address_equal(&place->address, address))
            return place;
    }
    return NULL;
}

void fake_io_answer(struct fake_io *fake, const struct address *address, enum fake_answer answer)
{
    struct fake_place *place = fake_place_of(fake, address);
    if (place == NULL) {
        place = alloc_zero(1, sizeof *place);
        list_append(&fake->places, &place->link);
    }
    place->address  = *address;
    place->answer   = answer;
    place->listener = NULL;
}

int fake_io_listen(struct fake_io *fake, const struct address *address)
{
    struct fake_place *place = fake_place_of(fake, address);
    if (place != NULL && place->listener != NULL)
        return -EADDRINUSE;
    struct fake_end *end = fake_end_new(fake);
    end->listener        = true;
    end->address         = *address;
    fake_io_answer(fake, address, FAKE_LISTENS);
    fake_place_of(fake, address)->listener = end;
    return fake_fd_open(end);
}

/* What arrives */

/* As the kernel takes a reset: what has arrived can still be read, nothing else works any more. */
static void fake_take_reset(struct fake_end *end)
{
    if (end->dead || end->closed)
        return;
    end->error      = end->connecting ? ECONNREFUSED : end->in_ended ? EPIPE : ECONNRESET;
    end->dead       = true;
    end->connecting = false;
    end->in_ended   = true;
    end->out_ended  = true;
    end->edge       = true;
}

static void fake_take_syn(struct fake_end *client)
{
    struct fake_io    *fake  = client->fake;
    struct fake_place *place = fake_place_of(fake, &client->address);
    if (client->closed || (place != NULL && place->answer == FAKE_SILENT))
        return;
    if (place == NULL || place->listener == NULL) {
        fake_send(client, client, FAKE_RESET, 0);
        return;
    }
    struct fake_end *listener = place->listener;
    if (listener->backlogged == FAKE_BACKLOG)
        return;
    struct fake_end *server = fake_end_new(fake);
    server->peer            = client;
    server->name            = client->name; /* of whom accept tells */
    server->last_ns         = client->last_ns;
    client->peer            = server;
    list_append(&listener->backlog, &server->queued);
    listener->backlogged++;
    fake_send(server, client, FAKE_CONNECTED, 0);
}

static void fake_take_segment(struct fake_end *end, uint32_t size)
{
    if (end->closed) { /* nobody there to take it */
        fake_send(end, end->peer, FAKE_RESET, 0);
        return;
    }
    if (end->dead)
        return;
    end->in.arrived += size;
    end->edge = true;
}

static bool fake_writable(const struct fake_end *end)
{
    const struct fake_pipe *out = &end->peer->in;
    return (out->sent - out->read) * 3 <= (uint64_t)out->window * 2;
}

static void fake_happen(struct fake_event *event)
{
    struct fake_end *end = event->to;
    switch (event->what) {
    case FAKE_SYN:
        fake_take_syn(end);
        break;
    case FAKE_CONNECTED:
        if (!end->closed && end->connecting) {
            end->connecting = false;
            end->edge       = true;
        } else if (end->closed) {
            fake_send(end, end->peer, FAKE_RESET, 0);
        }
        break;
    case FAKE_SEGMENT:
        fake_take_segment(end, event->size);
        break;
    case FAKE_SPACE:
        if (!end->closed && !end->dead && end->no_space && fake_writable(end)) {
            end->no_space = false;
            end->edge     = true;
        }
        break;
    case FAKE_END:
        if (!end->closed && !end->dead) {
            end->in_ended = true;
            end->edge     = true;
        }
        break;
    case FAKE_RESET:
        end->fake->resets++;
        fake_take_reset(end);
        break;
    }
}

/* struct io_ops */

static uint64_t fake_now_ns(struct io *io)
{
    return fake_of(io)->now_ns;
}

static uint32_t fake_ready(const struct fake_end *end)
{
    uint32_t ready = 0;
    if (end->listener)
        return end->backlogged > 0 ? IO_READ : 0;
    if (end->connecting)
        return 0;
    if (end->in.arrived > end->in.read || end->in_ended)
        ready |= IO_READ;
    if (end->out_ended || fake_writable(end))
        ready |= IO_WRITE;
    if (end->in_ended)
        ready |= IO_HANGUP;
    if (end->error != 0)
        ready |= IO_ERROR;
    return ready;
}

static int fake_watch(struct io *io, struct watch *watch)
{
    struct fake_end *end = fake_end_of(io, watch->fd);
    LL_ASSERT(end->watch == NULL);
    end->watch = watch;
    end->edge  = true;
    return 0;
}

static void fake_unwatch(struct io *io, struct watch *watch)
{
    struct fake_end *end = fake_end_of(io, watch->fd);
    LL_ASSERT(end->watch == watch);
    end->watch = NULL;
}

/* Reports what is ready, beginning anywhere. A poll that finds no space asks to be told of it. */
static int fake_report(struct fake_io *fake, struct io_event *events, int max)
{
    int      count = 0;
    uint32_t start = (uint32_t)rng_below(&fake->rng, LL_MAX(fake->slots, 1));
    for (uint32_t i = 0; i < fake->slots && count < max; i++) {
        struct fake_end *end = fake->ends[(start + i) % fake->slots];
        if (end == NULL || end->watch == NULL || (!end->edge && !end->listener))
            continue;
        uint32_t ready = fake_ready(end);
        end->edge      = false;
        if (!end->listener && !end->connecting && (ready & IO_WRITE) == 0)
            end->no_space = true;
        if (ready != 0)
            events[count++] = (struct io_event){.watch = end->watch, .ready = ready};
    }
    return count;
}

/* Lets happen what is due by now. */
static void fake_catch_up(struct fake_io *fake)
{
    struct heap_entry *entry;
    while ((entry = heap_peek(&fake->events)) != NULL && entry->key <= fake->now_ns) {
        struct fake_event *event =
            LL_CONTAINER_OF(heap_pop(&fake->events), struct fake_event, entry);
        fake_happen(event);
        free(event);
    }
}

static int fake_wait(struct io *io, struct io_event *events, int max, int timeout_ms)
{
    struct fake_io *fake = fake_of(io);
    /* Whatever was done since the last wait has taken its time. */
    fake->now_ns += fake_between(fake, 0, fake->weather.latency_max_ns / 4);
    uint64_t end_ns =
        timeout_ms < 0 ? UINT64_MAX : fake->now_ns + (uint64_t)timeout_ms * UINT64_C(1000000);
    fake->idle = false;
    for (;;) {
        fake_catch_up(fake);
        int count = fake_report(fake, events, max);
        if (count > 0 || fake->woken) {
            fake->woken = false;
            return count;
        }
        struct heap_entry *next = heap_peek(&fake->events);
        if (next == NULL || next->key > end_ns) {
            fake->idle   = next == NULL && timeout_ms < 0;
            fake->now_ns = fake->idle ? fake->now_ns : end_ns;
            return 0;
        }
        fake->now_ns = next->key;
    }
}

static void fake_wake(struct io *io)
{
    fake_of(io)->woken = true;
}

static int fake_accept(struct io *io, int fd, struct endpoint *ret_peer)
{
    struct fake_end *listener = fake_end_of(io, fd);
    LL_ASSERT(listener->listener);
    if (listener->backlogged == 0)
        return -EAGAIN;
    struct fake_end *end    = LIST_ITEM(list_first(&listener->backlog), struct fake_end, queued);
    int              opened = fake_fd_open(end);
    if (opened < 0)
        return opened;
    list_remove(&end->queued);
    listener->backlogged--;
    *ret_peer = end->name;
    return opened;
}

static int fake_connect(struct io *io, const struct address *address)
{
    struct fake_io    *fake  = fake_of(io);
    struct fake_place *place = fake_place_of(fake, address);
    if (place != NULL && place->answer == FAKE_UNREACHABLE)
        return -ENETUNREACH;
    if (fake_io_open_count(fake) >= fake->fds_max)
        return -EMFILE;
    struct fake_end *end = fake_end_new(fake);
    end->address         = *address;
    end->connecting      = true;
    end->name =
        (struct endpoint){.family = ADDRESS_IPV4, .ip = {127, 0, 0, 1}, .port = ++fake->next_port};
    fake_send(end, end, FAKE_SYN, 0);
    return fake_fd_open(end);
}

static void fake_keep_alive(struct io *io, int fd)
{
    (void)fake_end_of(io, fd);
}

static int fake_take_error(struct fake_end *end)
{
    int error  = end->error;
    end->error = 0;
    return error;
}

/* Copies what has arrived. 0 for an end, -EAGAIN for nothing, or the pending error. */
static ssize_t fake_peek(struct io *io, int fd, void *bytes, size_t size)
{
    struct fake_end  *end   = fake_end_of(io, fd);
    struct fake_pipe *in    = &end->in;
    bool              ended = end->in_ended;
    LL_ASSERT(!end->listener && size > 0);
    size_t count = LL_MIN(size, in->arrived - in->read);
    if (count == 0) {
        /* An end that arrived in order is what the kernel remembers, whatever came after it. */
        if (ended && (!end->dead || end->error == EPIPE))
            return 0;
        int error = fake_take_error(end);
        return error != 0 ? -error : ended ? 0 : -EAGAIN;
    }
    size_t at    = in->read % in->window;
    size_t first = LL_MIN(count, in->window - at);
    memcpy(bytes, in->bytes + at, first);
    memcpy((char *)bytes + first, in->bytes, count - first);
    return (ssize_t)count;
}

static void fake_discard(struct io *io, int fd, void *bytes, size_t size)
{
    struct fake_end *end = fake_end_of(io, fd);
    LL_ASSERT(size <= end->in.arrived - end->in.read);
    if (size == 0)
        return;
    memset(bytes, '?', size); /* the buffer may be overwritten */
    end->in.read += size;
    if (!end->dead)
        fake_send(end, end->peer, FAKE_SPACE, 0);
}

static ssize_t fake_recv(struct io *io, int fd, void *bytes, size_t size)
{
    struct fake_end *end   = fake_end_of(io, fd);
    ssize_t          count = fake_peek(io, fd, bytes, size);
    if (count > 0) {
        end->in.read += (uint64_t)count;
        if (!end->dead)
            fake_send(end, end->peer, FAKE_SPACE, 0);
    }
    return count;
}

static ssize_t fake_write(struct io *io, int fd, const void *bytes, size_t size)
{
    struct fake_end *end = fake_end_of(io, fd);
    LL_ASSERT(!end->listener && size > 0);
    int error = fake_take_error(end);
    if (error != 0)
        return -error;
    if (end->out_ended)
        return -EPIPE;
    if (end->connecting)
        return -EAGAIN;
    struct fake_pipe *out  = &end->peer->in;
    size_t            free = out->window - (out->sent - out->read);
    size_t            take = LL_MIN(size, free);
    if (out->bytes == NULL)
        out->bytes = alloc_resize(NULL, out->window, 1);
    size_t at    = out->sent % out->window;
    size_t first = LL_MIN(take, out->window - at);
    memcpy(out->bytes + at, bytes, first);
    memcpy(out->bytes, (const char *)bytes + first, take - first);
    out->sent += take;
    if (take < size)
        end->no_space = true;
    for (size_t left = take; left > 0;) {
        uint32_t most  = (uint32_t)LL_MIN(left, end->fake->weather.segment_max);
        uint32_t piece = (uint32_t)fake_between(end->fake, 1, most);
        fake_send(end, end->peer, FAKE_SEGMENT, piece);
        left -= piece;
    }
    return take > 0 ? (ssize_t)take : -EAGAIN;
}

static int fake_error(struct io *io, int fd)
{
    return fake_take_error(fake_end_of(io, fd));
}

static void fake_shutdown_write(struct io *io, int fd)
{
    struct fake_end *end = fake_end_of(io, fd);
    if (end->out_ended || end->connecting)
        return;
    end->out_ended = true;
    fake_send(end, end->peer, FAKE_END, 0);
    end->edge = true; /* the kernel wakes those who poll */
}

static void fake_forget_listener(struct fake_end *listener)
{
    struct fake_place *place = fake_place_of(listener->fake, &listener->address);
    if (place != NULL && place->listener == listener)
        place->listener = NULL;
    struct list_link *link;
    while ((link = list_take(&listener->backlog)) != NULL) {
        struct fake_end *end = LIST_ITEM(link, struct fake_end, queued);
        end->closed          = true;
        fake_send(end, end->peer, FAKE_RESET, 0);
    }
    listener->backlogged = 0;
}

static void fake_close_with(struct io *io, int fd, bool reset)
{
    struct fake_end *end = fake_end_of(io, fd);
    fake_fd_close(end);
    if (end->listener) {
        fake_forget_listener(end);
        return;
    }
    if (end->dead || end->connecting) /* who answers the connect will find nobody */
        return;
    /* Closing over unread bytes is an abort, too. */
    if (reset || end->in.arrived > end->in.read)
        fake_send(end, end->peer, FAKE_RESET, 0);
    else if (!end->out_ended)
        fake_send(end, end->peer, FAKE_END, 0);
}

static void fake_close(struct io *io, int fd)
{
    fake_close_with(io, fd, false);
}

static void fake_reset(struct io *io, int fd)
{
    fake_close_with(io, fd, true);
}

static const struct io_ops fake_ops = {
    .now_ns         = fake_now_ns,
    .watch_stream   = fake_watch,
    .watch_listener = fake_watch,
    .unwatch        = fake_unwatch,
    .wait           = fake_wait,
    .wake           = fake_wake,
    .accept         = fake_accept,
    .connect        = fake_connect,
    .keep_alive     = fake_keep_alive,
    .recv           = fake_recv,
    .peek           = fake_peek,
    .discard        = fake_discard,
    .send           = fake_write,
    .error          = fake_error,
    .shutdown_write = fake_shutdown_write,
    .close          = fake_close,
    .reset          = fake_reset,
};

void fake_io_init(struct fake_io *fake, uint64_t seed, const struct fake_weather *weather)
{
    memset(fake, 0, sizeof *fake);
    LL_ASSERT(weather->window_min > 0 && weather->segment_max > 0);
    fake->io.ops    = &fake_ops;
    fake->weather   = *weather;
    fake->fds_max   = FAKE_FDS_MAX;
    fake->next_port = 10000;
    rng_seed(&fake->rng, seed, 77);
    fake->now_ns = UINT64_C(1000000000) + rng_below(&fake->rng, UINT64_C(1) << 40);
    heap_init(&fake->events);
    list_init(&fake->all);
    list_init(&fake->places);
    for (uint32_t slot = FAKE_FDS_MAX; slot > 0; slot--)
        fake->free_fds[fake->free_count++] = slot - 1;
}

void fake_io_fini(struct fake_io *fake)
{
    struct heap_entry *entry;
    struct list_link  *link;
    while ((entry = heap_pop(&fake->events)) != NULL)
        free(LL_CONTAINER_OF(entry, struct fake_event, entry));
    heap_fini(&fake->events);
    while ((link = list_take(&fake->places)) != NULL)
        free(LIST_ITEM(link, struct fake_place, link));
    while ((link = list_take(&fake->all)) != NULL) {
        struct fake_end *end = LIST_ITEM(link, struct fake_end, link);
        free(end->in.bytes);
        free(end);
    }
}
