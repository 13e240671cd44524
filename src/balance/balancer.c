/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that checks, counts, and tells observers, around every algorithm.
 */
#include "balance/balancer.h"

#include "balance/algorithm.h"
#include "base/assert.h"
#include "model/pool.h"

#include <string.h>

/* The chain. Lives in its policy's arena, as do the states. */
struct balancer {
    struct pool_policy  policy;
    uint32_t            count;
    uint8_t             wants; /* of all steps */
    struct balance_step steps[BALANCE_CHAIN_MAX];
};

/* Everything of a view that is ours. */
struct balance_tables {
    const struct balancer *balancer;
    struct balance_site    sites[BALANCE_CHAIN_MAX];
};

/* A server that fills up between choosing and counting is not chosen again; that it happens so
 * often in one pick means that the pool is full. */
#define BALANCE_RESERVE_TRIES 4u

static void *arena_lines(struct arena *arena, size_t size)
{
    uintptr_t memory = (uintptr_t)arena_alloc(arena, size + LL_CACHE_LINE, 1);
    return (void *)((memory + LL_CACHE_LINE - 1) / LL_CACHE_LINE * LL_CACHE_LINE);
}

static void balancer_prepare(struct pool_policy *policy, struct pool_view *view,
                             const struct pool_view *old)
{
    const struct balancer       *balancer = LL_CONTAINER_OF(policy, struct balancer, policy);
    const struct balance_tables *before   = old != NULL ? old->tables : NULL;
    struct balance_tables       *tables   = arena_alloc(&view->arena, 1, sizeof *tables);

    tables->balancer = balancer;
    view->tables     = tables;
    for (uint32_t i = 0; i < balancer->count; i++) {
        struct balance_site *site = &tables->sites[i];
        *site = (struct balance_site){.view = view, .step = &balancer->steps[i]};
        if (site->step->algorithm->build != NULL)
            site->table = site->step->algorithm->build(site, &view->arena,
                                                       before != NULL ? &before->sites[i] : NULL);
    }
}

static void balancer_published(struct pool_policy *policy, const struct pool_view *view)
{
    const struct balancer       *balancer = LL_CONTAINER_OF(policy, struct balancer, policy);
    const struct balance_tables *tables   = view->tables;
    for (uint32_t i = 0; i < balancer->count; i++) {
        if (balancer->steps[i].algorithm->published != NULL)
            balancer->steps[i].algorithm->published(&tables->sites[i]);
    }
}

void balance_configure(struct pool *pool, const struct balance_config *config)
{
    uint32_t                   bad_step;
    const struct balance_knob *bad_knob;
    LL_ASSERT(balance_config_check(config, &bad_step, &bad_knob) == BALANCE_CONFIG_OK);

    struct arena arena;
    arena_init(&arena);
    struct balancer *balancer = arena_alloc(&arena, 1, sizeof *balancer);
    balancer->count           = config->count;
    for (uint32_t i = 0; i < config->count; i++) {
        struct balance_step *step = &balancer->steps[i];
        step->algorithm           = algorithm_find(config->steps[i].algorithm);
        step->tunables            = config->steps[i].tunables;
        step->number              = i;
        step->key =
            config->steps[i].key != BALANCE_KEY_NONE ? config->steps[i].key : step->algorithm->key;
        if (step->algorithm->state_size != NULL)
            step->state = arena_lines(&arena, step->algorithm->state_size(&step->tunables));
        balancer->wants |= step->algorithm->wants;
    }
    balancer->policy = (struct pool_policy){
        .arena      = arena,
        .references = 1,
        .prepare    = balancer_prepare,
        .published  = balancer_published,
    };
    pool_set_policy(pool, &balancer->policy);
}

enum balance_key balance_step_key(const struct pool_view *view, uint32_t step)
{
    const struct balance_tables *tables = view->tables;
    return step < tables->balancer->count ? tables->balancer->steps[step].key : BALANCE_KEY_NONE;
}

/* Tells the algorithms of the newest view, which may be another than the one picked from.
 * feedback->index is the server's in the other, where known. */
static void balance_tell(struct pool_shared *shared, struct feedback *feedback)
{
    /* Sequentially consistent: see pool_publish. */
    const struct pool_view      *view   = atomic_load(&shared->view);
    const struct balance_tables *tables = view->tables;
    if ((tables->balancer->wants & FEEDBACK_MASK(feedback->type)) == 0)
        return;
    if (feedback->index >= view->count || view->servers[feedback->index] != feedback->server)
        feedback->index = pool_view_index(view, feedback->server);
    for (uint32_t i = 0; i < tables->balancer->count; i++) {
        const struct algorithm *algorithm = tables->balancer->steps[i].algorithm;
        if ((algorithm->wants & FEEDBACK_MASK(feedback->type)) != 0)
            algorithm->feedback(&tables->sites[i], feedback);
    }
}

