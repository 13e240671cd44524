# SPDX-License-Identifier: Apache-2.0
"""Servers that refuse, are silent, die, freeze and come back."""
import collections
import contextlib
import itertools
import socket
import threading
import time

import pytest
from support.backend import BackendProcess
from support.peers import (Blackhole, Task, ask, connect, echo, expect_reset, read_line,
                           refusing_address)
from support.proxy import PATIENCE, show_address


@pytest.fixture
def refusing(cleanup):
    def make(count):
        made = []
        for _ in range(count):
            holder, address = refusing_address()
            cleanup(holder.close)
            made.append(address)
        return made
    return make


@pytest.fixture
def blackhole(cleanup):
    hole = Blackhole()
    cleanup(hole.stop)
    return hole


def test_each_refusing_server_is_tried_once_and_logged(refusing, backends, limeload):
    down = refusing(2)
    proxy = limeload([*down, *backends(1)])
    assert ask(proxy.address) == "B1"
    session, = proxy.await_sessions(1)
    assert session["attempts"] == "3"
    for address in map(show_address, down):
        proxy.await_log(msg="connect failed", server=address)
    tried = [line["server"] for line in proxy.logged(msg="connect failed")]
    assert sorted(tried) == sorted(map(show_address, down))


def test_with_all_servers_down_the_client_is_reset_quickly_and_the_log_says_why(
        refusing, limeload):
    proxy = limeload(refusing(3))
    started = time.monotonic()
    expect_reset(proxy.address)
    assert time.monotonic() - started < 1
    assert proxy.await_log(msg="no server")["pool"] == "echo"
    session, = proxy.await_sessions(1)
    assert (session["reason"], session["attempts"]) == ("no_server", "3")
    assert len(proxy.logged(msg="connect failed")) == 3


def test_the_pool_recovers_when_a_server_comes_back(limeload, cleanup):
    server = BackendProcess("B1")
    cleanup(server.stop)
    proxy = limeload([server])
    assert ask(proxy.address) == "B1"
    server.kill()
    expect_reset(proxy.address)
    server.start()
    assert ask(proxy.address) == "B1"


def test_a_silent_server_costs_one_connect_timeout_and_then_the_next_serves(
        blackhole, backends, limeload):
    proxy = limeload([blackhole.address, *backends(1)], pool={"timeouts": {"connect": "300ms"}})
    started = time.monotonic()
    assert ask(proxy.address) == "B1"
    assert 0.29 < time.monotonic() - started < 2
    lost = proxy.await_log(msg="connect failed")
    assert lost["server"] == show_address(blackhole.address)
    assert "timed out" in lost["error"]


def test_with_only_silent_servers_the_client_is_reset_after_the_timeouts(blackhole, limeload):
    proxy = limeload([blackhole.address], pool={"timeouts": {"connect": "200ms"}})
    started = time.monotonic()
    expect_reset(proxy.address)
    assert 0.19 < time.monotonic() - started < 2


def test_clients_that_wait_for_a_silent_server_delay_nobody_else(blackhole, backends, limeload):
    proxy = limeload([blackhole.address, *backends(1)], pool={"timeouts": {"connect": "30s"}})
    with contextlib.ExitStack() as stack:
        names = collections.Counter()
        for _ in range(20):  # every other one meets the silent server
            client = stack.enter_context(connect(proxy.address))
            client.settimeout(0.1)
            with contextlib.suppress(socket.timeout):
                names[read_line(client)] += 1
        assert names == {"Hello from B1": 10}


def test_what_the_client_sent_while_servers_were_tried_reaches_the_one_that_answers(
        blackhole, refusing, backends, limeload):
    proxy = limeload([*refusing(1), blackhole.address, *backends(1)],
                     pool={"timeouts": {"connect": "200ms"}})
    with connect(proxy.address) as client:
        client.sendall(b"early ")
        assert read_line(client) == "Hello from B1"
        client.sendall(b"late")
        client.shutdown(socket.SHUT_WR)
        data = b""
        while piece := client.recv(100):
            data += piece
        assert data == b"early late"


def test_a_client_that_has_gone_while_servers_were_tried_leaves_nothing_behind(
        blackhole, limeload):
    proxy = limeload([blackhole.address], pool={"timeouts": {"connect": "300ms"}})
    before = proxy.descriptors()
    for _ in range(5):
        connect(proxy.address).close()
    assert len(proxy.await_sessions(5)) == 5
    assert proxy.descriptors() == before


class Load:
    """Clients that come and go until stop(). Each either succeeds, gives up waiting, or fails;
    the last two with the client's address, by which the access log tells the server. There are so
    many that a frozen server does not hold all of them before the others have answered enough."""

    def __init__(self, address, clients=12):
        self.address = address
        self.served = collections.Counter()
        self.gave_up, self.failed = [], []
        self._news = threading.Condition()
        self._stopping = False
        self._numbers = itertools.count()
        self._tasks = [Task(self._run) for _ in range(clients)]

    def _once(self):
        client, number = socket.socket(), next(self._numbers)
        client.bind((f"127.1.{number >> 8}.{number & 255}", 0))  # no two sessions look the same
        own = show_address(client.getsockname())
        try:
            with client:
                client.settimeout(3)
                client.connect(self.address)
                name = read_line(client).removeprefix("Hello from ")
                for _ in range(3):
                    assert echo(client, b"ping")
                client.shutdown(socket.SHUT_WR)
                assert client.recv(1) == b""
            self.served[name] += 1
        except socket.timeout:
            self.gave_up.append(own)
        except (OSError, EOFError) as error:
            self.failed.append((own, error))

    def _run(self):
        while not self._stopping:
            self._once()
            with self._news:
                self._news.notify_all()

    def await_served(self, more):
        """Until each of the named servers has served that many more: {"B1": 20}."""
        goal = {name: self.served[name] + count for name, count in more.items()}
        with self._news:
            assert self._news.wait_for(lambda: all(self.served[name] >= count
                                                   for name, count in goal.items()), PATIENCE), \
                (goal, self.served)

    def stop(self):
        self._stopping = True
        for task in self._tasks:
            task.join()


@pytest.mark.parametrize("workers", [1, 3])
def test_servers_killed_frozen_and_restarted_under_load_hurt_no_client_of_the_others(
        limeload, cleanup, workers):
    servers = [BackendProcess(f"B{number}") for number in (1, 2, 3)]
    for server in servers:
        cleanup(server.stop)
    proxy = limeload(servers, workers=workers)
    load = Load(proxy.address)
    load.await_served({"B1": 20, "B2": 20, "B3": 20})

    servers[1].kill()
    load.await_served({"B1": 30, "B3": 30})
    servers[1].start()
    load.await_served({"B2": 20})

    servers[1].freeze()
    load.await_served({"B1": 10, "B3": 10})
    servers[1].thaw()
    load.await_served({"B1": 20, "B2": 20, "B3": 20})
    for _ in range(3):
        servers[1].kill()
        load.await_served({"B1": 5, "B3": 5})
        servers[1].start()
        load.await_served({"B2": 5})
    load.stop()

    total = sum(load.served.values()) + len(load.gave_up) + len(load.failed)
    server_of = {line["client"]: line["server"] for line in proxy.await_sessions(total)}
    harmed = [(client, error) for client, error in load.failed]
    harmed += [(client, "gave up") for client in load.gave_up]
    wrong = [(client, error, server_of[client]) for client, error in harmed
             if server_of[client] != show_address(servers[1].address)]
    assert not wrong
