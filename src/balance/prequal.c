/* SPDX-License-Identifier: Apache-2.0
 *
 * Prequal (Wydrowski et al., NSDI 2024): servers are asked how busy and how fast they are, a little
 * ahead of need, and the best of the answers at hand gets the request.
 *
 * Every pick asks probe_rate / 100 different random servers; the host sends the probes that it
 * takes with balance_take_probe and tells the answers. An answer holds requests in flight and a
 * recent latency. Up to probe_pool answers are kept, none longer than probe_age; the oldest makes
 * room. A server is hot when it has more requests in flight than the probe_hot quantile of answers
 * of late. The pick is the cold one with the least latency, or where all are hot, the one with the
 * fewest in flight; with fewer than two answers it is random. An answer is used
 *     max(1, (1 + slack) / ((1 - pool / servers) * probe_rate - probe_remove))
 * times, rounded at random, without bound where the denominator is not positive. Each use adds one
 * to its requests in flight. probe_remove / 100 answers per pick are dropped, the oldest and the
 * worst in turn.
 *
 * Of our own: a failed request drops its server's answer, and until the server does well again its
 * answers count as slow.
 *
 * Concurrency: an answer is one word and every change a compare-and-swap; who loses one has had his
 * decision overtaken and goes on without.
 * Cost: O(probe_pool). All workers write the same few cache lines.
 */
#include "balance/algorithms.h"

#define PREQUAL_POOL_MAX 16u

/* Answers that the quantile looks back on, and after how many it is worked out again. */
#define PREQUAL_RECENT         128u
#define PREQUAL_RECENT_REFRESH 4u

/* Probes wanted that the host has not taken yet; beyond, the oldest are forgotten. */
#define PREQUAL_WANTED 64u

/* Draws for a random server, where answers do not help. */
#define PREQUAL_DRAWS 16u

/* An answer in a word, from the top: slot, requests in flight, latency, stamp, uses left. */
#define PREQUAL_SLOT_SHIFT    48u
#define PREQUAL_RIF_SHIFT     36u
#define PREQUAL_LATENCY_SHIFT 18u
#define PREQUAL_STAMP_SHIFT   4u
#define PREQUAL_RIF_MAX       0xfffu
#define PREQUAL_STAMP_MASK    0x3fffu
#define PREQUAL_USES_MASK     0xfu
#define PREQUAL_UNLIMITED     15u

/* Stamps count units of 1.05 ms and wrap after 17 s: a pool left alone for half of that is void. */
#define PREQUAL_TIME_SHIFT 20u
#define PREQUAL_VOID_NS    UINT64_C(8000000000)

struct prequal_state {
    _Atomic uint64_t answers[PREQUAL_POOL_MAX]; /* 0: none */
    _Atomic uint64_t touched_ns;
    _Atomic uint64_t picks;
    _Atomic uint32_t hot; /* more requests in flight than this is hot */
    _Atomic uint32_t recent_count;
    _Atomic uint16_t recent[PREQUAL_RECENT];
    _Atomic uint32_t wanted_head;
    _Atomic uint32_t wanted_tail;
    _Atomic uint32_t wanted[PREQUAL_WANTED]; /* slot + 1, or 0 */
};

struct prequal_answer {
    uint64_t word;
    uint32_t slot;
    uint32_t rif;
    uint32_t latency; /* only for comparing */
    uint32_t age;     /* in units of the stamp */
};

static size_t prequal_state_size(const struct balance_tunables *tunables)
{
    (void)tunables;
    return sizeof(struct prequal_state);
}

static uint32_t prequal_stamp(uint64_t now_ns)
{
    return (uint32_t)(now_ns >> PREQUAL_TIME_SHIFT) & PREQUAL_STAMP_MASK;
}

/* 5 bits of exponent, 13 of mantissa, of units of 1.024 us. */
static uint64_t prequal_pack_latency(uint64_t latency_ns)
{
    uint64_t units = LL_MIN(latency_ns >> 10, UINT32_MAX);
    if (units < 1u << 13)
        return units;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(units) - 12;
    return (uint64_t)exponent << 13 | ((units >> (exponent - 1)) & 0x1fff);
}

static struct prequal_answer prequal_unpack(uint64_t word, uint64_t now_ns)
{
    uint32_t stamp = (uint32_t)(word >> PREQUAL_STAMP_SHIFT) & PREQUAL_STAMP_MASK;
    return (struct prequal_answer){
        .word    = word,
        .slot    = (uint32_t)(word >> PREQUAL_SLOT_SHIFT),
        .rif     = (uint32_t)(word >> PREQUAL_RIF_SHIFT) & PREQUAL_RIF_MAX,
        .latency = (uint32_t)(word >> PREQUAL_LATENCY_SHIFT) & 0x3ffff,
        .age     = (prequal_stamp(now_ns) - stamp) & PREQUAL_STAMP_MASK,
    };
}

