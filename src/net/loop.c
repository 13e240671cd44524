/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include "base/assert.h"
#include "net/clock.h"

#include <limits.h>

/* What one turn handles at most before timers and messages get their share. */
#define LOOP_BATCH 256

void loop_init(struct loop *loop, struct io *io)
{
    *loop = (struct loop){.io = io, .now_ns = io->ops->now_ns(io)};
    timers_init(&loop->timers, loop->now_ns);
    list_init(&loop->tasks);
    mpsc_ring_init(&loop->mailbox.ring, sizeof(struct loop_message), LOOP_MAILBOX_SIZE);
}

void loop_fini(struct loop *loop)
{
    LL_ASSERT(list_empty(&loop->tasks));
    mpsc_ring_fini(&loop->mailbox.ring);
}

static int loop_timeout_ms(const struct loop *loop, int max_wait_ms)
{
    if (!list_empty(&loop->tasks))
        return 0;
    uint64_t next_ns = timers_next_ns(&loop->timers);
    if (next_ns == UINT64_MAX)
        return max_wait_ms;
    if (next_ns <= loop->now_ns)
        return 0;
    /* Rounded up, so that the timer is due when the wait ends. */
    uint64_t wait_ms = (next_ns - loop->now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
    int      timeout = (int)LL_MIN(wait_ms, (uint64_t)INT_MAX);
    return max_wait_ms >= 0 ? LL_MIN(timeout, max_wait_ms) : timeout;
}

static void loop_take_messages(struct loop *loop)
{
    if (!atomic_load_explicit(&loop->mailbox.announced, memory_order_relaxed))
        return;
    /* Cleared before the ring is emptied: whoever posts from here on announces again. */
    atomic_exchange_explicit(&loop->mailbox.announced, false, memory_order_acq_rel);
    struct loop_message message;
    for (uint32_t taken = 0; taken < LOOP_MAILBOX_SIZE; taken++) {
        if (!mpsc_ring_pop(&loop->mailbox.ring, &message))
            return;
        message.deliver(&message);
    }
    /* Messages keep coming: let sockets have their turn, and come back. */
    if (!atomic_exchange_explicit(&loop->mailbox.announced, true, memory_order_acq_rel))
        loop->io->ops->wake(loop->io);
}

static void loop_run_tasks(struct loop *loop)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &loop->tasks);
    for (struct list_link *link = list_take(&due); link != NULL; link = list_take(&due)) {
        struct loop_task *task = LIST_ITEM(link, struct loop_task, link);
        task->run(task);
    }
}

void loop_run_once(struct loop *loop, int max_wait_ms)
{
    struct io_event events[LOOP_BATCH];
    int             timeout = loop_timeout_ms(loop, max_wait_ms);
    int             count   = loop->io->ops->wait(loop->io, events, LOOP_BATCH, timeout);
    LL_ASSERT(count >= 0);

    loop->now_ns = loop->io->ops->now_ns(loop->io);
    for (int i = 0; i < count; i++)
        if (events[i].watch->fd >= 0) /* closed by an earlier event of this turn */
            events[i].watch->on_ready(events[i].watch, events[i].ready);
    timers_run(&loop->timers, loop->now_ns);
    loop_take_messages(loop);
    loop_run_tasks(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped)
        loop_run_once(loop, -1);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

void loop_schedule(struct loop *loop, struct loop_task *task)
{
    LL_ASSERT(task->run != NULL);
    if (!list_linked(&task->link))
        list_append(&loop->tasks, &task->link);
}

bool loop_post(struct loop *loop, const struct loop_message *message)
{
    if (!mpsc_ring_push(&loop->mailbox.ring, message))
        return false;
    if (!atomic_exchange_explicit(&loop->mailbox.announced, true, memory_order_acq_rel))
        loop->io->ops->wake(loop->io);
    return true;
}
