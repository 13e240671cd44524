# SPDX-License-Identifier: Apache-2.0
"""Every bound has a documented answer, and afterwards things are as before."""
import contextlib
import resource
import select
import socket
import time

import pytest
from support.backend import BackendProcess
from support.peers import Server, ask, connect, echo, read_line, read_to_end
from support.proxy import PATIENCE, SANITIZER, Limeload, tcp_config

several_workers = pytest.mark.parametrize("workers", [1, 4])


@pytest.fixture
def backend_process(cleanup):
    server = BackendProcess("B1")
    cleanup(server.stop)
    return server


def test_five_thousand_connections_at_once(backend_process, limeload):
    count = 5000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 2 * count + 500:
        pytest.skip(f"{count} sessions need {2 * count} descriptors; the hard limit is {hard}")
    proxy = limeload([backend_process], workers=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(proxy.address)) for _ in range(count)]
        for client in clients:
            assert read_line(client) == "Hello from B1"
        assert proxy.descriptors() > 2 * count
        for client in clients:  # all at once, not one after the other
            client.sendall(b"x" * 100)
        for client in clients:
            assert len(client.recv(100, socket.MSG_WAITALL)) == 100
    assert len(proxy.await_sessions(count)) == count
    assert ask(proxy.address) == "B1"


def is_served(client, within=0.3):
    return bool(select.select([client], [], [], within)[0])


@several_workers
def test_clients_beyond_max_connections_wait_and_are_served_as_others_end(
        backends, limeload, workers):
    most, more = 10, 15
    proxy = limeload(backends(1), workers=workers,
                     listener={"limits": {"max_connections": most}})
    with contextlib.ExitStack() as stack:
        inside = [stack.enter_context(connect(proxy.address)) for _ in range(most)]
        for client in inside:
            assert read_line(client) == "Hello from B1"
        waiting = [stack.enter_context(connect(proxy.address)) for _ in range(more)]
        full = proxy.await_log(msg="connection limit reached")
        assert full["listener"] == "front"
        assert not select.select(waiting, [], [], 0.3)[0]
        for client in inside:
            assert echo(client, b"still here")
        for _ in range(more):
            inside.pop().close()
            served = select.select(waiting, [], [], PATIENCE)[0]
            assert len(served) == 1
            assert read_line(served[0]) == "Hello from B1"
            waiting.remove(served[0])
            inside.append(served[0])
    assert ask(proxy.address) == "B1"


@several_workers
def test_at_the_descriptor_limit_clients_wait_and_everything_recovers(
        backend_process, limeload, workers):
    proxy = limeload([backend_process], workers=workers, descriptors=140)
    most = int(proxy.logged(msg="ready")[0]["max_sessions"])
    assert 10 <= most <= 70
    before = proxy.descriptors()
    rounds = 15
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(proxy.address)) for _ in range(most + 20)]
            served = []
            while len(served) < most:
                ready = select.select(clients, [], [], PATIENCE)[0]
                assert ready, f"{len(served)} of {most} are served"
                for client in ready:
                    assert read_line(client) == "Hello from B1"
                served += ready
                clients = [client for client in clients if client not in ready]
            assert proxy.descriptors() <= 140
            assert len(served) == most and not select.select(clients, [], [], 0.1)[0]
    proxy.await_sessions(rounds * (most + 20))
    assert ask(proxy.address) == "B1"
    assert proxy.descriptors() <= before + 2
    assert not proxy.logged(msg="cannot accept")


def test_too_few_descriptors_to_start_is_said_clearly(backends, tmp_path, cleanup):
    config = tcp_config([backends(1)[0].address], workers=4)
    proxy = Limeload(config, tmp_path, descriptors=12)
    cleanup(proxy.end)
    assert proxy.wait() == 1
    assert "descriptor limit" in proxy.output("stderr")


def test_a_session_without_a_byte_for_the_idle_time_ends_and_others_go_on(backends, limeload):
    proxy = limeload(backends(1), listener={"timeouts": {"tunnel_idle": "400ms"}})
    with connect(proxy.address) as busy, connect(proxy.address) as idle:
        read_line(busy), read_line(idle)
        started = time.monotonic()
        while not is_served(idle, within=0.02):
            assert echo(busy, b"busy")
            assert time.monotonic() - started < PATIENCE
        assert time.monotonic() - started > 0.35
        assert idle.recv(1) == b""
        assert echo(busy, b"still busy")
    reasons = [line["reason"] for line in proxy.await_sessions(2)]
    assert reasons == ["idle_timeout", "client_closed"]


@pytest.mark.parametrize("speaker", ["client", "server"])
def test_bytes_one_way_keep_a_session_from_being_idle(limeload, cleanup, speaker):
    def speak(peer):
        for _ in range(12):
            peer.sendall(b".")
            time.sleep(0.05)  # the slow trickle is what is tested
        peer.shutdown(socket.SHUT_WR)
    server = Server(speak if speaker == "server" else read_to_end)
    cleanup(server.stop)
    proxy = limeload([server], listener={"timeouts": {"tunnel_idle": "300ms"}})
    with connect(proxy.address) as client:
        if speaker == "server":
            assert read_to_end(client) == b"." * 12
        else:
            speak(client)
            assert server.result() == b"." * 12
    assert proxy.await_sessions(1)[0]["reason"] != "idle_timeout"


def test_a_thousand_held_connections_are_spread_fairly_over_four_workers(
        backend_process, limeload):
    proxy = limeload([backend_process], workers=4)
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            assert read_line(stack.enter_context(connect(proxy.address))) == "Hello from B1"
    workers = [line["worker"] for line in proxy.await_sessions(1000)]
    counts = {worker: workers.count(worker) for worker in set(workers)}
    assert len(counts) == 4
    assert max(counts.values()) - min(counts.values()) <= 100, counts


def test_sessions_leave_neither_descriptors_nor_memory_behind(backends, limeload):
    proxy = limeload(backends(1))
    for _ in range(200):
        ask(proxy.address)
    proxy.await_sessions(200)
    descriptors, memory = proxy.descriptors(), proxy.resident_kib()
    for _ in range(800):
        ask(proxy.address)
    proxy.await_sessions(1000)
    assert proxy.descriptors() == descriptors
    if not SANITIZER:
        assert proxy.resident_kib() - memory < 1024
