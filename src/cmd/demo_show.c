/* SPDX-License-Identifier: Apache-2.0
 *
 * What limeload demo prints: on a terminal the newest second overwrites the one before.
 */
#include "cmd/demo.h"

#include <string.h>

/* As many as the calls of one backend in a second when another is down. */
#define DEMO_BAR "##########"

static void demo_clear_line(struct demo *demo)
{
    if (demo->line)
        fputs("\r\033[K", stdout);
    demo->line = false;
}

void demo_show_start(const struct demo *demo)
{
    puts("A load balancer, three backends and gentle traffic, each a process of its own.\n");
    printf("  balancer   %s%s\n", demo->address,
           demo->moved ? " (a free port, because 8000 is taken)" : "");
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++)
        printf("  backend    %s  %s\n", demo->backends[i].address, demo->backends[i].name);

    puts("\nThe balancer runs with this configuration:\n");
    for (const char *line = demo->config; *line != '\0';) {
        int size = (int)strcspn(line, "\n");
        printf("  %.*s\n", size, line);
        line += size + (line[size] == '\n' ? 1 : 0);
    }
    const char *colon = strchr(demo->address, ':');
    printf("\nTry it from another terminal:\n\n"
           "  limeload client %s\n"
           "  nc 127.0.0.1 %s\n\n",
           demo->address, colon + 1);
    printf("Below is, for each second, how many connections each backend answered. Every few\n"
           "seconds one of them is killed and comes back later. Meanwhile the balancer finds its\n"
           "port closed and takes the next backend at once, so clients notice nothing.\n%s\n",
           demo->for_ns > 0 ? "" : "Ctrl-C ends it.\n");
    fflush(stdout);
}

void demo_show_second(struct demo *demo)
{
    demo_clear_line(demo);
    printf("%4llu s ", (unsigned long long)demo->seconds);
    for (uint32_t i = 0; i < DEMO_BACKENDS; i++) {
        const struct demo_backend *backend = &demo->backends[i];
        uint32_t                   calls   = demo->second.calls[i];
        int                        bar     = (int)LL_MIN(calls, (uint32_t)strlen(DEMO_BAR));
        if (backend->killed && calls == 0)
            printf("  %s %-10s %2s", backend->name, "- killed -", "");
        else
            printf("  %s %-10.*s %2u", backend->name, bar, DEMO_BAR, calls);
    }
    printf("   failed %u", demo->second.failed);
    demo->line = demo->terminal;
    if (!demo->terminal)
        putchar('\n');
    fflush(stdout);
}

void demo_show_killed(struct demo *demo, const struct demo_backend *backend)
{
    demo_clear_line(demo);
    printf("        %s is killed: its connections go to the others.\n", backend->name);
    fflush(stdout);
}

void demo_show_back(struct demo *demo, const struct demo_backend *backend)
{
    demo_clear_line(demo);
    printf("        %s is back, and gets its share again.\n", backend->name);
    fflush(stdout);
}

void demo_show_failure(struct demo *demo, const char *what, const struct child *child)
{
    demo_clear_line(demo);
    fflush(stdout);
    fprintf(stderr, "limeload demo: %s%s%s", what, child->output[0] != '\0' ? "; it said:\n" : "\n",
            child->output);
}

void demo_show_end(struct demo *demo)
{
    if (demo->line)
        putchar('\n');
    demo->line = false;
    printf("\n%llu connections in %llu s: %llu good, %llu failed\n",
           (unsigned long long)(demo->total.good + demo->total.failed),
           (unsigned long long)((demo->host.loop.now_ns - demo->start_ns) / 1000000000u),
           (unsigned long long)demo->total.good, (unsigned long long)demo->total.failed);
    tally_print(&demo->total, stdout);
    if (demo->total.failed > 0)
        puts("A connection that a backend had already taken when it was killed is lost with it:\n"
             "no balancer can know how much of it was done.");
}
