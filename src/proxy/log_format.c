/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/log_format.h"

#include "base/assert.h"
#include "net/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The end of a line is kept free for closing it properly. */
#define LINE_RESERVE 16u

struct line {
    char                  *text;
    size_t                 size;
    enum config_log_format format;
    bool                   full;
    bool                   first;
};

static void line_byte(struct line *line, char byte)
{
    if (line->size + LINE_RESERVE >= LOG_LINE_MAX)
        line->full = true;
    else
        line->text[line->size++] = byte;
}

static void line_raw(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        line_byte(line, *text);
}

static bool line_needs_quotes(const char *value)
{
    if (*value == '\0')
        return true;
    for (; *value != '\0'; value++)
        if ((unsigned char)*value <= ' ' || *value == '"' || *value == '=' || *value == '\\' ||
            (unsigned char)*value >= 0x7f)
            return true;
    return false;
}

/* JSON's escapes, which logfmt readers understand as well. */
static void line_quoted(struct line *line, const char *value)
{
    line_byte(line, '"');
    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;
        if (byte == '"' || byte == '\\') {
            line_byte(line, '\\');
            line_byte(line, *value);
        } else if (byte < 0x20 || byte == 0x7f) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", byte);
            line_raw(line, escape);
        } else {
            line_byte(line, *value);
        }
    }
    line_byte(line, '"');
}

static void line_key(struct line *line, const char *key)
{
    if (!line->first)
        line_byte(line, line->format == CONFIG_FORMAT_JSON ? ',' : ' ');
    line->first = false;
    if (line->format == CONFIG_FORMAT_JSON) {
        line_quoted(line, key);
        line_byte(line, ':');
    } else {
        line_raw(line, key);
        line_byte(line, '=');
    }
}

/* A field that does not fit is left out whole. */
static void line_field_end(struct line *line, size_t start)
{
    if (line->full)
        line->size = start;
}

static void line_string(struct line *line, const char *key, const char *value)
{
    if (line->full)
        return;
    size_t start = line->size;
    line_key(line, key);
    if (line->format == CONFIG_FORMAT_JSON || line_needs_quotes(value))
        line_quoted(line, value);
    else
        line_raw(line, value);
    line_field_end(line, start);
}

/* A number, the same in both formats. */
LL_PRINTF(3, 4)
static void line_number(struct line *line, const char *key, const char *format, ...)
{
    if (line->full)
        return;
    char    text[48];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t start = line->size;
    line_key(line, key);
    line_raw(line, text);
    line_field_end(line, start);
}

static void line_time(struct line *line, uint64_t wall_ns)
{
    time_t    seconds = (time_t)(wall_ns / CLOCK_NS_PER_S);
    unsigned  millis  = (unsigned)(wall_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_MS);
    struct tm utc;
    char      text[40] = "";
    if (gmtime_r(&seconds, &utc) != NULL) {
        size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(text + size, sizeof text - size, ".%03uZ", millis);
    }
    line_string(line, "time", text);
}

static void line_millis(struct line *line, const char *key, uint64_t duration_ns)
{
    line_number(line, key, "%.3f", (double)duration_ns / (double)CLOCK_NS_PER_MS);
}

static void line_session(struct line *line, const struct log_session *session)
{
    char client[ADDRESS_TEXT_MAX];
    line_string(line, "msg", "session");
    line_string(line, "listener", session->listener);
    line_string(line, "client", endpoint_format(&session->client, client));
    line_string(line, "server", session->server[0] != '\0' ? session->server : "-");
    line_number(line, "worker", "%u", (unsigned)session->worker);
    line_number(line, "attempts", "%u", (unsigned)session->attempts);
    line_number(line, "bytes_in", "%llu", (unsigned long long)session->bytes_in);
    line_number(line, "bytes_out", "%llu", (unsigned long long)session->bytes_out);
    line_millis(line, "connect_ms", session->connect_ns);
    line_millis(line, "total_ms", session->ended_ns - session->started_ns);
    line_string(line, "reason", session->reason);
}

static void line_message(struct line *line, const struct log_message *message)
{
    const char *text = message->text, *end = text + message->size;
    line_string(line, "msg", text);
    text += strlen(text) + 1;
    while (text < end) {
        const char *value = text + strlen(text) + 1;
        LL_ASSERT(value < end);
        line_string(line, text, value);
        text = value + strlen(value) + 1;
    }
}

static const char *log_level_name(enum config_log_level level)
{
    switch (level) {
    case CONFIG_LOG_DEBUG:
        return "debug";
    case CONFIG_LOG_INFO:
        return "info";
    case CONFIG_LOG_WARN:
        return "warn";
    case CONFIG_LOG_ERROR:
        return "error";
    }
    return "unknown";
}

size_t log_format_record(const struct log_record *record, uint64_t wall_ns,
                         enum config_log_format format, char text[static LOG_LINE_MAX])
{
    struct line line = {.text = text, .format = format, .first = true};
    if (format == CONFIG_FORMAT_JSON)
        line_byte(&line, '{');
    line_time(&line, wall_ns);
    line_string(&line, "level", log_level_name(record->level));
    if (record->is_session)
        line_session(&line, &record->session);
    else
        line_message(&line, &record->message);
    line.size += (size_t)snprintf(text + line.size, LINE_RESERVE, "%s\n",
                                  format == CONFIG_FORMAT_JSON ? "}" : "");
    return line.size;
}
