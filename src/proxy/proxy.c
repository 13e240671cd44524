/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/proxy.h"

#include "balance/balancer.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/map.h"
#include "net/epoll_io.h"
#include "net/socket.h"
#include "proxy/worker.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Descriptors that sessions may not take: standard streams, logs, epoll and wake-up descriptors,
 * and what name resolution and the operator's tools need at the worst moment. */
#define PROXY_DESCRIPTORS_RESERVED 64u
#define PROXY_DESCRIPTORS_WORKER   4u

/* Wanted where the process may raise its own limit. Two descriptors per session. */
#define PROXY_DESCRIPTORS_WANTED UINT64_C(1048576)

/* A thread and what is its own. */
struct proxy_worker {
    struct worker   worker;
    struct epoll_io epoll_io;
    pthread_t       thread;
    bool            running;
};

static struct proxy_worker *proxy_worker_of(struct worker *worker)
{
    return LL_CONTAINER_OF(worker, struct proxy_worker, worker);
}

static uint32_t proxy_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    return (uint32_t)LL_MAX(CPU_COUNT(&cores), 1);
}

/* The number-th core that this process may use, counted around. */
static int proxy_core(uint32_t number)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) == 0)
        return -1;
    number %= (uint32_t)CPU_COUNT(&cores);
    for (unsigned core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &cores) && number-- == 0)
            return (int)core;
    return -1;
}

static void proxy_set_bounds(struct proxy *proxy)
{
    const struct config *config = proxy->config;
    uint64_t             limit  = socket_descriptor_limit(PROXY_DESCRIPTORS_WANTED);
    uint64_t             reserved =
        PROXY_DESCRIPTORS_RESERVED +
        (uint64_t)proxy->worker_count * (PROXY_DESCRIPTORS_WORKER + proxy->listen_max);
    uint64_t room        = limit > reserved + 2 ? (limit - reserved) / 2 : 1;
    proxy->admission.max = (uint32_t)LL_MIN(room, (uint64_t)UINT32_MAX / 2);

    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct proxy_listener *listener = &proxy->listeners[i];
        uint32_t               wanted   = listener->config->max_connections;
        listener->admission.max         = wanted > 0 ? wanted : proxy->admission.max;
        if (wanted <= proxy->admission.max)
            continue;
        struct log_number asked, given;
        log_event(proxy->log, CONFIG_LOG_WARN, proxy->control->now_ns,
                  "max_connections is above what descriptors allow", "listener", listener->name,
                  "max_connections", log_u64(wanted, &asked), "sessions",
                  log_u64(proxy->admission.max, &given), "remedy",
                  "raise the descriptor limit (ulimit -Hn)", NULL);
    }
}

/* Zones matter only as "the same" and "another". */
enum { PROXY_ZONE_NONE, PROXY_ZONE_HERE, PROXY_ZONE_ELSEWHERE };

static uint8_t proxy_zone(const struct config_pool *pool, const struct config_server *server)
{
    if (pool->zone == NULL || server->zone == NULL)
        return PROXY_ZONE_NONE;
    return strcmp(pool->zone, server->zone) == 0 ? PROXY_ZONE_HERE : PROXY_ZONE_ELSEWHERE;
}

static uint64_t proxy_subset_seed(const struct config_pool *config)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (config->subset_seed != 0)
        return config->subset_seed;
    (void)gethostname(name, sizeof name - 1);
    return hash_bytes(name, strlen(name), 0);
}

static void proxy_configure_pool(struct pool *pool, const struct config_pool *config)
{
    struct pool_settings settings = pool_settings_default();
    settings.zone                 = config->zone != NULL ? PROXY_ZONE_HERE : PROXY_ZONE_NONE;
    settings.subset               = config->subset;
    settings.subset_seed          = proxy_subset_seed(config);
    pool_configure(pool, &settings);
    balance_configure(pool, &config->balance);
}

/* The configuration has been validated: what the pool refuses here is a rule that validation lacks.
 */
static void proxy_make_pool(struct proxy *proxy, uint32_t number)
{
    const struct config_pool *config = &proxy->config->pools[number];
    struct pool              *pool   = pool_new(config->name, number, &proxy->qsbr, &proxy->events);
    for (uint32_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = &config->servers[i];
        struct server_spec          spec   = {
                       .id      = slice_of(server->id),
                       .address = server->address,
                       .settings =
                           {
                               .weight          = server->weight,
                               .max_connections = server->max_connections,
                               .tier            = server->backup ? 1 : 0,
                               .zone            = proxy_zone(config, server),
                },
        };
        struct invalid_server invalid;
        struct server        *added = pool_add(pool, &spec, &invalid);
        LL_ASSERT(added != NULL);
    }
    proxy_configure_pool(pool, config);
    pool_publish(pool, proxy->control->now_ns);
    proxy->pools[number].config = config;
    proxy->pools[number].pool   = pool;
    pending_init(&proxy->pools[number].pending, config->max_pending, proxy->worker_count);
}

