/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/log.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "net/clock.h"
#include "proxy/log_format.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Records that may wait per source: about 1 MiB each, touched only as far as it is used. */
#define LOG_RING_SIZE 2048u

/* 256 workers at most, and the control thread. */
#define LOG_SOURCES_MAX 257u

/* The logger sleeps this long after it was woken, so that busy workers wake it a hundred times a
 * second and not at each record. */
#define LOG_BATCH_NS (10 * CLOCK_NS_PER_MS)

/* How long a reader of our output may stall before lines are dropped. */
#define LOG_WRITE_PATIENCE_MS 1000

/* A pipe that poll calls writable takes so much without blocking (PIPE_BUF). */
#define LOG_PIPE_CHUNK 4096u

struct log_output {
    int    fd; /* -1: off */
    bool   regular_file;
    bool   owned;
    size_t used;
    char   bytes[64 * 1024];
};

struct logger {
    const struct config_log *config;
    struct log_source       *sources[LOG_SOURCES_MAX];
    _Atomic uint32_t         source_count; /* sources may come while the thread runs */
    struct log_output        messages;
    struct log_output        sessions;
    struct log_output *session_output; /* &messages where both go to stderr: keeps their order */
    pthread_t          thread;
    int                wakeup;
    atomic_bool        announced;
    atomic_bool        stopping;
    atomic_bool        reopening;
    bool               sessions_wanted; /* never changes, so that any thread may read it */
    uint64_t           wall_offset_ns;  /* wall clock minus monotonic clock */
    uint64_t           lost;            /* lines that could not be written */
};

static void log_output_use(struct log_output *output, int fd, bool owned)
{
    struct stat status;
    output->fd           = fd;
    output->owned        = owned;
    output->regular_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static void log_output_close(struct log_output *output)
{
    if (output->owned && output->fd >= 0)
        close(output->fd);
    output->fd = -1;
}

/* Standard streams stay open; a file is ours to close. */
static int log_output_open(struct log_output *output, const char *path)
{
    if (strcmp(path, "off") == 0) {
        log_output_use(output, -1, false);
    } else if (strcmp(path, "stderr") == 0) {
        log_output_use(output, STDERR_FILENO, false);
    } else if (strcmp(path, "stdout") == 0) {
        log_output_use(output, STDOUT_FILENO, false);
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0)
            return -errno;
        log_output_use(output, fd, true);
    }
    return 0;
}

/* Writes all of it, or gives up on a reader that has stalled for too long or is gone. */
static bool log_output_write(struct log_output *output)
{
    size_t done = 0;
    while (done < output->used) {
        size_t size = output->used - done;
        if (!output->regular_file) {
            struct pollfd ready = {.fd = output->fd, .events = POLLOUT};
            if (poll(&ready, 1, LOG_WRITE_PATIENCE_MS) <= 0)
                return false;
            size = LL_MIN(size, (size_t)LOG_PIPE_CHUNK);
        }
        ssize_t written = write(output->fd, output->bytes + done, size);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (written > 0)
            done += (size_t)written;
    }
    return true;
}

static void log_output_flush(struct logger *logger, struct log_output *output)
{
    if (output->used > 0 && output->fd >= 0 && !log_output_write(output))
        logger->lost++;
    output->used = 0;
}

static void logger_emit(struct logger *logger, const struct log_record *record)
{
    struct log_output *output = record->is_session ? logger->session_output : &logger->messages;
    if (output->fd < 0)
        return;
    if (sizeof output->bytes - output->used < LOG_LINE_MAX)
        log_output_flush(logger, output);
    uint64_t at_ns = record->is_session ? record->session.ended_ns : record->message.at_ns;
    output->used += log_format_record(record, at_ns + logger->wall_offset_ns,
                                      record->is_session ? logger->config->access_format
                                                         : logger->config->format,
                                      output->bytes + output->used);
}

static void log_message_add(struct log_message *message, const char *text)
{
    size_t room = LOG_TEXT_MAX - message->size;
    size_t size = strnlen(text, room - 1);
    memcpy(message->text + message->size, text, size);
    message->text[message->size + size] = '\0';
    message->size                       = (uint16_t)(message->size + size + 1);
}

static void logger_report_drops(struct logger *logger, struct log_source *source)
{
    uint64_t dropped = atomic_load_explicit(&source->dropped, memory_order_relaxed);
    if (dropped == source->dropped_logged)
        return;
    struct log_record record = {.level = CONFIG_LOG_WARN, .message.at_ns = clock_now_ns()};
    struct log_number number;
    log_message_add(&record.message, "log records dropped");
    log_message_add(&record.message, "count");
    log_message_add(&record.message, log_u64(dropped - source->dropped_logged, &number));
    source->dropped_logged = dropped;
    logger_emit(logger, &record);
}

static void logger_drain(struct logger *logger)
{
    logger->wall_offset_ns = clock_wall_ns() - clock_now_ns();
    uint32_t count         = atomic_load_explicit(&logger->source_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct log_record record;
        while (spsc_ring_pop(&logger->sources[i]->ring, &record))
            logger_emit(logger, &record);
        logger_report_drops(logger, logger->sources[i]);
    }
    log_output_flush(logger, &logger->messages);
    log_output_flush(logger, &logger->sessions);
}

