# SPDX-License-Identifier: Apache-2.0
"""One line per connection: who, where, how much, how long, and why it ended."""
import json
import os
import re
import signal
import time

import pytest
from support.peers import ask, connect, echo, read_line, refusing_address
from support.proxy import PATIENCE, show_address


def talk(proxy, size):
    """One session of known size; returns the client's address."""
    with connect(proxy.address) as client:
        read_line(client)
        assert echo(client, b"z" * size)
        return show_address(client.getsockname())


def expect_session(line, client, server, size):
    greeting = len("Hello from B1\n")
    assert line["msg"] == "session" and line["level"] == "info"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["listener"] == "front"
    assert line["client"] == client
    assert line["server"] == show_address(server.address)
    assert int(line["worker"]) == 0
    assert int(line["attempts"]) == 1
    assert int(line["bytes_in"]) == size
    assert int(line["bytes_out"]) == size + greeting
    assert 0 <= float(line["connect_ms"]) <= float(line["total_ms"]) < 60000
    assert line["reason"] == "client_closed"


@pytest.mark.parametrize("style", ["logfmt", "json"])
def test_a_session_is_one_line_with_everything(backends, limeload, style):
    server, = backends(1)
    proxy = limeload([server], log={"access": {"path": "stdout", "format": style}})
    clients = [talk(proxy, size) for size in (0, 1, 100000)]
    lines = proxy.await_sessions(3)
    assert proxy.stop() == 0
    raw = proxy.output("stdout").splitlines()
    assert len(raw) == 3
    for text in raw:
        assert text.startswith("{") == (style == "json")
        if style == "json":
            assert isinstance(json.loads(text)["bytes_in"], int)
    for line, client, size in zip(lines, clients, (0, 1, 100000)):
        expect_session(line, client, server, size)


def test_json_for_all_logs_by_a_flag(backends, limeload_with):
    server, = backends(1)
    proxy = limeload_with({
        "log": {"access": {"path": "stdout"}},
        "listeners": [{"bind": "127.0.0.1:0", "pool": "echo"}],
        "pools": {"echo": {"servers": [show_address(server.address)]}},
    }, ["--log-format", "json"]).await_ready()
    assert ask(proxy.address) == "B1"
    assert proxy.stop() == 0
    for stream in ("stdout", "stderr"):
        lines = [json.loads(line) for line in proxy.output(stream).splitlines()]
        assert lines and all({"time", "level", "msg"} <= set(line) for line in lines)


def test_the_reason_says_who_ended_it(backends, limeload):
    server, = backends(1)
    proxy = limeload([server])
    with connect(proxy.address) as client:
        read_line(client)
        server.stop()  # aborts what is open
        try:
            client.recv(1)
        except ConnectionResetError:
            pass
    assert proxy.await_sessions(1)[0]["reason"] in ("server_closed", "server_reset")


def test_a_file_is_appended_to_and_reopened_after_it_was_moved(backends, limeload, tmp_path):
    log = tmp_path / "access.log"
    log.write_text("earlier\n")
    proxy = limeload(backends(1), log={"access": {"path": str(log)}})
    ask(proxy.address)
    os.rename(log, tmp_path / "access.log.1")
    proxy.send(signal.SIGUSR1)
    proxy.await_log(msg="logs reopened")
    ask(proxy.address)
    assert proxy.stop() == 0
    old = (tmp_path / "access.log.1").read_text().splitlines()
    new = log.read_text().splitlines()
    assert old[0] == "earlier"
    assert len(old) - 1 + len(new) == 2 and len(new) >= 1


def test_an_access_log_that_cannot_be_opened_is_said_clearly(backends, limeload_with, tmp_path):
    server, = backends(1)
    proxy = limeload_with({
        "log": {"access": {"path": str(tmp_path / "no" / "folder" / "access.log")}},
        "listeners": [{"bind": "127.0.0.1:0", "pool": "echo"}],
        "pools": {"echo": {"servers": [show_address(server.address)]}},
    })
    assert proxy.wait() == 1
    assert "access.log" in proxy.output("stderr")


def test_levels_leave_out_what_is_below_them(limeload_with, tmp_path, cleanup):
    holder, nobody = refusing_address()
    cleanup(holder.close)
    proxy = limeload_with({
        "log": {"level": "error", "access": {"path": "off"}},
        "listeners": [{"bind": "unix:front.sock", "pool": "echo"}],
        "pools": {"echo": {"servers": [show_address(nobody)]}},
    })
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "front.sock").exists():  # "ready" is not logged at this level
        assert time.monotonic() < deadline
    with pytest.raises((ConnectionError, EOFError)):
        ask(str(tmp_path / "front.sock"))
    proxy.await_log(msg="no server", level="error")
    assert proxy.stop() == 0
    assert {line["level"] for line in proxy.logged()} == {"error"}


def test_at_debug_the_log_shows_what_is_picked_and_why(backends, limeload):
    proxy = limeload(backends(2), log={"level": "debug", "access": {"path": "stdout"}})
    assert ask(proxy.address) == "B1"
    proxy.await_sessions(1)
    finished = proxy.await_log(msg="finished")
    picked = proxy.logged(msg="picked")
    added = [line["server"] for line in proxy.logged(msg="server_added")]
    assert len(added) == 2
    assert [line["detail"] for line in picked] == ["algorithm"]
    assert picked[0]["server"] == finished["server"] == added[0]
    assert finished["detail"] == "ok"
