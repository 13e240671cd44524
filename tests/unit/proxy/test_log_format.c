/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: their exact form, and that nothing in a value can break out of its field or its line.
 */
#include "proxy/log_format.h"

#include "support/unit.h"

#include <string.h>

static const uint64_t noon_ns = UINT64_C(1769860800123456789); /* 2026-01-31T12:00:00.123Z */

static struct log_record session_record(void)
{
    struct log_record record = {
        .is_session = true,
        .level      = CONFIG_LOG_INFO,
        .session =
            {
                .started_ns = 1000000000,
                .ended_ns   = 1012345678,
                .connect_ns = 161000,
                .bytes_in   = 78,
                .bytes_out  = 5120,
                .client     = {.family = ADDRESS_IPV4, .port = 51234, .ip = {10, 0, 0, 7}},
                .worker     = 3,
                .attempts   = 2,
                .reason     = "client_closed",
                .listener   = "web",
                .server     = "b1",
            },
    };
    return record;
}

/* Pairs as log_event lays them out: name, then keys and values, each with its terminator. */
static struct log_record message_record(const char *texts, size_t size)
{
    struct log_record record = {.level = CONFIG_LOG_WARN, .message.size = (uint16_t)size};
    memcpy(record.message.text, texts, size);
    return record;
}

static void assert_line(const struct log_record *record, enum config_log_format format,
                        const char *expected)
{
    char   line[LOG_LINE_MAX + 1];
    size_t size = log_format_record(record, noon_ns, format, line);
    assert_in_range(size, 1, LOG_LINE_MAX);
    line[size] = '\0';
    assert_string_equal(line, expected);
}

static void a_session_in_logfmt(void **state)
{
    (void)state;
    struct log_record record = session_record();
    assert_line(&record, CONFIG_FORMAT_LOGFMT,
                "time=2026-01-31T12:00:00.123Z level=info msg=session listener=web "
                "client=10.0.0.7:51234 server=b1 worker=3 attempts=2 bytes_in=78 bytes_out=5120 "
                "connect_ms=0.161 total_ms=12.346 reason=client_closed\n");
}

static void a_session_in_json(void **state)
{
    (void)state;
    struct log_record record = session_record();
    assert_line(&record, CONFIG_FORMAT_JSON,
                "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"info\",\"msg\":\"session\","
                "\"listener\":\"web\",\"client\":\"10.0.0.7:51234\",\"server\":\"b1\","
                "\"worker\":3,\"attempts\":2,\"bytes_in\":78,\"bytes_out\":5120,"
                "\"connect_ms\":0.161,\"total_ms\":12.346,\"reason\":\"client_closed\"}\n");
}

static void a_session_without_a_server_says_so(void **state)
{
    (void)state;
    struct log_record record = session_record();
    char              line[LOG_LINE_MAX + 1];
    record.session.server[0] = '\0';
    size_t size              = log_format_record(&record, noon_ns, CONFIG_FORMAT_LOGFMT, line);
    line[size]               = '\0';
    assert_non_null(strstr(line, " server=- "));
}

static void values_cannot_leave_their_field(void **state)
{
    (void)state;
    static const char texts[] = "two words\0key\0a \"quoted\" \\ line\nbreak\0empty\0";
    struct log_record record  = message_record(texts, sizeof texts);
    assert_line(&record, CONFIG_FORMAT_LOGFMT,
                "time=2026-01-31T12:00:00.123Z level=warn msg=\"two words\" "
                "key=\"a \\\"quoted\\\" \\\\ line\\u000abreak\" empty=\"\"\n");
    assert_line(&record, CONFIG_FORMAT_JSON,
                "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"warn\",\"msg\":\"two words\","
                "\"key\":\"a \\\"quoted\\\" \\\\ line\\u000abreak\",\"empty\":\"\"}\n");
}

static void a_value_that_looks_like_a_pair_is_quoted(void **state)
{
    (void)state;
    static const char texts[] = "m\0k\0a=b";
    struct log_record record  = message_record(texts, sizeof texts);
    assert_line(&record, CONFIG_FORMAT_LOGFMT,
                "time=2026-01-31T12:00:00.123Z level=warn msg=m k=\"a=b\"\n");
}

/* The longest record with every byte escaped fits: JSON's escape is six bytes for one. */
static void the_worst_record_fits_and_ends_with_a_newline(void **state)
{
    (void)state;
    struct log_record record = {.level = CONFIG_LOG_ERROR};
    memset(record.message.text, '\x01', LOG_TEXT_MAX);
    memcpy(record.message.text, "m\0k", 4);
    record.message.text[LOG_TEXT_MAX - 1] = '\0';
    record.message.size                   = LOG_TEXT_MAX;
    for (int format = CONFIG_FORMAT_LOGFMT; format <= (int)CONFIG_FORMAT_JSON; format++) {
        char   line[LOG_LINE_MAX + 1];
        size_t size = log_format_record(&record, noon_ns, (enum config_log_format)format, line);
        assert_in_range(size, (LOG_TEXT_MAX - 5) * 6, LOG_LINE_MAX);
        assert_int_equal(line[size - 1], '\n');
        assert_int_equal(line[size - 2], format == (int)CONFIG_FORMAT_JSON ? '}' : '"');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_in_logfmt),
        cmocka_unit_test(a_session_in_json),
        cmocka_unit_test(a_session_without_a_server_says_so),
        cmocka_unit_test(values_cannot_leave_their_field),
        cmocka_unit_test(a_value_that_looks_like_a_pair_is_quoted),
        cmocka_unit_test(the_worst_record_fits_and_ends_with_a_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
