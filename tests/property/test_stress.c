/* SPDX-License-Identifier: Apache-2.0
 *
 * One writer changes a pool while many workers pick from it, for every algorithm: leases add up,
 * nobody is offered more than its maximum, and ThreadSanitizer has nothing to say.
 */
#include "pool_help.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WORKERS = 3, CHANGES = 60, SERVERS = 60, HELD_MAX = 64, MAX_CONNECTIONS = 4 };

struct stress {
    struct pool     *pool;
    struct qsbr      qsbr;
    _Atomic uint32_t next_worker;
    _Atomic bool     over;
    _Atomic uint64_t now_ns;
    _Atomic uint64_t picks;
};

static void stress_pick(struct stress *stress, struct rng *rng, struct lease *held, uint32_t *count)
{
    const struct pool_view *view  = pool_view(stress->pool);
    struct pick_query       query = {
              .random = rng_next(rng),
              .now_ns = atomic_fetch_add_explicit(&stress->now_ns, 1000, memory_order_relaxed),
    };
    pick_query_set_key(&query, rng_below(rng, 500));
    struct pick pick = balance_pick(view, &query);
    if (pick.status != PICK_OK)
        return;
    uint32_t max = atomic_load(&pick.lease.server->load.max_connections);
    assert_true(max == 0 || server_inflight(pick.lease.server) <= MAX_CONNECTIONS);
    for (struct server *asked; (asked = balance_take_probe(view)) != NULL;)
        balance_probe_answer(view, asked, server_inflight(asked), 1000000, rng_next(rng),
                             query.now_ns);
    held[(*count)++] = pick.lease;
}

static void stress_finish(struct stress *stress, struct rng *rng, struct lease *held,
                          uint32_t *count)
{
    uint64_t      now   = atomic_load_explicit(&stress->now_ns, memory_order_relaxed);
    struct lease *lease = &held[rng_below(rng, *count)];
    if (rng_below(rng, 2) == 0)
        balance_first_byte(lease, now);
    balance_finish(lease, (enum outcome)rng_below(rng, OUTCOME_COUNT), now);
    *lease = held[--*count];
}

static void *stress_work(void *argument)
{
    struct stress *stress = argument;
    uint32_t       worker = atomic_fetch_add(&stress->next_worker, 1);
    struct lease   held[HELD_MAX];
    uint32_t       count = 0;
    uint64_t       turns = 0;
    struct rng     rng;
    rng_seed(&rng, worker, 0);
    qsbr_online(&stress->qsbr, worker);
    while (!atomic_load_explicit(&stress->over, memory_order_relaxed)) {
        if (count == 0 || (count < HELD_MAX && rng_below(&rng, 2) == 0))
            stress_pick(stress, &rng, held, &count);
        else
            stress_finish(stress, &rng, held, &count);
        if (++turns % 16 == 0)
            qsbr_pass(&stress->qsbr, worker);
        if (turns % 1024 == 0) {
            /* As a worker does that waits: leases stay. */
            qsbr_offline(&stress->qsbr, worker);
            qsbr_online(&stress->qsbr, worker);
        }
    }
    while (count > 0)
        stress_finish(stress, &rng, held, &count);
    qsbr_offline(&stress->qsbr, worker);
    atomic_fetch_add(&stress->picks, turns);
    return NULL;
}

static void stress_change(struct stress *stress, struct rng *rng, uint32_t *next)
{
    uint32_t       count  = pool_count(stress->pool);
    struct server *server = pool_at(stress->pool, (uint32_t)rng_below(rng, count));
    switch (rng_below(rng, 4)) {
    case 0:
        if (count > SERVERS / 2)
            help_remove(stress->pool, help_number(server));
        break;
    case 1:
        if (count < SERVERS)
            help_add(stress->pool, (*next)++, 1 + (uint32_t)rng_below(rng, 9));
        break;
    case 2:
        pool_set_health(stress->pool, server, !server->healthy);
        break;
    default:
        help_settings(stress->pool, help_number(server),
                      (struct server_settings){
                          .weight          = (uint32_t)rng_below(rng, 9),
                          .max_connections = server->settings.max_connections,
                      });
    }
}

