/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging that never blocks the data path.
 *
 * Each thread that logs has a source: a bounded ring of fixed-size records. One logger thread
 * empties the rings, formats the records (logfmt or JSON) and writes them. Where a ring is full the
 * record is dropped and counted, and the count is logged when there is room again. Own messages go
 * to stderr; the line per session goes where the configuration says. Threading: a source belongs to
 * one thread. start, stop and reopen belong to the control thread.
 */
#ifndef LL_PROXY_LOG_H
#define LL_PROXY_LOG_H

#include "base/ring.h"
#include "config/config.h"
#include "model/address.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Names in log lines are cut to this, terminator included. A server without an id is named by its
 * address, which is always shown whole. */
#define LOG_NAME_MAX ADDRESS_TEXT_MAX

/* One line per session, written when it ends. */
struct log_session {
    uint64_t        started_ns; /* monotonic, as all times of a loop */
    uint64_t        ended_ns;
    uint64_t        connect_ns; /* from accept to the connected server; 0 where none was reached */
    uint64_t        bytes_in;   /* from the client to the server */
    uint64_t        bytes_out;  /* from the server to the client */
    struct endpoint client;
    uint16_t        worker;
    uint16_t        attempts;
    const char     *reason; /* a string constant */
    char            listener[LOG_NAME_MAX];
    char            server[LOG_NAME_MAX]; /* "" where none was reached */
};

/* An own message: its name and key-value pairs, all as strings one after the other. */
#define LOG_TEXT_MAX 384u

struct log_message {
    uint64_t at_ns;
    uint16_t size;
    char     text[LOG_TEXT_MAX];
};

struct log_record {
    bool                  is_session;
    enum config_log_level level;
    union {
        struct log_session session;
        struct log_message message;
    };
};

struct logger;

struct log_source {
    struct spsc_ring ring;
    struct logger   *logger;
    _Atomic uint64_t dropped;
    uint64_t         dropped_logged; /* the logger's own */
};

/* The configuration's log section must outlive the logger. Returns NULL with a message on stderr
 * where the access log cannot be opened. */
struct logger *logger_start(const struct config_log *config);

/* Writes what is left and ends the thread. Sources must not be used any more. NULL is fine. */
void logger_stop(struct logger *logger);

/* Opens the access log's file anew, for those who have moved it away. */
void logger_reopen(struct logger *logger);

/* All sources are made before the threads that use them start. */
struct log_source *logger_add_source(struct logger *logger);

bool log_sessions_wanted(const struct log_source *source);

void log_session(struct log_source *source, const struct log_session *session);

/* log_event(source, CONFIG_LOG_WARN, now_ns, "connect failed", "server", id, "error", text, NULL)
 */
void log_event(struct log_source *source, enum config_log_level level, uint64_t now_ns,
               const char *message, ...) __attribute__((sentinel));

/* For values that are not strings: a text that lives as long as the buffer. */
struct log_number {
    char text[24];
};
const char *log_u64(uint64_t value, struct log_number *buffer);

#endif
