# SPDX-License-Identifier: Apache-2.0
"""What the load balancer was first asked to do, to the letter."""
import contextlib
import itertools
import socket
import time

import pytest
from support.backend import Backend
from support.network import own_machine
from support.peers import Task, ask, connect, echo, read_line

several_workers = pytest.mark.parametrize("workers", [1, 4])


def names_of_sessions_held_open(address, count):
    """Connects one client after the other while the earlier ones stay."""
    with contextlib.ExitStack() as stack:
        clients, names = [], []
        while len(names) < count:
            clients.append(stack.enter_context(connect(address)))
            names.append(read_line(clients[-1]))
        for number, client in enumerate(clients):
            assert echo(client, b"message of client %d" % number)
        return [name.removeprefix("Hello from ") for name in names]


@pytest.fixture
def free_ports():
    """Ports 8000 and 9001 to 9003 of a machine of its own; else of this one, if they are free."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(own_machine())
        except OSError:
            for port in (8000, 9001, 9002, 9003, 9900):
                try:
                    with socket.create_server(("127.0.0.1", port)):
                        pass
                except OSError:
                    pytest.skip(f"port {port} is taken, and namespaces are not allowed here")
        yield


@pytest.fixture
def literal(free_ports, cleanup):
    """The three servers of the story."""
    for number in (1, 2, 3):
        cleanup(Backend(f"B{number}", ("127.0.0.1", 9000 + number)).stop)


def test_built_in_default_sends_four_concurrent_requests_to_9001_9002_9003_9001(
        literal, limeload_with):
    limeload_with(None).await_ready()
    assert names_of_sessions_held_open(("127.0.0.1", 8000), 4) == ["B1", "B2", "B3", "B1"]


@several_workers
def test_literal_ports_with_several_workers(literal, limeload, workers):
    limeload([("127.0.0.1", 9001), ("127.0.0.1", 9002), ("127.0.0.1", 9003)], bind=":8000",
             workers=workers)
    address = ("127.0.0.1", 8000)
    assert names_of_sessions_held_open(address, 4) == ["B1", "B2", "B3", "B1"]


@several_workers
def test_four_concurrent_requests_hit_the_first_second_third_and_first_server(
        backends, limeload, workers):
    proxy = limeload(backends(3), workers=workers)
    assert names_of_sessions_held_open(proxy.address, 4) == ["B1", "B2", "B3", "B1"]


@several_workers
def test_clients_that_connect_at_the_same_instant_are_spread_evenly(backends, limeload, workers):
    proxy = limeload(backends(3), workers=workers)
    for turn in range(1, 11):
        tasks = [Task(ask, proxy.address) for _ in range(12)]
        names = [task.join() for task in tasks]
        assert {name: names.count(name) for name in names} == {"B1": 4, "B2": 4, "B3": 4}, turn


@several_workers
def test_one_after_the_other_the_order_is_exact_over_a_hundred_connections(
        backends, limeload, workers):
    proxy = limeload(backends(3), workers=workers)
    names = [ask(proxy.address) for _ in range(100)]
    assert names == list(itertools.islice(itertools.cycle(["B1", "B2", "B3"]), 100))


@several_workers
def test_with_one_server_down_the_next_is_used_and_no_client_notices(backends, limeload, workers):
    servers = backends(3)
    proxy = limeload(servers, workers=workers)
    servers[1].stop()
    assert names_of_sessions_held_open(proxy.address, 4) == ["B1", "B3", "B1", "B3"]
    lost = proxy.await_log(msg="connect failed")
    assert lost["server"].endswith(f":{servers[1].address[1]}")
    assert "refused" in lost["error"].lower()


@several_workers
def test_a_slow_client_does_not_delay_another(backends, limeload, workers):
    """Eight clients that say nothing and eight that take nothing of what they asked for, while
    others come and go."""
    proxy = limeload(backends(3), workers=workers)
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(connect(proxy.address))
            glutton = stack.enter_context(connect(proxy.address, receive_buffer=4096))
            glutton.settimeout(0.05)
            with contextlib.suppress(socket.timeout):
                while True:
                    glutton.sendall(b"x" * 65536)
        started = time.monotonic()
        for _ in range(50):
            ask(proxy.address)
        assert time.monotonic() - started < 5
