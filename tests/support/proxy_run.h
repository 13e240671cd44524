/* SPDX-License-Identifier: Apache-2.0
 *
 * A run: clients, the real proxy, and servers with all that connects them, in virtual time. Repeats
 * for a seed; a test that fails says which one it was.
 */
#ifndef LL_SUPPORT_PROXY_RUN_H
#define LL_SUPPORT_PROXY_RUN_H

#include "support/peer.h"
#include "support/proxy_rig.h"
#include "support/unit.h"

#include <stdbool.h>
#include <stdint.h>

#define RUN_CLIENTS_MAX 32u
#define RUN_SERVERS_MAX (2 * RUN_CLIENTS_MAX)

/* A server's port. */
struct site {
    struct watch watch;
    struct run  *run;
    uint32_t     number;
};

typedef struct peer_plan (*plan_fn)(struct run *run);

struct run {
    struct rig  rig;
    struct rng  rng;
    struct site sites[RIG_SERVERS];
    struct peer clients[RUN_CLIENTS_MAX];
    struct peer servers[RUN_SERVERS_MAX]; /* the servers' ends of connections */
    uint32_t    server_site[RUN_SERVERS_MAX];
    uint32_t    client_count;
    uint32_t    server_count;
    plan_fn     server_plan; /* of connections that servers accept; plan_random */
    uint64_t    start_ns;
};

/* Servers are not there yet: see run_open_site. */
void run_init(struct run *run, uint64_t seed, const struct fake_weather *weather,
              struct config *config);
void run_fini(struct run *run);

/* A run with one session whose ends have exchanged 100 bytes each and sit. */
void run_init_sitting(struct run *run, struct config *config);

void         run_open_site(struct run *run, uint32_t number);
struct peer *run_add_client(struct run *run, const struct peer_plan *plan);

void run_turn(struct run *run);
void run_to_the_end(struct run *run); /* of all connections */
void run_for(struct run *run, uint64_t ns);
bool run_over(const struct run *run);

/* Checks both ways of all connections of which both ends are known; returns how many. */
uint32_t run_check_streams(struct run *run);

/* All connections ended well, complete, and so the log says. */
void run_check_peaceful(struct run *run);

/* One session has ended since the last look, for that reason. */
void run_check_log(struct run *run, const char *reason);

struct fake_weather run_random_weather(struct rng *rng);

extern const struct fake_weather run_calm;

/* Sizes in proportion to what the network takes at once, so that a run has a few hundred steps. */
struct peer_plan plan_random(struct run *run);
struct peer_plan plan_peaceful(struct run *run); /* says something, and ends well */
struct peer_plan plan_short(struct run *run);    /* the same, but not much */
struct peer_plan plan_rude(struct run *run);     /* resets, or closes early */
struct peer_plan plan_sitting(struct run *run);  /* 100 bytes, and then nothing */

/* For the tests' teardown. */
int run_tell_seed(void **state);

#define RUN_TEST(name) cmocka_unit_test_teardown(name, run_tell_seed)

#endif
