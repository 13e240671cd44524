# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: starts them on their cores, waits until they serve, reads what the
kernel knows about them, and ends them. What is measured and how it is told is in run.py and
report.py."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time

START_LIMIT_S = 20.0  # under valgrind it takes seconds


class Failed(Exception):
    """A contender or a helper program did not do its part."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _prepare(core):
    """What a child does before it becomes the program: takes its core and all descriptors."""

    def prepare():
        os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


@contextlib.contextmanager
def program(command, core, log=subprocess.DEVNULL, **pipes):
    """A running program of the benchmark, in a session of its own, ended at the end."""
    process = subprocess.Popen(
        command, preexec_fn=_prepare(core), stderr=log, start_new_session=True, **pipes
    )
    try:
        yield process
    finally:
        end(process)


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def wait_ready(process):
    """Port of one of our own programs, which say "ready PORT" once they listen."""
    line = process.stdout.readline().split()
    if len(line) != 2 or line[0] != "ready":
        raise Failed("%s did not start" % process.args[0])
    return int(line[1])


def wait_serving(process, port, request, response, log_path):
    """Waits until the proxy relays a whole exchange: then it serves and knows its origin."""
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        if process.poll() is not None:
            with open(log_path, errors="replace") as log:
                words = [line for line in log.read().splitlines() if not line.startswith("==")]
            raise Failed("ended with %d: %s" % (process.returncode, words[-1] if words else ""))
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
                client.sendall(b"q" * request)
                left = response
                while left > 0:
                    got = len(client.recv(min(left, 1 << 20)))
                    if got == 0:
                        raise Failed("closed a connection %d bytes early" % left)
                    left -= got
                return
        except (ConnectionError, socket.timeout):
            time.sleep(0.02)
    raise Failed("does not serve after %d s" % START_LIMIT_S)


def _status(pid):
    with open("/proc/%d/stat" % pid) as stat:
        text = stat.read()
    name = text[text.index("(") + 1 : text.rindex(")")]
    return name, int(text[text.rindex(")") + 2 :].split()[1])


def _processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                yield (int(entry), *_status(int(entry)))


def family(pid):
    """A process and its descendants: a proxy may be a master and its worker."""
    everyone = list(_processes())
    members = [pid]
    for member in members:
        members += [child for child, _, parent in everyone if parent == member]
    return members


def softirq_thread(core):
    """The kernel thread that finishes network work of this core when there is much of it."""
    return [pid for pid, name, _ in _processes() if name == "ksoftirqd/%d" % core]


def cpu_ns(pids):
    """Processor time of whole processes, in nanoseconds (the clock of clock_getcpuclockid)."""
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)


def core_ticks(core):
    """Busy and stolen time of a core in seconds, to the precision of a scheduler tick."""
    with open("/proc/stat") as stat:
        for line in stat:
            fields = line.split()
            if fields[0] == "cpu%d" % core:
                user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
                tick = os.sysconf("SC_CLK_TCK")
                return (user + nice + system + irq + softirq) / tick, steal / tick
    raise Failed("no cpu%d in /proc/stat" % core)


class Bystander:
    """What share of a core went, within a with block, to anything but the processes named, those
    that this program started and waited for (the load), and this program itself."""

    def __init__(self, core, pids):
        self.core, self.pids = core, pids

    def read(self):
        own = 0.0
        if self.core in os.sched_getaffinity(0):
            children = resource.getrusage(resource.RUSAGE_CHILDREN)
            own = children.ru_utime + children.ru_stime + time.process_time()
        return (time.monotonic(), *core_ticks(self.core), cpu_ns(self.pids) / 1e9 + own)

    def __enter__(self):
        self.before = self.read()
        return self

    def __exit__(self, *_):
        wall, busy, stolen, used = (
            after - before for after, before in zip(self.read(), self.before))
        self.share = max(0.0, busy - used) / wall
        self.stolen = stolen / wall


def memory_kib(pids):
    """Private and proportional memory of processes in user space."""
    private = pss = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as rollup:
            for line in rollup:
                name, _, value = line.partition(":")
                if name in ("Private_Clean", "Private_Dirty", "Swap"):
                    private += int(value.split()[0])
                elif name == "Pss":
                    pss += int(value.split()[0])
    return {"private": private, "pss": pss}


def run_json(command, core, limit_s):
    """Runs the load generator to its end and reads its result."""
    result = subprocess.run(
        command, preexec_fn=_prepare(core), capture_output=True, text=True, timeout=limit_s
    )
    if result.returncode != 0:
        raise Failed(result.stderr.strip() or "the load generator failed")
    return json.loads(result.stdout)
