/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/call.h"

#include "base/assert.h"
#include "net/loop.h"

#include <errno.h>
#include <string.h>

#define CALL_GREETING_MAX (sizeof CALL_GREETING - 1 + ECHO_NAME_MAX + 1)
#define CALL_GREETING     "Hello from "

/* On the stack of a read. */
#define CALL_READ_SIZE ((size_t)16 * 1024)

struct call {
    struct watch       watch;
    struct timer       timer;
    struct loop_task   task; /* hands over the result */
    struct list_link   link;
    struct caller     *caller;
    struct call_result result;
    uint64_t           start_ns;
    size_t             sent;
    size_t             echoed;
    bool               connected;
    bool               shut;    /* our side is ended */
    bool               greeted; /* the first line is complete, or was no greeting */
    uint32_t           line_size;
    char               line[CALL_GREETING_MAX];
};

static void call_end(struct call *call, enum call_outcome outcome, int error)
{
    struct caller *caller = call->caller;
    struct io     *io     = caller->loop->io;
    if (call->watch.fd >= 0) {
        if (outcome == CALL_GOOD || outcome == CALL_CUT)
            io->ops->close(io, call->watch.fd);
        else
            io->ops->reset(io, call->watch.fd);
    }
    call->watch.fd          = -1;
    call->result.outcome    = outcome;
    call->result.error      = error;
    call->result.latency_ns = io->ops->now_ns(io) - call->start_ns;
    timer_cancel(&caller->loop->timers, &call->timer);
    loop_schedule(caller->loop, &call->task);
}

static void call_free(struct call *call)
{
    list_remove(&call->link);
    slab_put(&call->caller->calls, call);
}

static void call_hand_over(struct loop_task *task)
{
    struct call       *call   = LL_CONTAINER_OF(task, struct call, task);
    struct caller     *caller = call->caller;
    struct call_result result = call->result;
    call_free(call);
    caller->on_done(caller, &result);
}

static void call_time_out(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    call_end(LL_CONTAINER_OF(timer, struct call, timer), CALL_TIMED_OUT, 0);
}

/* False where the call has ended. */
static bool call_send(struct call *call)
{
    struct io   *io      = call->caller->loop->io;
    struct slice message = call->caller->message;
    while (call->sent < message.size) {
        ssize_t count =
            io->ops->send(io, call->watch.fd, message.data + call->sent, message.size - call->sent);
        if (count == -EAGAIN)
            return true;
        if (count < 0) {
            call_end(call, CALL_BROKEN, (int)-count);
            return false;
        }
        call->sent += (size_t)count;
    }
    if (!call->shut)
        io->ops->shutdown_write(io, call->watch.fd);
    call->shut = true;
    return true;
}

/* Checks echoed bytes against what was sent. False where they differ. */
static bool call_take_echo(struct call *call, const char *bytes, size_t size)
{
    struct slice message = call->caller->message;
    if (size > message.size - call->echoed ||
        memcmp(bytes, message.data + call->echoed, size) != 0) {
        call_end(call, CALL_WRONG, 0);
        return false;
    }
    call->echoed += size;
    return true;
}

/* The first line is over: a greeting gives the name, anything else already belongs to the echo. */
static bool call_take_line(struct call *call)
{
    struct slice line   = {.data = call->line, .size = call->line_size};
    size_t       prefix = sizeof CALL_GREETING - 1;
    call->greeted       = true;
    if (line.size > prefix + 1 && slice_starts_with(line, SLICE(CALL_GREETING)) &&
        line.data[line.size - 1] == '\n') {
        size_t size = line.size - prefix - 1;
        memcpy(call->result.backend, line.data + prefix, size);
        if (echo_name_valid(call->result.backend))
            return true;
        memset(call->result.backend, 0, sizeof call->result.backend);
    }
    return call_take_echo(call, line.data, line.size);
}

