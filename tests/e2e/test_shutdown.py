# SPDX-License-Identifier: Apache-2.0
"""Signals: the first one drains with a deadline, the second one is immediate."""
import os
import signal
import socket
import time

import pytest
from support.peers import Blackhole, Task, ask, connect, echo, read_line
from support.proxy import PATIENCE, Limeload, show_address, tcp_config

each_signal = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT],
                                      ids=["TERM", "INT", "QUIT"])


def await_refusal(address):
    """Until nobody listens there any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            connect(address).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # in the queue of a listener that was just closed
    raise AssertionError("still listening")


@each_signal
@pytest.mark.parametrize("workers", [1, 4])
def test_without_sessions_it_stops_at_once_with_status_0(backends, limeload, number, workers):
    proxy = limeload(backends(1), workers=workers, drain="60s")
    ask(proxy.address)
    started = time.monotonic()
    assert proxy.stop(number) == 0
    assert time.monotonic() - started < 5
    assert proxy.logged(msg="draining")[0]["signal"] == number.name.removeprefix("SIG")
    assert proxy.logged(msg="stopped")


@each_signal
def test_the_listener_closes_at_once_while_sessions_may_finish(backends, limeload, number):
    proxy = limeload(backends(1), drain="60s", workers=2)
    with connect(proxy.address) as client:
        own = show_address(client.getsockname())
        read_line(client)
        proxy.send(number)
        await_refusal(proxy.address)
        for _ in range(10):
            assert echo(client, b"still talking" * 1000)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert proxy.wait() == 0
    reasons = {line["client"]: line["reason"] for line in proxy.logged("stdout", msg="session")}
    assert reasons[own] == "client_closed"


def test_at_the_drain_deadline_sessions_are_reset_and_the_status_is_3(backends, limeload):
    proxy = limeload(backends(1), drain="300ms")
    with connect(proxy.address) as client:
        read_line(client)
        started = time.monotonic()
        proxy.send(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert 0.25 < time.monotonic() - started < 5
    assert proxy.wait() == 3
    assert proxy.await_sessions(1)[0]["reason"] == "drain_deadline"


@each_signal
def test_a_second_signal_is_immediate_and_the_status_is_2(backends, limeload, number):
    proxy = limeload(backends(1), drain="60s")
    with connect(proxy.address) as client:
        read_line(client)
        proxy.send(signal.SIGTERM)
        proxy.await_log(msg="draining")
        started = time.monotonic()
        proxy.send(number)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert proxy.wait() == 2
        assert time.monotonic() - started < 5


def test_a_client_that_waits_for_a_server_is_not_dropped_by_draining(backends, limeload, cleanup):
    hole = Blackhole()
    cleanup(hole.stop)
    proxy = limeload([hole.address, *backends(1)], drain="60s",
                     pool={"timeouts": {"connect": "500ms"}})
    with connect(proxy.address) as client:
        client.sendall(b"early\n")
        waiting = Task(read_line, client)
        proxy.send(signal.SIGTERM)
        proxy.await_log(msg="draining")
        assert waiting.join() == "Hello from B1"
        assert read_line(client) == "early"
    assert proxy.wait() == 0


def test_clients_that_wait_for_room_are_reset_when_it_stops_and_those_inside_finish(
        backends, limeload):
    proxy = limeload(backends(1), drain="60s", listener={"limits": {"max_connections": 1}})
    with connect(proxy.address) as inside, connect(proxy.address) as waiting:
        read_line(inside)
        proxy.await_log(msg="connection limit reached")
        proxy.send(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            waiting.recv(1)
        assert echo(inside, b"still inside")
    assert proxy.wait() == 0


def test_hangup_does_not_end_it(backends, limeload):
    proxy = limeload(backends(1))
    proxy.send(signal.SIGHUP)
    proxy.await_log(signal="HUP")
    assert ask(proxy.address) == "B1"
    assert proxy.stop() == 0


def test_a_closed_reader_of_its_output_does_not_end_it(backends, tmp_path, cleanup):
    """`limeload run | head -1` must not take the service down."""
    reading, writing = os.pipe()
    os.close(reading)
    proxy = Limeload(tcp_config([backends(1)[0].address]), tmp_path, stdout=writing)
    cleanup(proxy.end)
    os.close(writing)
    proxy.await_ready()
    for _ in range(5):
        assert ask(proxy.address) == "B1"
    assert proxy.stop() == 0


def test_a_stopped_reader_of_its_log_does_not_stop_the_data_path(backends, tmp_path, cleanup):
    """The access log goes into a pipe that nobody reads: lines are dropped, clients are served."""
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    cleanup(os.close, reader)
    config = tcp_config([backends(1)[0].address], log={"access": {"path": str(pipe)}})
    proxy = Limeload(config, tmp_path)
    cleanup(proxy.end)
    proxy.await_ready()
    slowest = 0.0
    for _ in range(600):  # more lines than a pipe holds
        started = time.monotonic()
        ask(proxy.address)
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 1
