/* SPDX-License-Identifier: Apache-2.0 */
#include "support/proxy_rig.h"

#include "support/unit.h"

#include "balance/balancer.h"
#include "base/assert.h"
#include "proxy/listener.h"
#include "proxy/log.h"

#include <stdio.h>

/* Sources of one logger, which has room for some more. */
#define RIG_LOGGER_USES 200u

/* A rig only needs it to exist. */
static struct {
    struct logger *logger;
    uint32_t       uses;
} rig_shared;

static const struct config_log rig_log_config = {
    .level       = CONFIG_LOG_ERROR,
    .access_path = "/dev/null",
};

static struct logger *rig_logger(void)
{
    if (rig_shared.uses == RIG_LOGGER_USES)
        rig_shared_fini();
    if (rig_shared.logger == NULL)
        rig_shared.logger = logger_start(&rig_log_config);
    assert_non_null(rig_shared.logger);
    rig_shared.uses++;
    return rig_shared.logger;
}

void rig_shared_fini(void)
{
    logger_stop(rig_shared.logger);
    rig_shared.logger = NULL;
    rig_shared.uses   = 0;
}

struct config *rig_config(void)
{
    struct errors errors;
    errors_init(&errors);
    struct config *config =
        config_load_text("rig.yaml",
                         SLICE("workers: 1\n"
                               "listeners: [{bind: \"10.1.0.1:8000\", pool: rig}]\n"
                               "pools:\n"
                               "  rig:\n"
                               "    balance: round_robin\n"
                               "    servers:\n"
                               "      - {id: s0, address: \"10.2.0.1:9000\"}\n"
                               "      - {id: s1, address: \"10.2.0.2:9000\"}\n"
                               "      - {id: s2, address: \"10.2.0.3:9000\"}\n"
                               "      - {id: s3, address: \"10.2.0.4:9000\"}\n"),
                         &errors);
    errors_print(&errors, stderr);
    errors_fini(&errors);
    assert_non_null(config);
    return config;
}

static void rig_init_pool(struct rig *rig)
{
    const struct config_pool *config = &rig->config->pools[0];
    rig->pool.config                 = config;
    rig->pool.pool                   = pool_new(config->name, 0, &rig->proxy.qsbr, NULL);
    for (uint32_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = &config->servers[i];
        struct server_spec          spec   = {
                       .id      = slice_of(server->id),
                       .address = server->address,
                       .settings = {.weight = server->weight, .max_connections = server->max_connections},
        };
        struct invalid_server invalid;
        assert_non_null(pool_add(rig->pool.pool, &spec, &invalid));
    }
    balance_configure(rig->pool.pool, &config->balance);
    pool_publish(rig->pool.pool, rig->fake.now_ns);
    pending_init(&rig->pool.pending, config->max_pending, 1);
}

static void rig_init_listener(struct rig *rig)
{
    const struct config_listener *config = &rig->config->listeners[0];
    rig->listener.config                 = config;
    rig->listener.pool                   = &rig->pool;
    rig->listener.admission.max =
        config->max_connections > 0 ? config->max_connections : rig->proxy.admission.max;
    snprintf(rig->listener.name, sizeof rig->listener.name, "rig");
}

void rig_init(struct rig *rig, uint64_t seed, const struct fake_weather *weather,
              struct config *config)
{
    memset(rig, 0, sizeof *rig);
    fake_io_init(&rig->fake, seed, weather);
    rig->config              = config;
    rig->address             = config->listeners[0].binds[0];
    rig->workers[0]          = &rig->worker;
    rig->proxy.config        = config;
    rig->proxy.logger        = rig_logger();
    rig->proxy.pools         = &rig->pool;
    rig->proxy.listeners     = &rig->listener;
    rig->proxy.listen_max    = 1;
    rig->proxy.workers       = rig->workers;
    rig->proxy.worker_count  = 1;
    rig->proxy.admission.max = 1000;
    qsbr_init(&rig->proxy.qsbr, 1);
    rig_init_pool(rig);
    rig_init_listener(rig);

    worker_init(&rig->worker, &rig->proxy, 0, &rig->fake.io);
    spsc_ring_init(&rig->log.ring, sizeof(struct log_record), 1024);
    rig->log.logger = rig->proxy.logger;
    rig->worker.log = &rig->log;
    rng_seed(&rig->worker.rng, seed, 5);
    int fd = fake_io_listen(&rig->fake, &rig->address);
    assert_true(fd >= 0);
    assert_int_equal(worker_listen(&rig->worker, &rig->listener, fd), 0);
    qsbr_online(&rig->proxy.qsbr, 0);
}

void rig_turn(struct rig *rig)
{
    worker_turn(&rig->worker, -1);
    assert_false(rig->fake.idle);
}

bool rig_next_log(struct rig *rig, struct log_session *ret_line)
{
    struct log_record record;
    while (spsc_ring_pop(&rig->log.ring, &record))
        if (record.is_session) {
            *ret_line = record.session;
            return true;
        }
    return false;
}

void rig_fini(struct rig *rig)
{
    worker_order(&rig->worker, WORKER_DRAIN);
    worker_turn(&rig->worker, 0);
    assert_true(list_empty(&rig->worker.sessions));
    assert_int_equal(worker_active(&rig->worker), 0);
    assert_int_equal(rig->worker.session_slab.live, 0);
    assert_int_equal(rig->worker.buffers.live, rig->worker.buffers.cached_count + 1);
    assert_int_equal(rig->worker.loop.timers.armed, 0);
    assert_int_equal(admission_active(&rig->proxy.admission), 0);
    assert_int_equal(admission_active(&rig->listener.admission), 0);
    assert_int_equal(atomic_load(&rig->proxy.paused), 0);
    assert_int_equal(fake_io_open_count(&rig->fake), 0);
    for (uint32_t i = 0; i < pool_count(rig->pool.pool); i++)
        assert_int_equal(server_inflight(pool_at(rig->pool.pool, i)), 0);
    assert_int_equal(atomic_load(&rig->log.dropped), 0);

    qsbr_offline(&rig->proxy.qsbr, 0);
    worker_fini(&rig->worker);
    pending_fini(&rig->pool.pending);
    pool_free(rig->pool.pool);
    qsbr_fini(&rig->proxy.qsbr);
    spsc_ring_fini(&rig->log.ring);
    fake_io_fini(&rig->fake);
    config_free(rig->config);
}
