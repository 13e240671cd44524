/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "net/clock.h"
#include "net/epoll_io.h"
#include "net/loop.h"

#include <pthread.h>
#include <sys/eventfd.h>

struct fixture {
    struct epoll_io io;
    struct loop     loop;
};

static void fixture_init(struct fixture *f)
{
    assert_int_equal(epoll_io_init(&f->io), 0);
    loop_init(&f->loop, &f->io.io);
}

static void fixture_fini(struct fixture *f)
{
    loop_fini(&f->loop);
    epoll_io_fini(&f->io);
}

/* Tasks write down that they ran. */
struct journal {
    char   text[64];
    size_t size;
};

struct noted_task {
    struct loop_task   task;
    struct loop       *loop;
    struct journal    *journal;
    char               letter;
    struct noted_task *schedules; /* when it runs */
    struct noted_task *unschedules;
};

static void noted_run(struct loop_task *task)
{
    struct noted_task *noted = LL_CONTAINER_OF(task, struct noted_task, task);
    assert_true(noted->journal->size < sizeof noted->journal->text - 1);
    noted->journal->text[noted->journal->size++] = noted->letter;
    if (noted->schedules != NULL)
        loop_schedule(noted->loop, &noted->schedules->task);
    if (noted->unschedules != NULL)
        loop_unschedule(&noted->unschedules->task);
}

static void tasks_run_once_in_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct journal    journal  = {0};
    struct noted_task tasks[3] = {0};
    for (uint32_t i = 0; i < 3; i++)
        tasks[i] =
            (struct noted_task){{.run = noted_run}, &f.loop, &journal, (char)('a' + i), 0, 0};
    loop_schedule(&f.loop, &tasks[1].task);
    loop_schedule(&f.loop, &tasks[0].task);
    loop_schedule(&f.loop, &tasks[1].task); /* is scheduled already */
    loop_schedule(&f.loop, &tasks[2].task);
    loop_unschedule(&tasks[2].task);
    loop_run_once(&f.loop, -1); /* does not wait, because there is something to do */
    assert_string_equal(journal.text, "ba");
    loop_run_once(&f.loop, 0);
    assert_string_equal(journal.text, "ba");
    fixture_fini(&f);
}

static void a_task_of_a_task_runs_in_the_next_turn(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct journal    journal = {0};
    struct noted_task a       = {{.run = noted_run}, &f.loop, &journal, 'a', &a, NULL};
    loop_schedule(&f.loop, &a.task);
    for (uint32_t turn = 1; turn <= 3; turn++) {
        loop_run_once(&f.loop, -1);
        assert_int_equal(journal.size, turn);
    }
    loop_unschedule(&a.task);
    fixture_fini(&f);
}

static void a_task_may_unschedule_another_of_its_turn(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct journal    journal = {0};
    struct noted_task b       = {{.run = noted_run}, &f.loop, &journal, 'b', NULL, NULL};
    struct noted_task a       = {{.run = noted_run}, &f.loop, &journal, 'a', NULL, &b};
    loop_schedule(&f.loop, &a.task);
    loop_schedule(&f.loop, &b.task);
    loop_run_once(&f.loop, -1);
    assert_string_equal(journal.text, "a");
    fixture_fini(&f);
}

struct noted_timer {
    struct timer timer;
    uint64_t     fired_ns;
};

static void noted_timer_on_expiry(struct timer *timer, uint64_t now_ns)
{
    LL_CONTAINER_OF(timer, struct noted_timer, timer)->fired_ns = now_ns;
}

static void timers_end_the_wait(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct noted_timer noted       = {.timer.on_expiry = noted_timer_on_expiry};
    uint64_t           deadline_ns = f.loop.now_ns + 3 * CLOCK_NS_PER_MS;
    timer_arm(&f.loop.timers, &noted.timer, deadline_ns);
    while (noted.fired_ns == 0)
        loop_run_once(&f.loop, -1); /* would hang if the wait did not heed the timer */
    assert_true(noted.fired_ns >= deadline_ns);
    assert_int_equal(noted.fired_ns, f.loop.now_ns);
    fixture_fini(&f);
}