/* Counts one more lease, unless the server has its maximum. */
static bool server_reserve(struct server *server, uint32_t *ret_inflight)
{
    uint32_t max = atomic_load_explicit(&server->load.max_connections, memory_order_relaxed);
    if (LL_LIKELY(max == 0)) {
        *ret_inflight = atomic_fetch_add(&server->load.inflight, 1) + 1;
        return true;
    }
    uint32_t inflight = server_inflight(server);
    do {
        if (inflight >= max)
            return false;
    } while (!atomic_compare_exchange_weak(&server->load.inflight, &inflight, inflight + 1));
    *ret_inflight = inflight + 1;
    return true;
}

static void balance_emit_pick(const struct pool_view *view, const struct pick_query *query,
                              const struct pick *pick, uint32_t inflight)
{
    bool            ok   = pick->status == PICK_OK;
    enum event_type type = ok ? EVENT_PICKED : EVENT_NOT_PICKED;
    if (!event_wanted(view->shared->events, type))
        return;
    event_emit(view->shared->events,
               &(struct event){
                   .type   = (uint8_t)type,
                   .detail = ok ? (uint8_t)pick->reason : (uint8_t)pick->status,
                   .slot   = ok ? pick->lease.server->slot : POOL_NO_INDEX,
                   .pool   = view->shared->number,
                   .serial = ok ? pick->lease.server->serial : EVENT_NO_SERVER,
                   .value  = inflight,
                   .now_ns = query->now_ns,
               });
}

static bool balance_start(const struct pool_view *view, const struct pick_query *query,
                          struct choice choice, enum pick_reason reason, struct pick *pick)
{
    struct server *server = choice.server;
    uint32_t       inflight;
    LL_ASSERT(!choice_tried(query, server));
    if (!server_reserve(server, &inflight))
        return false;
    pick->status = PICK_OK;
    pick->reason = reason;
    pick->lease  = (struct lease){
         .server   = server,
         .shared   = view->shared,
         .start_ns = query->now_ns,
    };
    balance_tell(view->shared, &(struct feedback){
                                   .type   = FEEDBACK_START,
                                   .index  = choice.index,
                                   .server = server,
                                   .query  = query,
                                   .now_ns = query->now_ns,
                               });
    balance_emit_pick(view, query, pick, inflight);
    return true;
}

/* The first of some servers, from a random start, that is untried and has room. Where one is only
 * full, says so in pick->status. */
static bool balance_any(const struct pool_view *view, const struct pick_query *query,
                        struct server *const *servers, uint32_t count, enum pick_reason reason,
                        struct pick *pick)
{
    uint32_t index = (uint32_t)rng_scale(query->random, count);
    for (uint32_t seen = 0; seen < count; seen++) {
        struct choice choice = {CHOICE_PICK, index, servers[index]};
        index                = index + 1 == count ? 0 : index + 1;
        if (choice_tried(query, choice.server))
            continue;
        if (balance_start(view, query, choice, reason, pick))
            return true;
        pick->status = PICK_QUEUE;
    }
    return false;
}

/* What is left when no algorithm had an answer: any server of the view; where this request has
 * tried them all, one of the next tiers; else whether it is worth waiting. */
static struct pick balance_leftover(const struct pool_view *view, const struct pick_query *query)
{
    struct pick pick = {.status = PICK_NONE, .reason = PICK_REASON_NOTHING};
    if (balance_any(view, query, view->servers, view->count, PICK_REASON_LEFTOVER, &pick))
        return pick;
    for (uint32_t i = 0; i < view->reserve_count && pick.status == PICK_NONE;
         i          = view->reserve_ends[i])
        if (balance_any(view, query, view->reserves + i, view->reserve_ends[i] - i,
                                 PICK_REASON_RESERVE, &pick))
            return pick;
    balance_emit_pick(view, query, &pick, 0);
    return pick;
}

/* The server chosen has filled up since. */
static bool balance_retry(const struct balance_site *site, const struct pick_query *query,
                          struct pick *pick)
{
    struct pick_query again = *query;
    for (uint32_t attempt = 1; attempt < BALANCE_RESERVE_TRIES; attempt++) {
        again.random         = choice_random(query, attempt);
        struct choice choice = site->step->algorithm->pick(site, &again);
        if (choice.kind != CHOICE_PICK)
            return false;
        if (balance_start(site->view, query, choice, site->step->algorithm->reason, pick))
            return true;
    }
    return false;
}

