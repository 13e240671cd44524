/* SPDX-License-Identifier: Apache-2.0
 *
 * A validated configuration: what the rest of limeload works from.
 *
 * Whoever holds a struct config may rely on it: every default is filled in, every range is checked,
 * every name that refers to something has been resolved to it. Not here:  YAML (parse), the table
 * of knobs (schema), rules across knobs (validate). Memory:    everything lives in the
 * configuration's own arena and is freed whole. Threading: immutable after config_load returned it;
 * any thread may read.
 */
#ifndef LL_CONFIG_CONFIG_H
#define LL_CONFIG_CONFIG_H

#include "balance/balance_config.h"
#include "base/arena.h"
#include "base/error.h"
#include "model/address.h"

#include <stdbool.h>
#include <stdint.h>

enum config_mode {
    CONFIG_MODE_TCP,
};

enum config_log_level {
    CONFIG_LOG_DEBUG,
    CONFIG_LOG_INFO,
    CONFIG_LOG_WARN,
    CONFIG_LOG_ERROR,
};

enum config_log_format {
    CONFIG_FORMAT_LOGFMT,
    CONFIG_FORMAT_JSON,
};

struct config_server {
    const char        *id; /* unique in its pool; the address where none was given */
    struct address     address;
    uint32_t           weight;          /* 0 takes no new connections */
    uint32_t           max_connections; /* at once; 0: no bound */
    bool               backup;          /* for when no other can serve */
    const char        *zone;            /* NULL: not said */
    struct error_place place;
};

struct config_pool {
    const char           *name;
    struct balance_config balance;
    const char           *zone;        /* of limeload itself; NULL: zones do not matter */
    uint32_t              subset;      /* how many servers to use; 0: all */
    uint32_t              subset_seed; /* which ones; 0: from the host's name */
    uint64_t              connect_timeout_ns;
    uint64_t              queue_timeout_ns; /* how long to wait for a server with room */
    uint32_t              max_pending;      /* how many may wait */
    struct config_server *servers;
    uint32_t              server_count;
    struct error_place    place;
};

struct config_listener {
    const char        *name; /* unique; the first bind address where none was given */
    enum config_mode   mode;
    struct address    *binds;
    uint32_t           bind_count;
    uint32_t           pool;            /* index into pools */
    uint32_t           max_connections; /* 0: as many as descriptors allow */
    uint64_t           tunnel_idle_ns;  /* without a byte either way for so long, a session ends */
    struct error_place place;
};

/* "stdout", "stderr", "off" or a file's path. */
struct config_log {
    enum config_log_level  level;
    enum config_log_format format; /* of limeload's own messages */
    const char            *access_path;
    enum config_log_format access_format; /* of the line per connection */
};

struct config {
    struct arena            arena;
    const char             *source;       /* name of the file, or "built-in default" */
    uint32_t                workers;      /* 0: one per core that this process may use */
    bool                    cpu_affinity; /* each worker stays on its own core */
    uint64_t                drain_ns;     /* how long a graceful stop waits for sessions to end */
    struct config_log       log;
    struct config_listener *listeners;
    uint32_t                listener_count;
    struct config_pool     *pools;
    uint32_t                pool_count;
};

/* Reads, checks and resolves a file. NULL where any error is fatal; warnings alone do not refuse.
 * All problems found are in errors. */
struct config *config_load(const char *path, struct errors *errors);

/* The same for text in memory; name is what places in errors call it, and includes are relative to
 * it. */
struct config *config_load_text(const char *name, struct slice text, struct errors *errors);

/* The configuration that serves where there is none: TCP on :8000 to 127.0.0.1:9001, 9002 and 9003.
 */
struct config *config_load_default(struct errors *errors);

void config_free(struct config *config); /* NULL is fine */

#endif