static void proxy_make_listener(struct proxy *proxy, uint32_t number)
{
    const struct config_listener *config   = &proxy->config->listeners[number];
    struct proxy_listener        *listener = &proxy->listeners[number];
    listener->config                       = config;
    listener->pool                         = &proxy->pools[config->pool];
    snprintf(listener->name, sizeof listener->name, "%s", config->name);
}

/* One socket per worker, all on the same address. A Unix socket cannot be shared that way: its one
 * queue is watched by all workers. */
static int proxy_listen_everywhere(struct proxy *proxy, struct proxy_listener *shared,
                                   const struct address *address, struct address *ret_bound)
{
    struct address bound  = *address;
    bool           reuse  = address->family != ADDRESS_UNIX;
    int            common = -1;
    int            taken  = socket_look(address);
    if (taken != 0)
        return taken;
    for (uint32_t i = 0; i < proxy->worker_count; i++) {
        /* Port 0 is chosen once, and then the same for all. */
        int fd = reuse || i == 0 ? socket_listen(&bound, reuse, &bound) : dup(common);
        if (fd < 0)
            return fd;
        common    = fd;
        int error = worker_listen(proxy->workers[i], shared, fd);
        if (error != 0) {
            close(fd);
            return error;
        }
    }
    *ret_bound = bound;
    return 0;
}

static const char *proxy_listen_remedy(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program listens there; stop it or choose another port";
    case -EACCES:
    case -EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one";
    case -EADDRNOTAVAIL:
        return "this machine has no such address; see `ip address`";
    case -EMFILE:
    case -ENFILE:
        return "raise the descriptor limit (ulimit -n)";
    case -EEXIST:
        return "a file that is not a socket is in the way; choose another path";
    default:
        return "check the address";
    }
}

/* Nobody listens there any more, so the file would only mislead. */
static void proxy_remove_unix_sockets(struct proxy *proxy)
{
    for (uint32_t i = 0; i < proxy->config->listener_count; i++) {
        const struct config_listener *listener = &proxy->config->listeners[i];
        for (uint32_t j = 0; j < listener->bind_count && proxy->listeners[i].opened > j; j++)
            if (listener->binds[j].family == ADDRESS_UNIX)
                (void)unlink(listener->binds[j].path);
    }
}

static bool proxy_open_listener(struct proxy *proxy, struct proxy_listener *shared)
{
    const struct config_listener *config = shared->config;
    for (uint32_t i = 0; i < config->bind_count; i++) {
        struct address bound;
        char           text[ADDRESS_TEXT_MAX];
        int            error = proxy_listen_everywhere(proxy, shared, &config->binds[i], &bound);
        if (error != 0) {
            fprintf(stderr, "limeload: %s:%d:%d: cannot listen on %s: %s (%s)\n",
                    config->place.file, config->place.line, config->place.column,
                    address_format(&config->binds[i], text), strerror(-error),
                    proxy_listen_remedy(error));
            return false;
        }
        shared->opened++;
        log_event(proxy->log, CONFIG_LOG_INFO, proxy->control->now_ns, "listening", "listener",
                  shared->name, "address", address_format(&bound, text), "pool",
                  shared->pool->config->name, NULL);
    }
    return true;
}

