/* SPDX-License-Identifier: Apache-2.0
 *
 * What the programs of the benchmark share: loopback sockets, options, the clock.
 *
 * Not here: anything of limeload's own network code. The floor and the load must not change when
 * limeload does. Every function ends the program with a message where it cannot do its work.
 */
#ifndef LL_BENCH_BENCH_H
#define LL_BENCH_BENCH_H

#include "base/compiler.h"

#include <netinet/in.h>
#include <stdint.h>

LL_NORETURN LL_PRINTF(1, 2) void bench_die(const char *format, ...);

uint64_t bench_now_ns(void);

/* "127.0.0.1:8000". */
struct sockaddr_in bench_address(const char *text);

/* A number of the command line, at least low. */
uint64_t bench_number(const char *option, const char *text, uint64_t low);

/* A non-blocking listener with TCP_NODELAY, which accepted sockets inherit. With port 0 the kernel
 * picks one, and address is told. */
int bench_listen(struct sockaddr_in *address);

/* Prints "ready PORT", which tells whoever started the program that it can be used. */
void bench_ready(const struct sockaddr_in *address);

/* A non-blocking socket with TCP_NODELAY whose connect has begun; -1 and errno where it failed at
 * once. */
int bench_connect(const struct sockaddr_in *to);

/* As many descriptors as the system gives. */
void bench_raise_descriptors(void);

#endif