static void the_wait_heeds_its_limit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct noted_timer noted = {.timer.on_expiry = noted_timer_on_expiry};
    timer_arm(&f.loop.timers, &noted.timer, f.loop.now_ns + 3600 * CLOCK_NS_PER_S);
    loop_run_once(&f.loop, 0);
    loop_run_once(&f.loop, 2);
    assert_int_equal(noted.fired_ns, 0);
    timer_cancel(&f.loop.timers, &noted.timer);
    loop_run_once(&f.loop, 2); /* nor does it wait for ever without any timer */
    fixture_fini(&f);
}

/* Two descriptors that become ready in the same turn; whoever comes first closes the other. */
struct rival {
    struct watch  watch;
    struct loop  *loop;
    struct rival *other;
    uint32_t      called;
};

static void rival_ready(struct watch *watch, uint32_t ready)
{
    struct rival *rival = LL_CONTAINER_OF(watch, struct rival, watch);
    struct io    *io    = rival->loop->io;
    assert_true((ready & IO_READ) != 0);
    rival->called++;
    io->ops->close(io, rival->other->watch.fd);
    rival->other->watch.fd = -1;
}

static void a_watch_closed_in_the_same_turn_is_not_called(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct rival a = {.watch.on_ready = rival_ready, .loop = &f.loop};
    struct rival b = {.watch.on_ready = rival_ready, .loop = &f.loop, .other = &a};
    a.other        = &b;
    a.watch.fd     = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    b.watch.fd     = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(a.watch.fd >= 0 && b.watch.fd >= 0);
    assert_int_equal(f.io.io.ops->watch_listener(&f.io.io, &a.watch), 0);
    assert_int_equal(f.io.io.ops->watch_listener(&f.io.io, &b.watch), 0);
    loop_run_once(&f.loop, -1);
    assert_int_equal(a.called + b.called, 1);
    close(a.called ? a.watch.fd : b.watch.fd);
    fixture_fini(&f);
}

enum { SENDERS = 4, MESSAGES = 20000 };

struct inbox {
    struct loop *loop;
    uint64_t     next[SENDERS]; /* what each sender has to say next */
    uint32_t     done;
};

struct sender {
    pthread_t     thread;
    struct inbox *inbox;
    uint64_t      number;
    uint64_t      refused;
};

static void inbox_deliver(const struct loop_message *message)
{
    struct inbox *inbox  = message->receiver;
    uint64_t      sender = message->words[0];
    assert_true(sender < SENDERS);
    assert_int_equal(message->words[1], inbox->next[sender]);
    assert_int_equal(message->words[5], ~message->words[1]); /* whole, not torn */
    inbox->next[sender]++;
    if (inbox->next[sender] == MESSAGES && ++inbox->done == SENDERS)
        loop_stop(inbox->loop);
}

static void *sender_run(void *argument)
{
    struct sender *sender = argument;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct loop_message message = {
            .deliver  = inbox_deliver,
            .receiver = sender->inbox,
            .words    = {sender->number, i, [5] = ~i},
        };
        while (!loop_post(sender->inbox->loop, &message)) {
            sender->refused++;
            sched_yield();
        }
    }
    return NULL;
}

/* The loop waits without limit, so a wake-up that got lost would hang the test. */
static void messages_of_many_threads_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct inbox  inbox = {.loop = &f.loop};
    struct sender senders[SENDERS];
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.inbox = &inbox, .number = i};
        assert_int_equal(pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]), 0);
    }
    loop_run(&f.loop);
    for (uint32_t i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
        assert_int_equal(inbox.next[i], MESSAGES);
    }
    fixture_fini(&f);
}

struct echo {
    struct loop *loop;
    struct loop *other;
    struct echo *peer;
};