/* Where the new file cannot be opened the old one goes on serving. */
static void logger_reopen_now(struct logger *logger)
{
    struct log_output *output = &logger->sessions;
    int                before = output->fd;
    if (!output->owned || log_output_open(output, logger->config->access_path) != 0)
        return;
    close(before);
}

static void *logger_main(void *context)
{
    struct logger *logger = context;
    for (;;) {
        uint64_t wakes;
        (void)!read(logger->wakeup, &wakes, sizeof wakes);
        bool stopping = atomic_load_explicit(&logger->stopping, memory_order_acquire);
        if (!stopping) {
            struct timespec pause = {.tv_nsec = (long)LOG_BATCH_NS};
            nanosleep(&pause, NULL);
        }
        atomic_exchange_explicit(&logger->announced, false, memory_order_acq_rel);
        if (atomic_exchange_explicit(&logger->reopening, false, memory_order_acq_rel))
            logger_reopen_now(logger);
        logger_drain(logger);
        if (stopping)
            return NULL;
    }
}

static void logger_wake(struct logger *logger)
{
    uint64_t one = 1;
    if (!atomic_load_explicit(&logger->announced, memory_order_relaxed) &&
        !atomic_exchange_explicit(&logger->announced, true, memory_order_acq_rel))
        (void)!write(logger->wakeup, &one, sizeof one);
}

struct logger *logger_start(const struct config_log *config)
{
    struct logger *logger = alloc_zero(1, sizeof *logger);
    logger->config        = config;
    log_output_use(&logger->messages, STDERR_FILENO, false);
    int error = log_output_open(&logger->sessions, config->access_path);
    if (error != 0) {
        fprintf(stderr, "limeload: cannot open the access log %s: %s (%s)\n", config->access_path,
                strerror(-error), "make its folder, or set log.access.path");
        free(logger);
        return NULL;
    }
    bool together           = logger->sessions.fd == STDERR_FILENO;
    logger->session_output  = together ? &logger->messages : &logger->sessions;
    logger->sessions_wanted = logger->sessions.fd >= 0;
    logger->wakeup          = eventfd(0, EFD_CLOEXEC);
    if (logger->wakeup < 0 || pthread_create(&logger->thread, NULL, logger_main, logger) != 0) {
        fputs("limeload: cannot start the logger (too many descriptors or threads)\n", stderr);
        log_output_close(&logger->sessions);
        if (logger->wakeup >= 0)
            close(logger->wakeup);
        free(logger);
        return NULL;
    }
    (void)pthread_setname_np(logger->thread, "limeload-log");
    return logger;
}

void logger_stop(struct logger *logger)
{
    if (logger == NULL)
        return;
    uint64_t one = 1;
    atomic_store_explicit(&logger->stopping, true, memory_order_release);
    (void)!write(logger->wakeup, &one, sizeof one);
    pthread_join(logger->thread, NULL);
    for (uint32_t i = 0; i < logger->source_count; i++) {
        spsc_ring_fini(&logger->sources[i]->ring);
        free(logger->sources[i]);
    }
    log_output_close(&logger->sessions);
    close(logger->wakeup);
    free(logger);
}

void logger_reopen(struct logger *logger)
{
    atomic_store_explicit(&logger->reopening, true, memory_order_release);
    logger_wake(logger);
}

struct log_source *logger_add_source(struct logger *logger)
{
    uint32_t count = atomic_load_explicit(&logger->source_count, memory_order_relaxed);
    LL_ASSERT(count < LOG_SOURCES_MAX);
    struct log_source *source = alloc_lines(1, sizeof *source);
    spsc_ring_init(&source->ring, sizeof(struct log_record), LOG_RING_SIZE);
    source->logger         = logger;
    logger->sources[count] = source;
    atomic_store_explicit(&logger->source_count, count + 1, memory_order_release);
    return source;
}

static void log_push(struct log_source *source, const struct log_record *record)
{
    if (!spsc_ring_push(&source->ring, record))
        atomic_fetch_add_explicit(&source->dropped, 1, memory_order_relaxed);
    logger_wake(source->logger);
}

bool log_sessions_wanted(const struct log_source *source)
{
    return source->logger->sessions_wanted;
}

void log_session(struct log_source *source, const struct log_session *session)
{
    struct log_record record = {.is_session = true, .level = CONFIG_LOG_INFO, .session = *session};
    log_push(source, &record);
}

void log_event(struct log_source *source, enum config_log_level level, uint64_t now_ns,
               const char *message, ...)
{
    if (level < source->logger->config->level)
        return;
    struct log_record record = {.level = level, .message.at_ns = now_ns};
    log_message_add(&record.message, message);

    va_list args;
    va_start(args, message);
    for (const char *key = va_arg(args, const char *); key != NULL;
         key             = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        LL_ASSERT(value != NULL);
        /* A pair that does not fit is left out, and so are those after it. */
        if (record.message.size + strlen(key) + 3 > LOG_TEXT_MAX)
            break;
        log_message_add(&record.message, key);
        log_message_add(&record.message, value);
    }
    va_end(args);
    log_push(source, &record);
}

const char *log_u64(uint64_t value, struct log_number *buffer)
{
    snprintf(buffer->text, sizeof buffer->text, "%llu", (unsigned long long)value);
    return buffer->text;
}
