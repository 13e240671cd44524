/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of `limeload demo`, and what it shows of it.
 *
 * Threading: one thread.
 */
#ifndef LL_CMD_DEMO_H
#define LL_CMD_DEMO_H

#include "cmd/call.h"
#include "cmd/child.h"
#include "cmd/host.h"
#include "cmd/tally.h"

#include <stdbool.h>
#include <stdint.h>

#define DEMO_BACKENDS    3u
#define DEMO_ADDRESS_MAX 24u

struct demo_backend {
    struct child child;
    char         name[8];
    char         address[DEMO_ADDRESS_MAX];
    bool         killed; /* by us, and not back yet */
};

struct demo_second {
    uint32_t calls[DEMO_BACKENDS]; /* good ones */
    uint32_t failed;
};

struct demo {
    struct host         host;
    struct child        balancer;
    struct demo_backend backends[DEMO_BACKENDS];
    char                address[DEMO_ADDRESS_MAX]; /* of the balancer */
    bool                moved;                     /* its usual port was taken */
    char                config[1024];
    int                 config_fd;
    uint64_t            for_ns; /* 0: until a signal */
    uint64_t            up_ns;
    uint64_t            down_ns;
    uint64_t            start_ns; /* of the traffic */
    uint64_t            seconds;  /* that were shown */
    bool                running;
    bool                ending;
    bool                failed;
    bool                terminal; /* stdout is one */
    bool                line;     /* it has a line that will be overwritten */
    uint32_t            victim;   /* the next backend to be killed, or the one that is */
    struct timer        traffic;
    struct timer        tick;
    struct timer        strike;
    struct timer        deadline; /* of the start, later of the whole */
    struct caller       caller;
    struct demo_second  second;
    struct tally        total;
};

void demo_show_start(const struct demo *demo);
void demo_show_second(struct demo *demo);
void demo_show_killed(struct demo *demo, const struct demo_backend *backend);
void demo_show_back(struct demo *demo, const struct demo_backend *backend);
void demo_show_failure(struct demo *demo, const char *what, const struct child *child);
void demo_show_end(struct demo *demo);

#endif
