/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools for tests: servers s0, s1 ... with given weights, one algorithm, one thread.
 */
#ifndef LL_TESTS_POOL_HELP_H
#define LL_TESTS_POOL_HELP_H

#include "balance/balancer.h"
#include "base/rng.h"
#include "model/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

static inline struct slice help_id(uint32_t number, char text[static 16])
{
    int size = snprintf(text, 16, "s%u", number);
    return (struct slice){text, (size_t)size};
}

static inline struct server_spec help_spec(struct slice id, uint32_t weight)
{
    return (struct server_spec){
        .id       = id,
        .address  = {.family = ADDRESS_IPV4, .endpoint = {ADDRESS_IPV4, 80, {127, 0, 0, 1}}},
        .settings = {.weight = weight},
    };
}

static inline struct server *help_add(struct pool *pool, uint32_t number, uint32_t weight)
{
    char                  text[16];
    struct invalid_server invalid;
    struct server_spec    spec   = help_spec(help_id(number, text), weight);
    struct server        *server = pool_add(pool, &spec, &invalid);
    assert_non_null(server);
    return server;
}

static inline void help_remove(struct pool *pool, uint32_t number)
{
    char                  text[16];
    struct invalid_server invalid;
    assert_true(pool_remove(pool, help_id(number, text), &invalid));
}

static inline void help_settings(struct pool *pool, uint32_t number,
                                 struct server_settings settings)
{
    char                  text[16];
    struct invalid_server invalid;
    assert_true(pool_update(pool, help_id(number, text), &settings, &invalid));
}

/* weights NULL: all 1. */
static inline struct pool *help_pool(const char *algorithm, uint32_t count, const uint32_t *weights)
{
    struct pool          *pool   = pool_new("test", 0, NULL, NULL);
    struct balance_config config = balance_config_of(algorithm);
    balance_configure(pool, &config);
    for (uint32_t i = 0; i < count; i++)
        help_add(pool, i, weights != NULL ? weights[i] : 1);
    pool_publish(pool, 1);
    return pool;
}

/* The number of the server in its id. */
static inline uint32_t help_number(const struct server *server)
{
    uint64_t number;
    assert_true(slice_to_u64(slice_of(server->id + 1), UINT32_MAX, &number));
    return (uint32_t)number;
}

/* Picks and finishes at once; the number of the server. */
static inline uint32_t help_pick(struct pool *pool, uint64_t random)
{
    struct pick_query query = {.random = random, .now_ns = 1000};
    pick_query_set_key(&query, rng_mix(random + 1));
    struct pick pick = balance_pick(pool_view(pool), &query);
    assert_int_equal(pick.status, PICK_OK);
    uint32_t number = help_number(pick.lease.server);
    balance_finish(&pick.lease, OUTCOME_OK, 2000);
    return number;
}

#endif
