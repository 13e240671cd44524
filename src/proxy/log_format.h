/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns log records into lines: logfmt for people, JSON for machines.
 *
 * Memory:    writes into the caller's buffer and never past it; a line that does not fit is cut at
 * a field's end.
 */
#ifndef LL_PROXY_LOG_FORMAT_H
#define LL_PROXY_LOG_FORMAT_H

#include "proxy/log.h"

#include <stddef.h>

/* Enough for every record with every byte escaped. */
#define LOG_LINE_MAX 4096u

/* Wall-clock time of a record, in nanoseconds since 1970, comes from the caller, who knows how the
 * clocks relate. Returns the size of the line, its newline included; it is not terminated. */
size_t log_format_record(const struct log_record *record, uint64_t wall_ns,
                         enum config_log_format format, char line[static LOG_LINE_MAX]);

#endif
