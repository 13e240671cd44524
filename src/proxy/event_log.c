/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/event_log.h"

#include "balance/balancer.h"
#include "base/assert.h"
#include "net/clock.h"
#include "proxy/proxy.h"

/* Events that may wait, and how often they are looked for: 80,000 per second get through. */
#define EVENT_LOG_CAPACITY 8192u
#define EVENT_LOG_LOOK_NS  (100 * CLOCK_NS_PER_MS)

/* Pools are the control thread's, and debugging is no hurry: a search will do. */
static const char *event_log_server(const struct pool *pool, const struct event *event)
{
    for (uint32_t i = 0; i < pool_count(pool); i++)
        if (pool_at(pool, i)->serial == event->serial)
            return pool_at(pool, i)->id;
    return "-"; /* none, or removed since */
}

static const char *event_log_detail(const struct event *event)
{
    switch ((enum event_type)event->type) {
    case EVENT_SERVER_STATUS:
        return event->detail != 0 ? "healthy" : "unhealthy";
    case EVENT_PUBLISHED:
        return event->detail != 0 ? "panic" : "normal";
    case EVENT_PICKED:
        return pick_reason_name((enum pick_reason)event->detail);
    case EVENT_NOT_PICKED:
        return event->detail == PICK_QUEUE ? "all are full" : "none is left";
    case EVENT_FINISHED:
        return outcome_name((enum outcome)event->detail);
    default:
        return "-";
    }
}

static void event_log_line(struct event_log *event_log, const struct event *event)
{
    struct proxy      *proxy = event_log->proxy;
    const struct pool *pool  = proxy->pools[event->pool].pool;
    struct log_number  value;
    log_event(proxy->log, CONFIG_LOG_DEBUG, event->now_ns != 0 ? event->now_ns : clock_now_ns(),
              event_type_name((enum event_type)event->type), "pool", pool_name(pool), "server",
              event_log_server(pool, event), "detail", event_log_detail(event), "value",
              log_u64(event->value, &value), NULL);
}

static void event_log_drain(struct event_log *event_log)
{
    struct event event;
    for (uint32_t i = 0; i < EVENT_LOG_CAPACITY && event_take(event_log->subscriber, &event); i++)
        event_log_line(event_log, &event);
    uint64_t dropped = event_dropped(event_log->subscriber);
    if (dropped == event_log->dropped)
        return;
    struct log_number count;
    log_event(event_log->proxy->log, CONFIG_LOG_WARN, clock_now_ns(), "events dropped", "count",
              log_u64(dropped - event_log->dropped, &count), NULL);
    event_log->dropped = dropped;
}

static void event_log_on_look(struct timer *timer, uint64_t now_ns)
{
    struct event_log *event_log = LL_CONTAINER_OF(timer, struct event_log, look);
    event_log_drain(event_log);
    timer_arm(&event_log->proxy->control->timers, timer, now_ns + EVENT_LOG_LOOK_NS);
}

void event_log_start(struct event_log *event_log, struct proxy *proxy)
{
    *event_log = (struct event_log){.proxy = proxy, .look.on_expiry = event_log_on_look};
    if (proxy->config->log.level > CONFIG_LOG_DEBUG)
        return;
    event_log->subscriber = event_subscribe(&proxy->events, EVENT_MASK_ALL, EVENT_LOG_CAPACITY);
    LL_ASSERT(event_log->subscriber != NULL);
    timer_arm(&proxy->control->timers, &event_log->look,
              proxy->control->now_ns + EVENT_LOG_LOOK_NS);
}

void event_log_stop(struct event_log *event_log)
{
    if (event_log->subscriber == NULL)
        return;
    timer_cancel(&event_log->proxy->control->timers, &event_log->look);
    event_log_drain(event_log);
}
