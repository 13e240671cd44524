/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/child.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What every verb that listens logs when it does. */
#define CHILD_LISTENING "msg=listening"

static void child_close(struct child *child, struct watch *watch)
{
    if (watch->fd >= 0)
        child->loop->io->ops->close(child->loop->io, watch->fd);
    watch->fd = -1;
}

/* Makes room by forgetting the older half. */
static void child_trim_output(struct child *child)
{
    size_t keep = sizeof child->output / 2;
    if (child->output_size <= keep)
        return;
    memmove(child->output, child->output + child->output_size - keep, keep);
    child->output_size = keep;
}

/* False at the end of its output. */
static bool child_read(struct child *child)
{
    child_trim_output(child);
    ssize_t count = read(child->pipe.fd, child->output + child->output_size,
                         sizeof child->output - child->output_size - 1);
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    child->output_size += (size_t)count;
    child->output[child->output_size] = '\0';
    if (!child->listening && strstr(child->output, CHILD_LISTENING) != NULL) {
        child->listening = true;
        child->on_listening(child);
    }
    return true;
}

static void child_pipe_ready(struct watch *watch, uint32_t ready)
{
    struct child *child = LL_CONTAINER_OF(watch, struct child, pipe);
    (void)ready;
    if (!child_read(child))
        child_close(child, watch);
}

static void child_process_ready(struct watch *watch, uint32_t ready)
{
    struct child *child = LL_CONTAINER_OF(watch, struct child, process);
    (void)ready;
    if (waitpid(child->pid, &child->status, WNOHANG) != child->pid)
        return;
    child->pid = 0;
    child_close(child, &child->process);
    /* Its last words, where they have not been read yet. */
    if (child->pipe.fd >= 0)
        (void)child_read(child);
    child_close(child, &child->pipe);
    child->on_exit(child);
}

void child_init(struct child *child, struct loop *loop, child_fn on_listening, child_fn on_exit)
{
    *child = (struct child){
        .loop         = loop,
        .on_listening = on_listening,
        .on_exit      = on_exit,
        .process      = {.on_ready = child_process_ready, .fd = -1},
        .pipe         = {.on_ready = child_pipe_ready, .fd = -1},
    };
}

void child_fini(struct child *child)
{
    if (child->pid != 0) {
        child_signal(child, SIGKILL);
        while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
            continue;
    }
    child->pid = 0;
    child_close(child, &child->process);
    child_close(child, &child->pipe);
}

/* In the new process. Its own process group keeps a Ctrl-C for the parent, which then ends all in
 * order. */
LL_NORETURN static void child_become(const char *const *argv, int output, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    int input = open("/dev/null", O_RDONLY);
    if (input >= 0)
        (void)dup2(input, STDIN_FILENO);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* execv does not change the texts; its type is older than const. */
    execv("/proc/self/exe", (char *const *)(const void *)argv);
    _exit(127);
}

static int child_watch(struct child *child)
{
    struct io *io     = child->loop->io;
    child->process.fd = pidfd_open(child->pid, 0);
    if (child->process.fd < 0)
        return -errno;
    int error = io->ops->watch_listener(io, &child->process);
    return error != 0 ? error : io->ops->watch_listener(io, &child->pipe);
}

int child_start(struct child *child, const char *const *argv)
{
    LL_ASSERT(child->pid == 0);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid_t parent = getpid();
    pid_t pid    = fork();
    if (pid == 0)
        child_become(argv, ends[1], parent);
    int error = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return error;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child->pid         = pid;
    child->pipe.fd     = ends[0];
    child->listening   = false;
    child->output_size = 0;
    child->output[0]   = '\0';
    error              = child_watch(child);
    if (error != 0)
        child_fini(child);
    return error;
}

void child_signal(const struct child *child, int signal)
{
    if (child->pid != 0)
        (void)kill(child->pid, signal);
}
