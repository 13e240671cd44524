/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test includes: cmocka with the headers that it wants before it, and a way to see
 * that a broken promise aborts.
 */
#ifndef LL_SUPPORT_UNIT_H
#define LL_SUPPORT_UNIT_H

/* cmocka wants these first. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs call in a process of its own and returns the status of wait(); what it wrote to standard
 * error is in said, terminated. */
static inline int unit_run_apart(void (*call)(void), char *said, size_t said_size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        call();
        _exit(0);
    }
    close(ends[1]);
    size_t filled = 0;
    for (;;) {
        char    scrap[256];
        bool    full = filled + 1 >= said_size;
        ssize_t got  = read(ends[0], full ? scrap : said + filled,
                           full ? sizeof scrap : said_size - 1 - filled);
        if (got <= 0)
            break;
        filled += full ? 0 : (size_t)got;
    }
    said[filled] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* True where call ends in a failed assertion of limeload, and not in any other way. */
static inline bool unit_asserts(void (*call)(void))
{
    char said[512];
    int  status = unit_run_apart(call, said, sizeof said);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           strstr(said, "assertion failed") != NULL;
}

#endif
