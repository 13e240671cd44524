# SPDX-License-Identifier: Apache-2.0
"""Runs the real binary: start, await an event, stop, and look at what it left behind.

Nothing here sleeps. Readers of stdout and stderr put every line into one list and wake whoever
waits for a line that satisfies a condition.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("LIMELOAD", str(ROOT / "build" / "limeload"))

# What a sanitizer or a failed assertion prints. None of it is ever acceptable.
COMPLAINTS = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|limeload: bug:|stack smashing")


def _sanitized():
    try:
        with open(BINARY, "rb") as file:
            content = file.read()
    except OSError:
        return ""
    return next((name for name in ("asan", "tsan") if f"__{name}_init".encode() in content), "")


SANITIZER = _sanitized()
# How long to wait for what must happen before calling it a failure; never a pause.
PATIENCE = 60.0 if SANITIZER else 20.0


def environment(**more):
    """A sanitizer's exit status of its own, so that it is never taken for an answer of limeload."""
    return dict(os.environ, ASAN_OPTIONS="exitcode=99", LSAN_OPTIONS="exitcode=99",
                TSAN_OPTIONS="exitcode=99", UBSAN_OPTIONS="print_stacktrace=1", **more)


def parse_logfmt(line):
    """The fields of a logfmt line, or None for a line of another kind."""
    fields, place = {}, 0
    pattern = re.compile(r'([a-z_][a-z0-9_.]*)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)')
    while place < len(line):
        match = pattern.match(line, place)
        if match is None:
            return None
        value = match.group(2)
        fields[match.group(1)] = json.loads(value) if value.startswith('"') else value
        place = match.end()
    return fields or None


def parse_line(line):
    if line.startswith("{"):
        return json.loads(line)
    return parse_logfmt(line)


def run(*arguments, timeout=None, **options):
    """Runs a verb to its end and returns what it said."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, errors="replace",
                          timeout=timeout or PATIENCE, env=environment(), **options)
    assert not COMPLAINTS.search(done.stderr), done.stderr
    return done


def parse_address(text):
    """"127.0.0.1:80" or "[::1]:80" as Python's socket module wants it, a path for a Unix socket."""
    if text.startswith("unix:"):
        return text[5:]
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def show_address(address):
    if isinstance(address, str):
        return f"unix:{address}"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Program:
    """A process of the binary whose output is read line by line."""

    def __init__(self, *arguments, cwd=None, descriptors=None, env=None,
                 stdout=subprocess.PIPE):
        prefix = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}"]
        self.lines = {"stdout": [], "stderr": []}
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [*prefix, BINARY, *arguments], cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=subprocess.PIPE, env=environment(**(env or {})))
        self._readers = {name: threading.Thread(target=self._read, args=(name,), daemon=True)
                         for name in self.lines if getattr(self.process, name)}
        for reader in self._readers.values():
            reader.start()

    def _read(self, name):
        with getattr(self.process, name) as pipe:
            for line in pipe:
                with self._news:
                    self.lines[name].append(line.decode(errors="replace").rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def output(self, name):
        with self._news:
            return "\n".join(self.lines[name])

    def await_line(self, accept, stream="stderr", timeout=None):
        """The first result of accept(line) that is true, over all lines so far and to come."""
        deadline, seen = time.monotonic() + (timeout or PATIENCE), 0
        reader = self._readers[stream]
        while True:
            with self._news:
                alive = reader.is_alive()
                while seen == len(self.lines[stream]) and alive:
                    left = deadline - time.monotonic()
                    assert left > 0, f"no such line on {stream}:\n" + "\n".join(self.lines[stream])
                    self._news.wait(left)
                    alive = reader.is_alive()
                fresh = self.lines[stream][seen:]
                seen += len(fresh)
            for line in fresh:
                result = accept(line)
                if result:
                    return result
            assert fresh or alive, f"ended without such a line on {stream}:\n" + self.output(stream)

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=None):
        """The exit status, once all output has been read too."""
        code = self.process.wait(timeout or PATIENCE)
        for reader in self._readers.values():
            reader.join()
        for name in self.lines:
            assert not COMPLAINTS.search(self.output(name)), self.output(name)
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers.values():
            reader.join()


class Limeload(Program):
    """`limeload run` with its log understood."""

    def __init__(self, config=None, folder=None, arguments=(), **options):
        chosen = []
        if config is not None:
            file = pathlib.Path(folder) / "limeload.yaml"
            # JSON is YAML, and Python writes it without a library.
            file.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
            chosen = ["-c", str(file)]
        super().__init__("run", *chosen, *arguments, cwd=folder, **options)

    def await_log(self, stream="stderr", timeout=None, **wanted):
        """The first log line with these fields: await_log(msg="ready")."""
        def accept(line):
            fields = parse_line(line)
            return fields if fields and all(str(fields.get(key)) == str(value)
                                            for key, value in wanted.items()) else None
        return self.await_line(accept, stream, timeout)

    def logged(self, stream="stderr", **wanted):
        """All log lines so far with these fields."""
        found = [parse_line(line) for line in self.output(stream).splitlines()]
        return [fields for fields in found
                if fields and all(str(fields.get(key)) == str(value)
                                  for key, value in wanted.items())]

    def await_sessions(self, count, timeout=None):
        """The lines of the access log (on stdout), once there are that many."""
        found = []

        def accept(line):
            fields = parse_line(line)
            if fields and fields.get("msg") == "session":
                found.append(fields)
            return len(found) >= count
        self.await_line(accept, "stdout", timeout)
        return found

    def await_ready(self):
        self.await_log(msg="ready")
        return self

    def addresses(self):
        """All addresses listened on, in the order of the configuration."""
        return [parse_address(line["address"]) for line in self.logged(msg="listening")]

    @property
    def address(self):
        return self.addresses()[0]

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self, number=signal.SIGTERM, timeout=None):
        self.send(number)
        return self.wait(timeout)

    def end(self):
        """For the end of a test: drains, then insists. What it exits with must be one of its own
        answers, and no sanitizer may have complained."""
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("did not end after two signals:\n" + self.output("stderr"))
        assert code in (0, 1, 2, 3), f"exit status {code}:\n{self.output('stderr')}"


def tcp_config(servers, *, bind="127.0.0.1:0", workers=1, drain="5s", listener=None, pool=None,
               **more):
    """A configuration of one listener and one pool; the access log goes to stdout."""
    return {
        "workers": workers,
        "timeouts": {"drain": drain},
        "log": {"access": {"path": "stdout"}},
        "listeners": [{"name": "front", "bind": bind, "pool": "echo", **(listener or {})}],
        "pools": {"echo": {"balance": "round_robin",
                           "servers": [server if isinstance(server, dict) else show_address(server)
                                       for server in servers],
                           **(pool or {})}},
        **more,
    }