struct pick balance_pick(const struct pool_view *view, const struct pick_query *query)
{
    const struct balance_tables *tables = view->tables;

    if (query->tried != NULL && tried_full(query->tried))
        return (struct pick){.status = PICK_NONE, .reason = PICK_REASON_NOTHING};
    for (uint32_t i = 0; i < tables->balancer->count && view->count > 0; i++) {
        const struct balance_site *site   = &tables->sites[i];
        struct choice              choice = site->step->algorithm->pick(site, query);
        struct pick                pick   = {.status = PICK_QUEUE, .step = i};
        if (choice.kind == CHOICE_PICK &&
            (balance_start(view, query, choice, site->step->algorithm->reason, &pick) ||
             balance_retry(site, query, &pick)))
            return pick;
        if (choice.kind == CHOICE_QUEUE) {
            balance_emit_pick(view, query, &pick, 0);
            return pick;
        }
    }
    return balance_leftover(view, query);
}

void balance_first_byte(struct lease *lease, uint64_t now_ns)
{
    LL_ASSERT(lease->server != NULL);
    if (lease->first_byte_ns != 0)
        return;
    lease->first_byte_ns = LL_MAX(now_ns, 1);
    balance_tell(lease->shared,
                 &(struct feedback){
                     .type       = FEEDBACK_FIRST_BYTE,
                     .index      = POOL_NO_INDEX,
                     .answered   = true,
                     .server     = lease->server,
                     .latency_ns = now_ns > lease->start_ns ? now_ns - lease->start_ns : 0,
                     .now_ns     = now_ns,
                 });
}

void balance_finish(struct lease *lease, enum outcome outcome, uint64_t now_ns)
{
    struct server *server = lease->server;
    LL_ASSERT(server != NULL && outcome < OUTCOME_COUNT);
    /* Workers cache the time on their own, so that a lease handed over may seem to end early. */
    uint64_t latency_ns = now_ns > lease->start_ns ? now_ns - lease->start_ns : 0;
    lease->server       = NULL;

    server_count(server, outcome, latency_ns, now_ns);
    uint32_t before = atomic_fetch_sub(&server->load.inflight, 1);
    LL_ASSERT(before > 0);
    balance_tell(lease->shared, &(struct feedback){
                                    .type       = FEEDBACK_FINISH,
                                    .index      = POOL_NO_INDEX,
                                    .outcome    = outcome,
                                    .answered   = lease->first_byte_ns != 0,
                                    .server     = server,
                                    .latency_ns = latency_ns,
                                    .now_ns     = now_ns,
                                });
    if (event_wanted(lease->shared->events, EVENT_FINISHED))
        event_emit(lease->shared->events, &(struct event){
                                              .type   = EVENT_FINISHED,
                                              .detail = (uint8_t)outcome,
                                              .slot   = server->slot,
                                              .pool   = lease->shared->number,
                                              .serial = server->serial,
                                              .value  = latency_ns,
                                              .now_ns = now_ns,
                                          });
}

struct server *balance_take_probe(const struct pool_view *view)
{
    const struct balance_tables *tables = view->tables;
    for (uint32_t i = 0; i < tables->balancer->count; i++) {
        const struct algorithm *algorithm = tables->balancer->steps[i].algorithm;
        struct server          *server =
            algorithm->take_probe != NULL ? algorithm->take_probe(&tables->sites[i]) : NULL;
        if (server != NULL)
            return server;
    }
    return NULL;
}

void balance_probe_answer(const struct pool_view *view, struct server *server, uint32_t inflight,
                          uint64_t latency_ns, uint64_t random, uint64_t now_ns)
{
    balance_tell(view->shared, &(struct feedback){
                                   .type       = FEEDBACK_PROBE,
                                   .index      = POOL_NO_INDEX,
                                   .server     = server,
                                   .rif        = inflight,
                                   .latency_ns = latency_ns,
                                   .random     = random,
                                   .now_ns     = now_ns,
                               });
}

const char *pick_reason_name(enum pick_reason reason)
{
    switch (reason) {
    case PICK_REASON_ALGORITHM:
        return "algorithm";
    case PICK_REASON_STICKY:
        return "sticky";
    case PICK_REASON_LEFTOVER:
        return "leftover";
    case PICK_REASON_RESERVE:
        return "reserve";
    case PICK_REASON_NOTHING:
        break;
    }
    return "nothing";
}
