/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithms, one per file of the same name; the registry lists them.
 */
#ifndef LL_BALANCE_ALGORITHMS_H
#define LL_BALANCE_ALGORITHMS_H

#include "balance/algorithm.h"

extern const struct algorithm algorithm_bounded_hash;
extern const struct algorithm algorithm_cookie_hash;
extern const struct algorithm algorithm_first;
extern const struct algorithm algorithm_header_hash;
extern const struct algorithm algorithm_ip_hash;
extern const struct algorithm algorithm_least_connections;
extern const struct algorithm algorithm_least_time;
extern const struct algorithm algorithm_maglev;
extern const struct algorithm algorithm_p2c;
extern const struct algorithm algorithm_peak_ewma;
extern const struct algorithm algorithm_prequal;
extern const struct algorithm algorithm_random;
extern const struct algorithm algorithm_rendezvous;
extern const struct algorithm algorithm_ring_hash;
extern const struct algorithm algorithm_round_robin;
extern const struct algorithm algorithm_sticky_cookie;
extern const struct algorithm algorithm_sticky_ip;
extern const struct algorithm algorithm_uri_hash;
extern const struct algorithm algorithm_weighted_least_connections;
extern const struct algorithm algorithm_weighted_random;
extern const struct algorithm algorithm_weighted_round_robin;

#endif
