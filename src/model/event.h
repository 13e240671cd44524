/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to servers, told to those who watch: metrics, logs, the admin stream, the recorder.
 *
 * Watching never changes a decision and never delays one: an event is copied into the bounded ring
 * of every subscriber that asked for its type, and where a ring is full it is dropped and counted.
 * Threading: subscribe before workers start; any thread may emit; each subscriber is drained by one
 *            thread.
 */
#ifndef LL_MODEL_EVENT_H
#define LL_MODEL_EVENT_H

#include "base/compiler.h"
#include "base/ring.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum event_type {
    EVENT_SERVER_ADDED,   /* value: weight */
    EVENT_SERVER_REMOVED, /* value: leases still running */
    EVENT_SERVER_STATUS,  /* detail: 1 healthy, 0 not */
    EVENT_SERVER_ADMIN,   /* detail: enum server_admin */
    EVENT_SERVER_WEIGHT,  /* value: new weight */
    EVENT_PUBLISHED,      /* no server; value: eligible servers; detail: 1 in panic mode */
    EVENT_PICKED,         /* value: leases then running; detail: enum pick_reason */
    EVENT_NOT_PICKED,     /* no server; detail: enum pick_status */
    EVENT_FINISHED,       /* value: nanoseconds since the pick; detail: enum outcome */
};
#define EVENT_TYPE_COUNT 9u

#define EVENT_MASK(type) (1u << (type))
#define EVENT_MASK_ALL   ((1u << EVENT_TYPE_COUNT) - 1)

/* No server is concerned. */
#define EVENT_NO_SERVER UINT64_MAX

struct event {
    uint8_t  type; /* enum event_type */
    uint8_t  detail;
    uint16_t slot;
    uint32_t pool;   /* number given at pool_new */
    uint64_t serial; /* of the server, or EVENT_NO_SERVER */
    uint64_t value;
    uint64_t now_ns; /* of what was told to the balancer; 0 for changes by the control thread */
};

/* As many as limeload itself has use for, with room for two more. */
#define EVENT_SUBSCRIBERS_MAX 8u

struct event_subscriber {
    uint32_t         mask;
    struct mpsc_ring ring;
    _Alignas(LL_CACHE_LINE) _Atomic uint64_t dropped;
};

struct event_bus {
    uint32_t                mask; /* of all subscribers */
    uint32_t                count;
    struct event_subscriber subscribers[EVENT_SUBSCRIBERS_MAX];
};

void event_bus_init(struct event_bus *bus);
void event_bus_fini(struct event_bus *bus);

/* capacity is a power of two. NULL where EVENT_SUBSCRIBERS_MAX are there already. */
LL_MUST_CHECK struct event_subscriber *event_subscribe(struct event_bus *bus, uint32_t mask,
                                                       uint32_t capacity);

/* Takes the oldest event; false where there is none. */
LL_MUST_CHECK bool event_take(struct event_subscriber *subscriber, struct event *ret_event);

uint64_t event_dropped(const struct event_subscriber *subscriber);

void event_emit(struct event_bus *bus, const struct event *event);

/* Whether anybody listens, so that nobody makes up events for nobody. bus may be NULL. */
static inline bool event_wanted(const struct event_bus *bus, enum event_type type)
{
    return bus != NULL && (bus->mask & EVENT_MASK(type)) != 0;
}

const char *event_type_name(enum event_type type);

#endif
