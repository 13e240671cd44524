/* SPDX-License-Identifier: Apache-2.0
 *
 * Nanoseconds per pick and per finish, for every algorithm, at 10, 1,000 and 10,000 servers, with
 * one thread and with all cores contending for one pool.
 *
 *     bench-pick [ALGORITHM ...]
 *
 * Each server holds one lease on average; a thread picks a batch, then finishes as many leases that
 * it holds, chosen at random; each batch is timed as a whole, and the median of all is shown, so
 * that what else the machine does matters little. A pick counts the lease, and a finish counts its
 * latency: what the proxy pays for a request is their sum.
 */
#include "balance/balancer.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/qsbr.h"
#include "base/rng.h"
#include "model/pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_BATCH       64u
#define BENCH_TARGET_NS   UINT64_C(150000000)
#define BENCH_BATCHES     200000u
#define BENCH_THREADS_MAX 64u

struct bench {
    const struct pool_view *view;
    pthread_barrier_t       barrier;
    uint32_t                held;
};

struct bench_thread {
    pthread_t     thread;
    struct bench *bench;
    uint64_t      seed;
    double        pick_ns;
    double        finish_ns;
};

static uint64_t clock_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int bench_compare(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double bench_median(uint32_t *times, uint32_t count)
{
    qsort(times, count, sizeof *times, bench_compare);
    return (double)times[count / 2] / BENCH_BATCH;
}

static struct lease bench_pick(struct bench *bench, struct rng *rng, uint64_t now_ns)
{
    struct pick_query query = {.random = rng_next(rng), .now_ns = now_ns};
    pick_query_set_key(&query, rng_next(rng));
    struct pick pick = balance_pick(bench->view, &query);
    LL_ASSERT(pick.status == PICK_OK);
    return pick.lease;
}

static void *bench_run(void *argument)
{
    struct bench_thread *self   = argument;
    struct bench        *bench  = self->bench;
    struct lease        *leases = alloc_zero(bench->held + BENCH_BATCH, sizeof *leases);
    struct rng           rng;
    uint64_t             now_ns    = clock_ns();
    uint64_t             spent     = 0;
    uint32_t            *picking   = alloc_zero(BENCH_BATCHES, sizeof *picking);
    uint32_t            *finishing = alloc_zero(BENCH_BATCHES, sizeof *finishing);
    uint32_t             batches   = 0;

    rng_seed(&rng, self->seed, 0);
    for (uint32_t i = 0; i < bench->held; i++)
        leases[i] = bench_pick(bench, &rng, now_ns);
    pthread_barrier_wait(&bench->barrier);
    while (spent < BENCH_TARGET_NS && batches < BENCH_BATCHES) {
        uint64_t begin = clock_ns();
        for (uint32_t i = 0; i < BENCH_BATCH; i++)
            leases[bench->held + i] = bench_pick(bench, &rng, begin);
        uint64_t middle = clock_ns();
        for (uint32_t i = BENCH_BATCH; i > 0; i--) {
            struct lease *lease = &leases[rng_below(&rng, bench->held + i)];
            balance_finish(lease, OUTCOME_OK, middle);
            *lease = leases[bench->held + i - 1];
        }
        uint64_t end         = clock_ns();
        picking[batches]     = (uint32_t)(middle - begin);
        finishing[batches++] = (uint32_t)(end - middle);
        spent += end - begin;
    }
    pthread_barrier_wait(&bench->barrier);
    for (uint32_t i = 0; i < bench->held; i++)
        balance_finish(&leases[i], OUTCOME_OK, now_ns);
    free(leases);
    self->pick_ns   = bench_median(picking, batches);
    self->finish_ns = bench_median(finishing, batches);
    free(picking);
    free(finishing);
    return NULL;
}

static void bench_measure(const struct pool_view *view, uint32_t threads)
{
    static struct bench_thread workers[BENCH_THREADS_MAX];
    struct bench               bench = {.view = view, .held = LL_MAX(view->count / threads, 1)};
    pthread_barrier_init(&bench.barrier, NULL, threads);
    for (uint32_t i = 0; i < threads; i++) {
        workers[i] = (struct bench_thread){.bench = &bench, .seed = i + 1};
        LL_ASSERT(pthread_create(&workers[i].thread, NULL, bench_run, &workers[i]) == 0);
    }
    double pick = 0, finish = 0;
    for (uint32_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        pick += workers[i].pick_ns / threads;
        finish += workers[i].finish_ns / threads;
    }
    pthread_barrier_destroy(&bench.barrier);
    printf(" %7.1f %7.1f", pick, finish);
    fflush(stdout);
}

static struct pool *bench_pool(const char *algorithm, uint64_t choices, uint32_t count)
{
    struct pool          *pool       = pool_new("bench", 0, NULL, NULL);
    struct balance_config config     = balance_config_of(algorithm);
    config.steps[0].tunables.choices = choices;
    balance_configure(pool, &config);
    for (uint32_t i = 0; i < count; i++) {
        char               id[16];
        int                size = snprintf(id, sizeof id, "s%u", i);
        struct server_spec spec = {
            .id       = {id, (size_t)size},
            .address  = {.family = ADDRESS_IPV4, .endpoint = {ADDRESS_IPV4, 80, {127, 0, 0, 1}}},
            .settings = {.weight = 1 + i % 10},
        };
        struct invalid_server invalid;
        LL_ASSERT(pool_add(pool, &spec, &invalid) != NULL);
    }
    pool_publish(pool, 1);
    return pool;
}

static void bench_algorithm(const char *algorithm, uint64_t choices, uint32_t cores)
{
    static const uint32_t counts[] = {10, 1000, 10000};
    char                  label[64];
    snprintf(label, sizeof label, choices > 0 ? "%s/%u" : "%s", algorithm, (unsigned)choices);
    printf("%-28s", label);
    for (size_t i = 0; i < LL_COUNT(counts); i++) {
        struct pool *pool = bench_pool(algorithm, choices, counts[i]);
        bench_measure(pool_view(pool), 1);
        bench_measure(pool_view(pool), cores);
        pool_free(pool);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    size_t             count;
    const char *const *names = balance_names(&count);
    cpu_set_t          allowed;

    LL_ASSERT(pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) == 0);
    uint32_t cores = LL_MIN((uint32_t)CPU_COUNT(&allowed), BENCH_THREADS_MAX);

    printf("nanoseconds per pick and per finish; weights 1 to 10; %u threads when contended\n\n",
           cores);
    printf("%-28s %31s %31s %31s\n", "", "10 servers", "1,000 servers", "10,000 servers");
    printf("%-28s", "algorithm");
    for (int i = 0; i < 3; i++)
        printf(" %15s %15s", "one thread", "contended");
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++)
            wanted = wanted || strcmp(argv[a], names[i]) == 0;
        if (!wanted)
            continue;
        bench_algorithm(names[i], 0, cores);
        if (strstr(names[i], "least_connections") != NULL)
            bench_algorithm(names[i], 4, cores);
    }
    return 0;
}