static void prequal_replace(_Atomic uint64_t *place, uint64_t old, uint64_t fresh)
{
    atomic_compare_exchange_strong_explicit(place, &old, fresh, memory_order_relaxed,
                                            memory_order_relaxed);
}

/* How many of a rate in percent are due at one of many steps: as even as whole numbers can be. */
static uint32_t prequal_due(uint64_t step, uint64_t percent)
{
    return (uint32_t)((step + 1) * percent / 100 - step * percent / 100);
}

static void prequal_want(const struct balance_site *site, const struct pick_query *query,
                         uint32_t count)
{
    struct prequal_state *state = site->step->state;
    uint32_t              drawn[PREQUAL_POOL_MAX];
    count = LL_MIN(LL_MIN(count, PREQUAL_POOL_MAX), site->view->count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)rng_scale(choice_random(query, 256 + i), site->view->count);
        bool     again = false;
        for (uint32_t k = 0; k < i; k++)
            again = again || drawn[k] == index;
        drawn[i] = index;
        if (again)
            continue;
        uint32_t place = atomic_fetch_add_explicit(&state->wanted_head, 1, memory_order_relaxed);
        atomic_store_explicit(&state->wanted[place % PREQUAL_WANTED],
                              site->view->servers[index]->slot + 1u, memory_order_relaxed);
    }
}

static struct server *prequal_take(const struct balance_site *site)
{
    struct prequal_state *state = site->step->state;
    for (;;) {
        uint32_t tail    = atomic_load_explicit(&state->wanted_tail, memory_order_relaxed);
        uint32_t head    = atomic_load_explicit(&state->wanted_head, memory_order_relaxed);
        uint32_t waiting = head - tail;
        if (waiting == 0)
            return NULL;
        /* Those that were overwritten are skipped. */
        uint32_t place = waiting > PREQUAL_WANTED ? head - PREQUAL_WANTED : tail;
        if (!atomic_compare_exchange_strong_explicit(&state->wanted_tail, &tail, place + 1,
                                                     memory_order_relaxed, memory_order_relaxed))
            continue;
        uint32_t wanted = atomic_exchange_explicit(&state->wanted[place % PREQUAL_WANTED], 0,
                                                   memory_order_relaxed);
        if (wanted == 0 || wanted > site->view->slot_count)
            continue;
        uint32_t index = site->view->index_of_slot[wanted - 1];
        if (index != POOL_NO_INDEX)
            return site->view->servers[index];
    }
}

/* All answers that are young enough, of servers in the view. */
static uint32_t prequal_collect(const struct balance_site *site, uint64_t now_ns,
                                struct prequal_answer answers[PREQUAL_POOL_MAX],
                                uint32_t              places[PREQUAL_POOL_MAX])
{
    struct prequal_state *state   = site->step->state;
    uint32_t              count   = 0;
    uint64_t              age_max = site->step->tunables.probe_age >> PREQUAL_TIME_SHIFT;
    uint64_t              touched = atomic_load_explicit(&state->touched_ns, memory_order_relaxed);
    bool                  empty   = now_ns > touched && now_ns - touched > PREQUAL_VOID_NS;
    for (uint32_t i = 0; i < PREQUAL_POOL_MAX; i++) {
        uint64_t word = atomic_load_explicit(&state->answers[i], memory_order_relaxed);
        if (word == 0)
            continue;
        struct prequal_answer answer = prequal_unpack(word, now_ns);
        if (empty || answer.age > age_max || answer.slot >= site->view->slot_count ||
            site->view->index_of_slot[answer.slot] == POOL_NO_INDEX) {
            prequal_replace(&state->answers[i], word, 0);
            continue;
        }
        places[count]    = i;
        answers[count++] = answer;
    }
    atomic_store_explicit(&state->touched_ns, now_ns, memory_order_relaxed);
    return count;
}

/* Whether a is a better choice than b. */
static bool prequal_better(const struct prequal_answer *a, const struct prequal_answer *b,
                           uint32_t hot)
{
    bool a_hot = a->rif > hot;
    bool b_hot = b->rif > hot;
    if (a_hot != b_hot)
        return b_hot;
    return a_hot ? a->rif < b->rif : a->latency < b->latency;
}

