# SPDX-License-Identifier: Apache-2.0
"""`limeload demo`: a whole system in one process tree, which ends without a trace."""
import os
import pathlib
import re
import select
import signal
import socket
import time

import pytest
from support.peers import ask
from support.proxy import PATIENCE, Program


def children_of(pid):
    """The living processes below a process."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(after_name[1]) == pid and after_name[0] != "Z":
            found.append(int(folder.name))
    return found


def await_end_of(pids):
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = select.select([descriptor], [], [], PATIENCE)[0]
        os.close(descriptor)
        assert ended, f"process {pid} is still there"


@pytest.fixture
def demo(cleanup):
    def start(*words):
        program = Program("demo", *words)
        cleanup(program.kill)
        return program
    return start


def addresses_shown(program):
    """The balancer's and the backends', from what it prints first."""
    found = {}

    def shown(line):
        match = re.match(r"\s+(balancer|backend)\s+(127\.0\.0\.1):(\d+)(?:\s+(\w+))?", line)
        if match:
            found[match[4] or match[1]] = (match[2], int(match[3]))
        return len(found) == 4
    program.await_line(shown, "stdout")
    return found


def await_second(program, number):
    program.await_line(lambda line: re.match(rf"\s*{number} s\s+B1", line), "stdout")


def test_for_some_seconds_it_shows_a_balancer_at_work_and_ends_cleanly(demo):
    started = time.monotonic()
    program = demo("--for", "3s")
    addresses = addresses_shown(program)
    assert set(addresses) == {"balancer", "B1", "B2", "B3"}
    assert ask(addresses["balancer"]) in ("B1", "B2", "B3")
    assert [ask(addresses[name]) for name in ("B1", "B3")] == ["B1", "B3"]
    await_second(program, 1)
    children = children_of(program.pid)
    assert len(children) >= 3  # one of the backends may just have been killed
    assert program.wait() == 0
    assert time.monotonic() - started < 3 + PATIENCE / 4
    text = program.output("stdout")
    good, failed = re.search(r"(\d+) good, (\d+) failed", text).groups()
    assert int(good) > 10 and failed == "0"
    assert "is killed" in text and "is back" in text
    assert "\x1b" not in text
    await_end_of(children)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_a_signal_ends_it_and_all_its_processes(demo, number):
    program = demo()
    addresses = addresses_shown(program)
    await_second(program, 1)
    children = children_of(program.pid)
    program.send(number)
    assert program.wait() == 0
    await_end_of(children)
    for address in addresses.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_killed_outright_it_leaves_no_process_behind(demo):
    program = demo()
    await_second(program, 1)
    children = children_of(program.pid)
    program.kill()
    await_end_of(children)


def test_where_the_usual_ports_are_taken_it_takes_free_ones(demo):
    """Two at once: the second one must not touch the first."""
    first = demo("--for", "5s")
    one = addresses_shown(first)
    second = demo("--for", "1s")
    two = addresses_shown(second)
    assert not set(one.values()) & set(two.values())
    assert second.wait() == 0
    assert ask(one["balancer"]) in ("B1", "B2", "B3")
    first.send(signal.SIGINT)
    assert first.wait() == 0


def test_a_port_asked_for_is_used_or_refused(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = demo("--for", "1s", "--port", str(port))
        assert refused.wait() == 1
        assert str(port) in refused.output("stderr") and "in use" in refused.output("stderr")
    program = demo("--for", "1s", "--port", str(port))
    assert addresses_shown(program)["balancer"] == ("127.0.0.1", port)
    assert program.wait() == 0