/* Ping-pong between two loops: each message finds its receiver asleep. */
static void echo_deliver(const struct loop_message *message)
{
    struct echo *echo   = message->receiver;
    uint64_t     rounds = message->words[0];
    if (rounds <= 1)
        loop_stop(echo->loop); /* the last message stops the other loop, the one before it this */
    if (rounds == 0)
        return;
    struct loop_message answer = {
        .deliver = echo_deliver, .receiver = echo->peer, .words = {rounds - 1}};
    assert_true(loop_post(echo->other, &answer));
}

static void *echo_thread(void *argument)
{
    struct echo *echo = argument;
    loop_run(echo->loop);
    return NULL;
}

static void sleeping_loops_wake_each_other(void **state)
{
    (void)state;
    struct fixture f, g;
    fixture_init(&f);
    fixture_init(&g);
    struct echo here  = {.loop = &f.loop, .other = &g.loop};
    struct echo there = {.loop = &g.loop, .other = &f.loop, .peer = &here};
    here.peer         = &there;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, echo_thread, &there), 0);
    struct loop_message first = {.deliver = echo_deliver, .receiver = &here, .words = {5000}};
    assert_true(loop_post(&f.loop, &first));
    loop_run(&f.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    fixture_fini(&f);
    fixture_fini(&g);
}

static void count_deliver(const struct loop_message *message)
{
    (*(uint32_t *)message->receiver)++;
}

static void a_full_mailbox_refuses(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint32_t            count   = 0;
    struct loop_message message = {.deliver = count_deliver, .receiver = &count};
    for (uint32_t i = 0; i < LOOP_MAILBOX_SIZE; i++)
        assert_true(loop_post(&f.loop, &message));
    assert_false(loop_post(&f.loop, &message));
    loop_run_once(&f.loop, -1);
    assert_int_equal(count, LOOP_MAILBOX_SIZE);
    assert_true(loop_post(&f.loop, &message));
    while (count == LOOP_MAILBOX_SIZE)
        loop_run_once(&f.loop, -1);
    fixture_fini(&f);
}

struct flood {
    struct loop *loop;
    uint32_t     count;
};

/* Every message posts the next. */
static void flood_deliver(const struct loop_message *message)
{
    struct flood *flood = message->receiver;
    flood->count++;
    assert_true(loop_post(flood->loop, message));
}

static void a_flood_of_messages_leaves_turns_to_others(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct flood        flood   = {.loop = &f.loop};
    struct loop_message message = {.deliver = flood_deliver, .receiver = &flood};
    assert_true(loop_post(&f.loop, &message));
    loop_run_once(&f.loop, -1); /* comes back */
    uint32_t after_one = flood.count;
    assert_true(after_one > 0);
    loop_run_once(&f.loop, -1); /* and goes on without being asked */
    assert_true(flood.count > after_one);
    fixture_fini(&f);
}

static void stop_lets_the_turn_end(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    struct journal    journal = {0};
    struct noted_task a       = {{.run = noted_run}, &f.loop, &journal, 'a', NULL, NULL};
    loop_schedule(&f.loop, &a.task);
    loop_stop(&f.loop);
    loop_run(&f.loop); /* is over before it begins */
    assert_int_equal(journal.size, 0);
    loop_unschedule(&a.task);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_once_in_order),
        cmocka_unit_test(a_task_of_a_task_runs_in_the_next_turn),
        cmocka_unit_test(a_task_may_unschedule_another_of_its_turn),
        cmocka_unit_test(timers_end_the_wait),
        cmocka_unit_test(the_wait_heeds_its_limit),
        cmocka_unit_test(a_watch_closed_in_the_same_turn_is_not_called),
        cmocka_unit_test(messages_of_many_threads_arrive_once_and_in_order),
        cmocka_unit_test(sleeping_loops_wake_each_other),
        cmocka_unit_test(a_full_mailbox_refuses),
        cmocka_unit_test(a_flood_of_messages_leaves_turns_to_others),
        cmocka_unit_test(stop_lets_the_turn_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