/* Drops the oldest or, at every second step, the worst. */
static void prequal_drop(struct prequal_state *state, const struct prequal_answer *answers,
                         const uint32_t *places, uint32_t count, uint64_t step)
{
    uint32_t hot  = atomic_load_explicit(&state->hot, memory_order_relaxed);
    uint32_t drop = 0;
    for (uint32_t i = 1; i < count; i++) {
        bool more = step % 2 == 0 ? answers[i].age > answers[drop].age
                                  : prequal_better(&answers[drop], &answers[i], hot);
        drop      = more ? i : drop;
    }
    prequal_replace(&state->answers[places[drop]], answers[drop].word, 0);
}

/* One use less, one request in flight more. */
static void prequal_use(_Atomic uint64_t *place, const struct prequal_answer *answer)
{
    uint64_t uses  = answer->word & PREQUAL_USES_MASK;
    uint64_t fresh = answer->word;
    if (answer->rif < PREQUAL_RIF_MAX)
        fresh += UINT64_C(1) << PREQUAL_RIF_SHIFT;
    if (uses != PREQUAL_UNLIMITED)
        fresh = uses <= 1 ? 0 : fresh - 1;
    prequal_replace(place, answer->word, fresh);
}

static struct choice prequal_random(const struct balance_site *site, const struct pick_query *query)
{
    for (uint32_t i = 0; i < PREQUAL_DRAWS; i++) {
        uint64_t random = i == 0 ? query->random : choice_random(query, i);
        uint32_t index  = (uint32_t)rng_scale(random, site->view->count);
        if (choice_usable(site->view, query, index, i))
            return choice_pick(site, index);
    }
    return choice_pass();
}

static struct choice prequal_pick(const struct balance_site *site, const struct pick_query *query)
{
    struct prequal_state          *state    = site->step->state;
    const struct balance_tunables *tunables = &site->step->tunables;
    struct prequal_answer          answers[PREQUAL_POOL_MAX];
    uint32_t                       places[PREQUAL_POOL_MAX];
    uint32_t                       best = PREQUAL_POOL_MAX;
    uint64_t step = atomic_fetch_add_explicit(&state->picks, 1, memory_order_relaxed);

    prequal_want(site, query, prequal_due(step, tunables->probe_rate));
    uint32_t count = prequal_collect(site, query->now_ns, answers, places);
    uint32_t hot   = atomic_load_explicit(&state->hot, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = site->view->index_of_slot[answers[i].slot];
        if (choice_usable(site->view, query, index, i) &&
            (best == PREQUAL_POOL_MAX || prequal_better(&answers[i], &answers[best], hot)))
            best = i;
    }
    if (count < 2 || best == PREQUAL_POOL_MAX)
        return prequal_random(site, query);
    uint32_t chosen = site->view->index_of_slot[answers[best].slot];
    prequal_use(&state->answers[places[best]], &answers[best]);
    for (uint32_t i = prequal_due(step, tunables->probe_remove); i > 0 && count > 0; i--) {
        count = prequal_collect(site, query->now_ns, answers, places);
        if (count > 0)
            prequal_drop(state, answers, places, count, step + i);
    }
    return choice_pick(site, chosen);
}

/* How often an answer may be used, a random rounding of the formula above. */
static uint64_t prequal_uses(const struct balance_site *site, uint64_t random)
{
    const struct balance_tunables *tunables = &site->step->tunables;
    int64_t                        servers  = (int64_t)site->view->count;
    int64_t                        others   = servers - (int64_t)tunables->probe_pool;
    int64_t below = (int64_t)tunables->probe_rate * others / LL_MAX(servers, 1) -
                    (int64_t)tunables->probe_remove;
    if (below <= 0)
        return PREQUAL_UNLIMITED;
    uint64_t above = 100 + tunables->probe_slack;
    uint64_t uses  = (above + rng_scale(random, (uint64_t)below)) / (uint64_t)below;
    return LL_MAX(LL_MIN(uses, PREQUAL_UNLIMITED - 1), 1);
}