static void stress_algorithm(const char *algorithm, bool swap)
{
    struct stress         stress   = {0};
    struct balance_config config   = balance_config_of(algorithm);
    struct balance_config other    = balance_config_of("least_connections");
    struct pool_settings  settings = pool_settings_default();
    pthread_t             threads[WORKERS];
    struct rng            rng;
    uint32_t              next = SERVERS;

    rng_seed(&rng, 7, 0);
    config.steps[0].tunables.table_size  = 1009;
    config.steps[0].tunables.ring_points = 10;
    config.steps[0].tunables.sticky_size = 256;
    settings.slow_start_ns               = 200000;
    qsbr_init(&stress.qsbr, WORKERS);
    atomic_store(&stress.now_ns, 1000000000);
    stress.pool = pool_new("stress", 0, &stress.qsbr, NULL);
    balance_configure(stress.pool, &config);
    pool_configure(stress.pool, &settings);
    for (uint32_t i = 0; i < SERVERS; i++) {
        help_add(stress.pool, i, 1 + i % 3);
        help_settings(stress.pool, i,
                      (struct server_settings){
                          .weight          = 1 + i % 3,
                          .max_connections = i % 5 == 0 ? MAX_CONNECTIONS : 0,
                      });
    }
    pool_publish(stress.pool, 1);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stress_work, &stress), 0);
    for (uint32_t change = 0; change < CHANGES; change++) {
        stress_change(&stress, &rng, &next);
        if (swap && change % 10 == 0)
            balance_configure(stress.pool, change % 20 == 0 ? &other : &config);
        pool_publish(stress.pool, atomic_load(&stress.now_ns));
        (void)pool_reclaim(stress.pool);
        /* Until somebody has picked from it. */
        uint64_t before = atomic_load(&stress.now_ns);
        while (atomic_load(&stress.now_ns) < before + 20000)
            sched_yield();
    }
    atomic_store(&stress.over, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 0; i < pool_count(stress.pool); i++)
        assert_int_equal(server_inflight(pool_at(stress.pool, i)), 0);
    for (int i = 0; i < 3; i++)
        (void)pool_reclaim(stress.pool);
    assert_int_equal(pool_reclaim(stress.pool), 0);
    assert_true(atomic_load(&stress.picks) > CHANGES);
    pool_free(stress.pool);
    qsbr_fini(&stress.qsbr);
}

static void every_algorithm_under_change(void **state)
{
    (void)state;
    size_t             count;
    const char *const *names = balance_names(&count);
    for (size_t i = 0; i < count; i++)
        stress_algorithm(names[i], false);
}

static void algorithms_change_under_way(void **state)
{
    (void)state;
    stress_algorithm("bounded_hash", true);
    stress_algorithm("weighted_round_robin", true);
}

/* The order is exact however many workers take part. */
struct turns {
    struct pool     *pool;
    _Atomic uint32_t counts[7];
};

enum { TURNS_EACH = 21000 };

static void *turns_work(void *argument)
{
    struct turns *turns = argument;
    for (uint32_t i = 0; i < TURNS_EACH; i++)
        atomic_fetch_add(&turns->counts[help_pick(turns->pool, i)], 1);
    return NULL;
}

static void rotations_are_exact_across_workers(void **state)
{
    (void)state;
    const uint32_t weights[7] = {1, 2, 3, 4, 5, 6, 7};
    for (int weighted = 0; weighted < 2; weighted++) {
        struct turns turns = {0};
        pthread_t    threads[WORKERS];
        turns.pool = help_pool(weighted ? "weighted_round_robin" : "round_robin", 7, weights);
        for (int i = 0; i < WORKERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, turns_work, &turns), 0);
        for (int i = 0; i < WORKERS; i++)
            pthread_join(threads[i], NULL);
        for (uint32_t i = 0; i < 7; i++)
            assert_int_equal(turns.counts[i], weighted ? WORKERS * TURNS_EACH / 28 * weights[i]
                                                       : WORKERS * TURNS_EACH / 7);
        pool_free(turns.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_under_change),
        cmocka_unit_test(algorithms_change_under_way),
        cmocka_unit_test(rotations_are_exact_across_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
