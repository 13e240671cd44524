/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void stop_ready(struct watch *watch, uint32_t ready)
{
    struct stop            *stop = LL_CONTAINER_OF(watch, struct stop, watch);
    struct signalfd_siginfo info;
    (void)ready;
    if (read(watch->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    stop->signal = (int)info.ssi_signo;
    loop_stop(stop->loop);
}

int stop_init(struct stop *stop, struct loop *loop)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    *stop = (struct stop){.watch = {.on_ready = stop_ready, .fd = -1}, .loop = loop};
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -errno;
    stop->watch.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (stop->watch.fd < 0)
        return -errno;
    int error = loop->io->ops->watch_listener(loop->io, &stop->watch);
    if (error != 0)
        stop_fini(stop);
    return error;
}

void stop_fini(struct stop *stop)
{
    if (stop->watch.fd >= 0)
        close(stop->watch.fd);
    stop->watch.fd = -1;
}