static void *proxy_worker_main(void *context)
{
    struct proxy_worker *own = context;
    if (own->worker.proxy->config->cpu_affinity) {
        cpu_set_t set;
        int       core = proxy_core(own->worker.index);
        CPU_ZERO(&set);
        if (core >= 0) {
            CPU_SET((unsigned)core, &set);
            (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
        }
    }
    worker_run(&own->worker);
    return NULL;
}

static bool proxy_make_worker(struct proxy *proxy, uint16_t index)
{
    struct proxy_worker *own   = alloc_lines(1, sizeof *own);
    int                  error = epoll_io_init(&own->epoll_io);
    if (error != 0) {
        fprintf(stderr, "limeload: cannot start worker %u: %s (%s)\n", index, strerror(-error),
                "raise the descriptor limit (ulimit -n) or set workers lower");
        free(own);
        return false;
    }
    worker_init(&own->worker, proxy, index, &own->epoll_io.io);
    proxy->workers[index] = &own->worker;
    return true;
}

static bool proxy_run_worker(struct worker *worker)
{
    struct proxy_worker *own = proxy_worker_of(worker);
    if (pthread_create(&own->thread, NULL, proxy_worker_main, own) != 0) {
        fputs("limeload: cannot start a worker thread (set workers lower)\n", stderr);
        return false;
    }
    char name[16];
    snprintf(name, sizeof name, "limeload-w%u", (unsigned)worker->index);
    (void)pthread_setname_np(own->thread, name);
    own->running = true;
    return true;
}

static bool proxy_open(struct proxy *proxy)
{
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        if (!proxy_make_worker(proxy, (uint16_t)i))
            return false;
    for (uint32_t i = 0; i < proxy->config->listener_count; i++)
        if (!proxy_open_listener(proxy, &proxy->listeners[i]))
            return false;
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        if (!proxy_run_worker(proxy->workers[i]))
            return false;
    return true;
}

static uint32_t proxy_count_binds(const struct config *config)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->listener_count; i++)
        count += config->listeners[i].bind_count;
    return count;
}

struct proxy *proxy_start(const struct config *config, struct loop *control)
{
    struct logger *logger = logger_start(&config->log);
    if (logger == NULL)
        return NULL;

    struct proxy *proxy = alloc_lines(1, sizeof *proxy);
    proxy->config       = config;
    proxy->control      = control;
    proxy->logger       = logger;
    proxy->log          = logger_add_source(logger);
    proxy->worker_count = config->workers > 0 ? config->workers : proxy_cores();
    proxy->listen_max   = proxy_count_binds(config);
    proxy->pools        = alloc_lines(config->pool_count, sizeof *proxy->pools);
    proxy->listeners    = alloc_lines(config->listener_count, sizeof *proxy->listeners);
    proxy->workers      = alloc_zero(proxy->worker_count, sizeof(struct worker *));
    qsbr_init(&proxy->qsbr, proxy->worker_count);
    event_bus_init(&proxy->events);
    event_log_start(&proxy->event_log, proxy);
    for (uint32_t i = 0; i < config->pool_count; i++)
        proxy_make_pool(proxy, i);
    for (uint32_t i = 0; i < config->listener_count; i++)
        proxy_make_listener(proxy, i);
    proxy_set_bounds(proxy);

    if (!proxy_open(proxy)) {
        proxy_abort(proxy);
        proxy_stop(proxy);
        return NULL;
    }
    struct log_number workers, sessions;
    log_event(proxy->log, CONFIG_LOG_INFO, control->now_ns, "ready", "config", config->source,
              "workers", log_u64(proxy->worker_count, &workers), "max_sessions",
              log_u64(proxy->admission.max, &sessions), NULL);
    return proxy;
}

static void proxy_order(struct proxy *proxy, uint32_t orders)
{
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        if (proxy->workers[i] != NULL)
            worker_order(proxy->workers[i], orders);
}

void proxy_drain(struct proxy *proxy)
{
    proxy_order(proxy, WORKER_DRAIN);
}

void proxy_abort(struct proxy *proxy)
{
    proxy_order(proxy, WORKER_ABORT);
}

bool proxy_drained(const struct proxy *proxy)
{
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        if ((atomic_load(&proxy->workers[i]->obeyed) & WORKER_DRAIN) == 0)
            return false;
    return proxy_sessions(proxy) == 0;
}

static void proxy_free_worker(struct worker *worker)
{
    struct proxy_worker *own = proxy_worker_of(worker);
    if (own->running)
        pthread_join(own->thread, NULL);
    else
        worker_run(worker); /* its orders are waiting: closes its listeners and stops */
    worker_fini(worker);
    epoll_io_fini(&own->epoll_io);
    free(own);
}

void proxy_stop(struct proxy *proxy)
{
    proxy_order(proxy, WORKER_STOP);
    for (uint32_t i = 0; i < proxy->worker_count; i++)
        if (proxy->workers[i] != NULL)
            proxy_free_worker(proxy->workers[i]);
    proxy_remove_unix_sockets(proxy);
    event_log_stop(&proxy->event_log);
    for (uint32_t i = 0; i < proxy->config->pool_count; i++) {
        pending_fini(&proxy->pools[i].pending);
        pool_free(proxy->pools[i].pool);
    }
    event_bus_fini(&proxy->events);
    qsbr_fini(&proxy->qsbr);
    logger_stop(proxy->logger);
    free(proxy->workers);
    free(proxy->listeners);
    free(proxy->pools);
    free(proxy);
}