/* False where the call has ended. */
static bool call_take(struct call *call, const char *bytes, size_t size)
{
    size_t prefix = sizeof CALL_GREETING - 1;
    size_t taken  = 0;
    while (!call->greeted && taken < size) {
        char     byte                 = bytes[taken++];
        uint32_t at                   = call->line_size;
        call->line[call->line_size++] = byte;
        bool greeting                 = at >= prefix || byte == CALL_GREETING[at];
        if (byte == '\n' || !greeting || call->line_size == sizeof call->line)
            if (!call_take_line(call))
                return false;
    }
    return call_take_echo(call, bytes + taken, size - taken);
}

static void call_finish(struct call *call)
{
    if (!call->greeted && call->line_size > 0 && !call_take_line(call))
        return;
    bool silent = call->result.backend[0] == '\0' && call->echoed == 0;
    bool whole  = call->echoed == call->caller->message.size && call->shut && !silent;
    call_end(call, whole ? CALL_GOOD : CALL_CUT, 0);
}

static void call_receive(struct call *call)
{
    struct io *io = call->caller->loop->io;
    char       bytes[CALL_READ_SIZE];
    for (;;) {
        ssize_t count = io->ops->recv(io, call->watch.fd, bytes, sizeof bytes);
        if (count == -EAGAIN)
            return;
        if (count < 0) {
            call_end(call, CALL_BROKEN, (int)-count);
            return;
        }
        if (count == 0) {
            call_finish(call);
            return;
        }
        if (!call_take(call, bytes, (size_t)count))
            return;
    }
}

static void call_ready(struct watch *watch, uint32_t ready)
{
    struct call *call = LL_CONTAINER_OF(watch, struct call, watch);
    struct io   *io   = call->caller->loop->io;
    if (!call->connected) {
        if ((ready & (IO_WRITE | IO_ERROR)) == 0)
            return;
        int error = (ready & IO_ERROR) != 0 ? io->ops->error(io, watch->fd) : 0;
        if (error != 0) {
            call_end(call, CALL_NOT_CONNECTED, error);
            return;
        }
        call->connected = true;
    }
    if (call_send(call))
        call_receive(call);
}

void caller_init(struct caller *caller, struct loop *loop, uint32_t max)
{
    caller->loop = loop;
    slab_init(&caller->calls, sizeof(struct call), max);
    list_init(&caller->running);
}

void caller_fini(struct caller *caller)
{
    LIST_FOR_EACH(link, &caller->running)
    {
        struct call *call = LIST_ITEM(link, struct call, link);
        if (call->watch.fd >= 0)
            call_end(call, CALL_BROKEN, 0);
        loop_unschedule(&call->task);
        call_free(call);
    }
    slab_fini(&caller->calls);
}

void caller_start(struct caller *caller)
{
    struct io   *io   = caller->loop->io;
    struct call *call = slab_get(&caller->calls);
    LL_ASSERT(call != NULL);
    *call = (struct call){
        .watch    = {.on_ready = call_ready, .fd = -1},
        .timer    = {.on_expiry = call_time_out},
        .task     = {.run = call_hand_over},
        .caller   = caller,
        .result   = {.number = ++caller->started},
        .start_ns = io->ops->now_ns(io),
    };
    list_append(&caller->running, &call->link);

    int fd = io->ops->connect(io, &caller->address);
    if (fd < 0) {
        call_end(call, CALL_NOT_CONNECTED, -fd);
        return;
    }
    call->watch.fd = fd;
    int error      = io->ops->watch_stream(io, &call->watch);
    if (error != 0) {
        call_end(call, CALL_NOT_CONNECTED, -error);
        return;
    }
    timer_arm(&caller->loop->timers, &call->timer, call->start_ns + caller->timeout_ns);
}

const char *call_describe(const struct call_result *result)
{
    switch (result->outcome) {
    case CALL_GOOD:
        return "";
    case CALL_NOT_CONNECTED:
    case CALL_BROKEN:
        return strerror(result->error);
    case CALL_TIMED_OUT:
        return "no complete answer in time";
    case CALL_CUT:
        return "closed before the whole message came back";
    case CALL_WRONG:
        return "other bytes came back than were sent";
    }
    LL_NEVER("an outcome of no kind");
}
