/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include "base/assert.h"

static const char *const event_type_names[EVENT_TYPE_COUNT] = {
    [EVENT_SERVER_ADDED]   = "server_added",
    [EVENT_SERVER_REMOVED] = "server_removed",
    [EVENT_SERVER_STATUS]  = "server_status",
    [EVENT_SERVER_ADMIN]   = "server_admin",
    [EVENT_SERVER_WEIGHT]  = "server_weight",
    [EVENT_PUBLISHED]      = "published",
    [EVENT_PICKED]         = "picked",
    [EVENT_NOT_PICKED]     = "not_picked",
    [EVENT_FINISHED]       = "finished",
};

const char *event_type_name(enum event_type type)
{
    LL_ASSERT(type < EVENT_TYPE_COUNT);
    return event_type_names[type];
}

void event_bus_init(struct event_bus *bus)
{
    *bus = (struct event_bus){0};
}

void event_bus_fini(struct event_bus *bus)
{
    for (uint32_t i = 0; i < bus->count; i++)
        mpsc_ring_fini(&bus->subscribers[i].ring);
    event_bus_init(bus);
}

struct event_subscriber *event_subscribe(struct event_bus *bus, uint32_t mask, uint32_t capacity)
{
    if (bus->count == EVENT_SUBSCRIBERS_MAX)
        return NULL;
    struct event_subscriber *subscriber = &bus->subscribers[bus->count];
    subscriber->mask                    = mask;
    mpsc_ring_init(&subscriber->ring, sizeof(struct event), capacity);
    bus->count++;
    bus->mask |= mask;
    return subscriber;
}

bool event_take(struct event_subscriber *subscriber, struct event *ret_event)
{
    return mpsc_ring_pop(&subscriber->ring, ret_event);
}

uint64_t event_dropped(const struct event_subscriber *subscriber)
{
    return atomic_load_explicit(&subscriber->dropped, memory_order_relaxed);
}

void event_emit(struct event_bus *bus, const struct event *event)
{
    for (uint32_t i = 0; i < bus->count; i++) {
        struct event_subscriber *subscriber = &bus->subscribers[i];
        if ((subscriber->mask & EVENT_MASK(event->type)) == 0)
            continue;
        if (!mpsc_ring_push(&subscriber->ring, event))
            atomic_fetch_add_explicit(&subscriber->dropped, 1, memory_order_relaxed);
    }
}
