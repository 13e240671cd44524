# SPDX-License-Identifier: Apache-2.0
"""Servers with max_connections: clients wait for room, in order, for so long, and so many."""
import contextlib
import time

import pytest
from support.peers import ask, connect, echo, expect_reset, read_line
from support.proxy import PATIENCE

several_workers = pytest.mark.parametrize("workers", [1, 4])


def pool_with_room(backends, count, room, **pool):
    servers = [{"id": backend.name, "address": "{}:{}".format(*backend.address),
                "max_connections": room} for backend in backends(count)]
    return {"balance": "round_robin", "servers": servers, **pool}


def configuration(workers, **pool):
    return {"workers": workers, "log": {"access": {"path": "stdout"}},
            "listeners": [{"name": "front", "bind": "127.0.0.1:0", "pool": "full"}],
            "pools": {"full": pool}}


@several_workers
def test_a_full_server_is_passed_over(backends, limeload_with, workers):
    pool = pool_with_room(backends, 2, 1)
    proxy = limeload_with(configuration(workers, **pool)).await_ready()
    with connect(proxy.address) as first:
        name = read_line(first)
        with connect(proxy.address) as second:
            assert read_line(second) != name
        proxy.await_sessions(1)
        for _ in range(5):  # its turn comes again and again, and is passed on
            with connect(proxy.address) as other:
                assert read_line(other) != name


@several_workers
def test_waiting_clients_are_served_in_the_order_in_which_they_came(
        backends, limeload_with, workers):
    proxy = limeload_with(configuration(workers, **pool_with_room(backends, 1, 1))).await_ready()
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(connect(proxy.address))
        read_line(inside)
        waiting = []
        for _ in range(8):
            waiting.append(stack.enter_context(connect(proxy.address)))
            time.sleep(0.02)  # so that it is clear who came first
        for client in waiting:
            inside.close()
            assert read_line(client) == "Hello from B1"
            assert echo(client, b"served")
            inside = client


@several_workers
def test_hundreds_who_wait_are_all_served_and_never_more_at_once_than_there_is_room(
        backends, limeload_with, workers):
    pool = pool_with_room(backends, 2, 3, timeouts={"queue": "60s"})
    proxy = limeload_with(configuration(workers, **pool)).await_ready()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(proxy.address)) for _ in range(300)]
        for client in clients:
            client.sendall(b"x\n")
            client.shutdown(1)
        for client in clients:
            assert client.makefile("rb").read().startswith(b"Hello from B")
    served = proxy.await_sessions(300)
    assert {line["reason"] for line in served} == {"client_closed"}
    assert {line["attempts"] for line in served} == {"1"}


def test_who_waits_too_long_is_turned_away_and_the_others_go_on(backends, limeload_with):
    pool = pool_with_room(backends, 1, 1, timeouts={"queue": "300ms"})
    proxy = limeload_with(configuration(2, **pool)).await_ready()
    with connect(proxy.address) as inside:
        read_line(inside)
        started = time.monotonic()
        expect_reset(proxy.address)
        assert 0.25 < time.monotonic() - started < PATIENCE
        assert proxy.await_sessions(1)[0]["reason"] == "queue_timeout"
        assert echo(inside, b"still here")
    assert ask(proxy.address) == "B1"


def test_where_too_many_wait_the_next_is_turned_away_at_once(backends, limeload_with):
    pool = pool_with_room(backends, 1, 1, breaker={"max_pending": 2}, timeouts={"queue": "60s"})
    proxy = limeload_with(configuration(1, **pool)).await_ready()
    with connect(proxy.address) as inside:
        read_line(inside)
        with connect(proxy.address) as second, connect(proxy.address):
            time.sleep(0.1)  # both have begun to wait
            expect_reset(proxy.address)
            assert proxy.await_sessions(1)[0]["reason"] == "queue_full"
            inside.close()
            assert read_line(second) == "Hello from B1"


def test_a_client_that_leaves_while_it_waits_takes_nobodys_place(backends, limeload_with):
    proxy = limeload_with(configuration(1, **pool_with_room(backends, 1, 1))).await_ready()
    with connect(proxy.address) as inside:
        read_line(inside)
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(connect(proxy.address))
            time.sleep(0.1)
        with connect(proxy.address) as patient:
            time.sleep(0.1)
            inside.close()
            assert read_line(patient) == "Hello from B1"


def test_a_full_server_that_refuses_lets_the_next_in_line_try_elsewhere(backends, limeload_with):
    """The one server with room refuses; the other is full: the session waits for it."""
    full, gone = backends(2)
    gone.stop()
    pool = {"balance": "round_robin", "servers": [
        {"id": "B1", "address": "{}:{}".format(*full.address), "max_connections": 1},
        {"id": "B2", "address": "{}:{}".format(*gone.address), "max_connections": 1}]}
    proxy = limeload_with(configuration(1, **pool)).await_ready()
    with connect(proxy.address) as inside:
        assert read_line(inside) == "Hello from B1"
        with connect(proxy.address) as second:
            proxy.await_log(msg="connect failed", server="B2")
            inside.close()
            assert read_line(second) == "Hello from B1"
