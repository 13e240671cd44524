/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread's event loop: readiness, timers, tasks, and messages from other threads.
 *
 * A turn waits for events, calls the watches that are ready, fires timers, takes messages and last
 * runs the tasks that were scheduled meanwhile. Time is read once per turn; everybody uses
 * loop->now_ns.
 *
 * What a callback may free: a watch of its own may be named by a later event of the same turn, so
 * whoever embeds watches must free its memory in a task, not in the callback.
 * Threading: everything belongs to the loop's thread, except loop_post.
 */
#ifndef LL_NET_LOOP_H
#define LL_NET_LOOP_H

#include "base/list.h"
#include "base/ring.h"
#include "net/io.h"
#include "net/timer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How many messages may wait for a loop. More are refused, and the sender keeps what it had to say.
 */
#define LOOP_MAILBOX_SIZE 1024u

struct loop_task;

typedef void (*loop_task_fn)(struct loop_task *task);

/* Zeroed but for run before its first use. */
struct loop_task {
    struct list_link link;
    loop_task_fn     run;
};

struct loop_message;

typedef void (*loop_message_fn)(const struct loop_message *message);

/* Copied into the receiver's mailbox. */
struct loop_message {
    loop_message_fn deliver; /* runs on the receiver's thread */
    void           *receiver;
    uint64_t        words[6];
};

struct loop {
    struct io    *io;
    uint64_t      now_ns; /* of this turn */
    bool          stopped;
    struct timers timers;
    struct list   tasks;
    struct {
        struct mpsc_ring ring;
        atomic_bool      announced; /* a wake-up is on its way or not yet handled */
    } mailbox;
};

/* The io must outlive the loop. */
void loop_init(struct loop *loop, struct io *io);
void loop_fini(struct loop *loop);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);

/* One turn, waiting no longer than given (negative: as long as it takes). */
void loop_run_once(struct loop *loop, int max_wait_ms);

/* The turn that is under way is the last. */
void loop_stop(struct loop *loop);

/* Runs a task at the end of this turn; nothing happens where it is scheduled already. A task that
 * is scheduled by a task runs in the next turn, which then does not wait. */
void loop_schedule(struct loop *loop, struct loop_task *task);

static inline void loop_unschedule(struct loop_task *task)
{
    if (list_linked(&task->link))
        list_remove(&task->link);
}

/* Any thread. False where the mailbox is full. */
LL_MUST_CHECK bool loop_post(struct loop *loop, const struct loop_message *message);

#endif