/* The quantile of the answers of late: the least value that enough of them do not exceed. */
static uint32_t prequal_quantile(const struct prequal_state *state, uint32_t count,
                                 uint64_t percent)
{
    uint32_t rank = (uint32_t)((count - 1) * percent / 100);
    uint32_t low  = 0;
    uint32_t high = PREQUAL_RIF_MAX;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t within = 0;
        for (uint32_t i = 0; i < count; i++)
            within += atomic_load_explicit(&state->recent[i], memory_order_relaxed) <= middle;
        if (within > rank)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void prequal_note(const struct balance_site *site, uint32_t rif)
{
    struct prequal_state *state = site->step->state;
    uint32_t number = atomic_fetch_add_explicit(&state->recent_count, 1, memory_order_relaxed);
    atomic_store_explicit(&state->recent[number % PREQUAL_RECENT], (uint16_t)rif,
                          memory_order_relaxed);
    uint32_t count = LL_MIN(number + 1, PREQUAL_RECENT);
    if (count < PREQUAL_RECENT || number % PREQUAL_RECENT_REFRESH == 0)
        atomic_store_explicit(&state->hot,
                              prequal_quantile(state, count, site->step->tunables.probe_hot),
                              memory_order_relaxed);
}

/* Where a new answer goes: over the server's old one, into a free place, or over the oldest. */
static uint32_t prequal_place(const struct balance_site *site, uint16_t slot, uint64_t now_ns)
{
    const struct prequal_state *state  = site->step->state;
    uint32_t                    chosen = 0;
    uint32_t                    most   = 0;
    for (uint32_t i = 0; i < site->step->tunables.probe_pool; i++) {
        uint64_t              word = atomic_load_explicit(&state->answers[i], memory_order_relaxed);
        struct prequal_answer answer = prequal_unpack(word, now_ns);
        if (word != 0 && answer.slot == slot)
            return i;
        uint32_t age = word == 0 ? UINT32_MAX : answer.age;
        if (age >= most) {
            most   = age;
            chosen = i;
        }
    }
    return chosen;
}

static void prequal_answered(const struct balance_site *site, const struct feedback *feedback)
{
    struct prequal_state      *state   = site->step->state;
    const struct server       *server  = feedback->server;
    const struct server_stats *stats   = server->stats;
    uint64_t                   latency = feedback->latency_ns;
    uint32_t                   rif     = LL_MIN(feedback->rif, PREQUAL_RIF_MAX);

    if (atomic_load_explicit(&stats->last_failed_ns, memory_order_relaxed) >
        atomic_load_explicit(&stats->last_ok_ns, memory_order_relaxed))
        latency = LL_MAX(latency, site->step->tunables.error_penalty);
    prequal_note(site, rif);
    uint64_t word = (uint64_t)server->slot << PREQUAL_SLOT_SHIFT |
                    (uint64_t)rif << PREQUAL_RIF_SHIFT |
                    prequal_pack_latency(latency) << PREQUAL_LATENCY_SHIFT |
                    (uint64_t)prequal_stamp(feedback->now_ns) << PREQUAL_STAMP_SHIFT |
                    prequal_uses(site, feedback->random);
    atomic_store_explicit(&state->answers[prequal_place(site, server->slot, feedback->now_ns)],
                          word, memory_order_relaxed);
    atomic_store_explicit(&state->touched_ns, feedback->now_ns, memory_order_relaxed);
}

/* A failure makes the server's answer void; a client that left, one request less. */
static void prequal_finished(const struct balance_site *site, const struct feedback *feedback)
{
    struct prequal_state *state = site->step->state;
    for (uint32_t i = 0; i < PREQUAL_POOL_MAX; i++) {
        uint64_t              word = atomic_load_explicit(&state->answers[i], memory_order_relaxed);
        struct prequal_answer answer = prequal_unpack(word, feedback->now_ns);
        if (word == 0 || answer.slot != feedback->server->slot)
            continue;
        if (outcome_failed(feedback->outcome))
            prequal_replace(&state->answers[i], word, 0);
        else if (answer.rif > 0)
            prequal_replace(&state->answers[i], word, word - (UINT64_C(1) << PREQUAL_RIF_SHIFT));
        return;
    }
}

static void prequal_feedback(const struct balance_site *site, const struct feedback *feedback)
{
    if (feedback->type == FEEDBACK_PROBE && feedback->index != POOL_NO_INDEX)
        prequal_answered(site, feedback);
    else if (feedback->type == FEEDBACK_FINISH && feedback->outcome != OUTCOME_OK)
        prequal_finished(site, feedback);
}

const struct algorithm algorithm_prequal = {
    .name       = "prequal",
    .summary    = "the best of servers that were just asked how they are",
    .wants      = FEEDBACK_MASK(FEEDBACK_PROBE) | FEEDBACK_MASK(FEEDBACK_FINISH),
    .state_size = prequal_state_size,
    .pick       = prequal_pick,
    .feedback   = prequal_feedback,
    .take_probe = prequal_take,
};
