/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/host.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void host_signal(struct watch *watch, uint32_t ready)
{
    struct host            *host = LL_CONTAINER_OF(watch, struct host, signals);
    struct signalfd_siginfo info;
    (void)ready;
    if (read(watch->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    host->signal = (int)info.ssi_signo;
    loop_stop(&host->loop);
}

static int host_watch_signals(struct host *host)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    host->signals = (struct watch){.on_ready = host_signal, .fd = -1};
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -errno;
    host->signals.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (host->signals.fd < 0)
        return -errno;
    return host->loop.io->ops->watch_listener(host->loop.io, &host->signals);
}

int host_init(struct host *host)
{
    int error = epoll_io_init(&host->io);
    if (error != 0)
        return error;
    loop_init(&host->loop, &host->io.io);
    host->signal = 0;
    error        = host_watch_signals(host);
    if (error != 0)
        host_fini(host);
    return error;
}

void host_fini(struct host *host)
{
    if (host->signals.fd >= 0)
        close(host->signals.fd);
    loop_fini(&host->loop);
    epoll_io_fini(&host->io);
}
