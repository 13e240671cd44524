# SPDX-License-Identifier: Apache-2.0
"""Network namespaces: a machine of its own for a test, or a whole LAN of them."""
import contextlib
import ctypes
import os
import pathlib
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)


def ip(*words):
    """Runs ip(8); what it says is in the exception where it fails."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def _elsewhere(name, *arguments):
    """Leaves the calling thread's namespace by that call, and comes back at the end. A namespace
    belongs to a thread; threads, processes and sockets that it makes meanwhile stay where they
    were made."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call(name, *arguments)
        try:
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
    finally:
        os.close(home)


@contextlib.contextmanager
def own_machine(send_buffer=None):
    """An empty machine with nothing but loopback, so that every port is free. Its TCP sockets hold
    so many bytes to send, where that is given. OSError where this is not allowed."""
    with _elsewhere("unshare", CLONE_NEWNET):
        ip("link", "set", "lo", "up")
        if send_buffer:
            pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").write_text(
                f"4096 {send_buffer} {send_buffer}")
        yield


class Lan:
    """Machines on one switch, each in a network namespace of its own, the switch too."""

    PREFIX = "lltest"

    def __init__(self, addresses):
        """addresses: name of a machine -> its fixed address, all in one /24."""
        self._made = []
        self.addresses = addresses
        self._remove_leftovers()
        try:
            self._make("switch")
            self._on("switch", "link", "add", "br0", "type", "bridge")
            self._on("switch", "link", "set", "br0", "up")
            for machine, address in addresses.items():
                self._plug_in_new(machine, address)
        except BaseException:
            self.remove()
            raise

    def _namespace(self, machine):
        return f"{self.PREFIX}-{os.getpid()}-{machine}"

    def _make(self, machine):
        ip("netns", "add", self._namespace(machine))
        self._made.append(machine)
        self._on(machine, "link", "set", "lo", "up")

    def _on(self, machine, *words):
        return ip("-n", self._namespace(machine), *words)

    def _plug_in_new(self, machine, address):
        self._make(machine)
        self._on("switch", "link", "add", f"port-{machine}"[:15], "type", "veth", "peer", "name",
                 "eth0", "netns", self._namespace(machine))
        self._on("switch", "link", "set", f"port-{machine}"[:15], "master", "br0", "up")
        self._on(machine, "address", "add", f"{address}/24", "dev", "eth0")
        self._on(machine, "link", "set", "eth0", "up")

    @classmethod
    def _remove_leftovers(cls):
        """Of runs that were killed: those whose process is gone."""
        for line in ip("netns", "list").splitlines():
            parts = line.split()[0].split("-")
            if parts[0] == cls.PREFIX and not pathlib.Path(f"/proc/{parts[1]}").exists():
                ip("netns", "delete", line.split()[0])

    @contextlib.contextmanager
    def inside(self, machine):
        """What is opened and started meanwhile is on that machine."""
        with open(f"/run/netns/{self._namespace(machine)}", "rb") as target:
            with _elsewhere("setns", target.fileno(), CLONE_NEWNET):
                yield

    def pull(self, machine):
        self._on("switch", "link", "set", f"port-{machine}"[:15], "down")

    def plug(self, machine):
        self._on("switch", "link", "set", f"port-{machine}"[:15], "up")

    def remove(self):
        while self._made:
            ip("netns", "delete", self._namespace(self._made.pop()))
