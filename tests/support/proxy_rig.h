/* SPDX-License-Identifier: Apache-2.0
 *
 * The real proxy code, one worker of it, on a network in memory: what a test has to put around
 * worker, listener and session so that they run in virtual time.
 *
 * What sessions log is kept for the test to read.
 */
#ifndef LL_SUPPORT_PROXY_RIG_H
#define LL_SUPPORT_PROXY_RIG_H

#include "proxy/worker.h"
#include "support/fake_io.h"

#include <stdint.h>

#define RIG_SERVERS 4u

struct rig {
    struct fake_io        fake;
    struct config        *config;
    struct proxy          proxy;
    struct proxy_pool     pool;
    struct proxy_listener listener;
    struct worker         worker;
    struct worker        *workers[1];
    struct log_source     log;
    struct address        address; /* of the listener */
};

/* A listener and a pool of RIG_SERVERS servers with round robin: to be changed before it is used.
 */
struct config *rig_config(void);

/* The configuration is freed with the rig. */
void rig_init(struct rig *rig, uint64_t seed, const struct fake_weather *weather,
              struct config *config);

/* No session is left. Checks that nothing else is, either: descriptors, buffers, leases, places. */
void rig_fini(struct rig *rig);

/* One turn. Fails the test where nothing will ever happen again. */
void rig_turn(struct rig *rig);

/* The next session that has ended, in the order of the ends; false where there is none. */
bool rig_next_log(struct rig *rig, struct log_session *ret_line);

/* Frees what rigs share; at the end of the program. */
void rig_shared_fini(void);

#endif
