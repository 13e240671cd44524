/* SPDX-License-Identifier: Apache-2.0
 *
 * A server's latency as a moving average, in one word that every worker updates.
 *
 * The high half is the average in units of 1.024 us, the low half the time of the last sample in
 * units of 1.05 ms. The past loses weight by e^(-age / decay), whether or not samples come: a
 * server that did badly and is left alone for a while is tried again. 0 means that nothing is
 * known.
 */
#ifndef LL_BALANCE_LATENCY_H
#define LL_BALANCE_LATENCY_H

#include "balance/algorithm.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum latency_rule {
    LATENCY_MEAN, /* all samples count */
    LATENCY_PEAK, /* a sample above the average becomes it at once */
};

/* The average as of now_ns, in units of 1.024 us. */
uint64_t latency_read(const struct server *server, uint64_t decay_ns, uint64_t now_ns);

void latency_sample(struct server *server, enum latency_rule rule, uint64_t latency_ns,
                    uint64_t decay_ns, uint64_t now_ns);

/* Takes what feedback tells about latency: the first byte where there is one, else the end; a
 * failure counts as error_penalty at least, so that failing fast attracts nobody. */
void latency_learn(const struct balance_site *site, const struct feedback *feedback,
                   enum latency_rule rule);

/* What one more request costs on a server: average * (leases + 1) / weight, as a fraction. A server
 * of which nothing is known costs nothing while idle, and very much with a first request under way:
 * that one will tell. */
struct latency_cost {
    uint64_t time;
    uint64_t leases;
    uint64_t weight;
};

struct latency_cost latency_cost_of(const struct balance_site *site, uint32_t index,
                                    uint64_t now_ns);
bool                latency_cost_less(struct latency_cost a, struct latency_cost b);

#endif
