/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/tally.h"

#include "base/compiler.h"

#include <stdlib.h>
#include <string.h>

void tally_reset(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    histogram_reset(&tally->latency);
}

static void tally_count(struct tally_table *table, const char *name)
{
    uint32_t i = 0;
    while (i < table->count && strcmp(table->rows[i].name, name) != 0)
        i++;
    if (i == TALLY_ROWS_MAX) {
        i    = TALLY_ROWS_MAX - 1; /* the last row is the one for what finds no place */
        name = "others";
    }
    struct tally_row *row = &table->rows[i];
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    row->count++;
    table->count = LL_MAX(table->count, i + 1);
}

void tally_add(struct tally *tally, const struct call_result *result)
{
    if (result->outcome == CALL_GOOD) {
        tally->good++;
        tally_count(&tally->backends, result->backend[0] != '\0' ? result->backend : "(nameless)");
        histogram_record(&tally->latency, result->latency_ns);
    } else {
        tally->failed++;
        tally_count(&tally->errors, call_describe(result));
    }
}

static int tally_compare(const void *left, const void *right)
{
    const struct tally_row *a = left;
    const struct tally_row *b = right;
    return strcmp(a->name, b->name);
}

static void tally_sort(struct tally_table *table)
{
    qsort(table->rows, table->count, sizeof table->rows[0], tally_compare);
}

static double tally_share(uint64_t count, uint64_t total)
{
    return total == 0 ? 0 : (double)count / (double)total;
}

static double tally_latency_ms(const struct tally *tally, double share)
{
    return (double)histogram_quantile(&tally->latency, share) / 1e6;
}

void tally_print(struct tally *tally, FILE *out)
{
    uint64_t total = tally->good + tally->failed;
    tally_sort(&tally->backends);
    tally_sort(&tally->errors);
    for (uint32_t i = 0; i < tally->backends.count; i++) {
        const struct tally_row *row = &tally->backends.rows[i];
        fprintf(out, "  %-20s %8llu  %5.1f %%\n", row->name, (unsigned long long)row->count,
                100 * tally_share(row->count, total));
    }
    for (uint32_t i = 0; i < tally->errors.count; i++) {
        const struct tally_row *row = &tally->errors.rows[i];
        fprintf(out, "  %-20s %8llu  %5.1f %%  %s\n", "failed", (unsigned long long)row->count,
                100 * tally_share(row->count, total), row->name);
    }
    if (tally->good > 0)
        fprintf(out, "latency  p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, slowest %.2f ms\n",
                tally_latency_ms(tally, 0.5), tally_latency_ms(tally, 0.9),
                tally_latency_ms(tally, 0.99), tally_latency_ms(tally, 1));
}

/* Names need no escaping: those of backends are checked where they are read, and errors are ours or
 * the C library's. */
static void tally_print_json_table(const struct tally_table *table, uint64_t total, FILE *out)
{
    fputc('[', out);
    for (uint32_t i = 0; i < table->count; i++)
        fprintf(out, "%s{\"name\":\"%s\",\"count\":%llu,\"share\":%.6g}", i > 0 ? "," : "",
                table->rows[i].name, (unsigned long long)table->rows[i].count,
                tally_share(table->rows[i].count, total));
    fputc(']', out);
}

void tally_print_json(struct tally *tally, FILE *out)
{
    uint64_t total = tally->good + tally->failed;
    tally_sort(&tally->backends);
    tally_sort(&tally->errors);
    fprintf(out, "\"connections\":%llu,\"good\":%llu,\"failed\":%llu,\"backends\":",
            (unsigned long long)total, (unsigned long long)tally->good,
            (unsigned long long)tally->failed);
    tally_print_json_table(&tally->backends, total, out);
    fputs(",\"errors\":", out);
    tally_print_json_table(&tally->errors, total, out);
    fprintf(out, ",\"latency_ms\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
            tally_latency_ms(tally, 0.5), tally_latency_ms(tally, 0.9),
            tally_latency_ms(tally, 0.99), tally_latency_ms(tally, 1));
}
