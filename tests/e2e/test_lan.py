# SPDX-License-Identifier: Apache-2.0
"""A small network: a client, the balancer and three servers, each a machine of its own with a fixed
address, on one switch whose cables can be pulled."""
import time

import pytest
from support.backend import Backend
from support.network import Lan
from support.peers import Task, ask, connect, echo, read_line
from support.proxy import PATIENCE, Limeload, tcp_config

ADDRESSES = {"balancer": "10.77.0.1", "client": "10.77.0.2",
             "b1": "10.77.0.11", "b2": "10.77.0.12", "b3": "10.77.0.13"}
FRONT = (ADDRESSES["balancer"], 8000)


@pytest.fixture
def lan():
    try:
        made = Lan(ADDRESSES)
    except OSError as error:
        pytest.skip(f"network namespaces are not permitted here: {error}")
    yield made
    made.remove()


@pytest.fixture
def proxy(lan, cleanup, tmp_path):
    """The balancer on its machine, the servers on theirs; the test itself sits at the client."""
    for name in ("b1", "b2", "b3"):
        with lan.inside(name):
            cleanup(Backend(name.upper(), (ADDRESSES[name], 9000)).stop)
    servers = [(ADDRESSES[name], 9000) for name in ("b1", "b2", "b3")]
    config = tcp_config(servers, bind=":8000", workers=2,
                        pool={"timeouts": {"connect": "300ms"}})
    with lan.inside("balancer"):
        balancer = Limeload(config, tmp_path)
    cleanup(balancer.end)
    balancer.await_ready()
    with lan.inside("client"):
        yield balancer


def test_requests_from_another_machine_go_to_each_server_in_turn(proxy):
    assert [ask(FRONT) for _ in range(4)] == ["B1", "B2", "B3", "B1"]
    assert proxy.await_sessions(4)[0]["client"].startswith(ADDRESSES["client"] + ":")


def test_with_a_cable_pulled_the_others_serve_and_after_plugging_in_all_do(lan, proxy):
    assert [ask(FRONT) for _ in range(3)] == ["B1", "B2", "B3"]
    lan.pull("b2")
    names = [ask(FRONT) for _ in range(6)]
    assert "B2" not in names and {"B1", "B3"} == set(names)
    lost = proxy.await_log(msg="connect failed")
    assert lost["server"] == ADDRESSES["b2"] + ":9000"
    lan.plug("b2")
    deadline = time.monotonic() + PATIENCE
    while ask(FRONT) != "B2":
        assert time.monotonic() < deadline, "B2 did not come back"
    turn = ["B1", "B2", "B3"]
    names = [ask(FRONT) for _ in range(6)]
    assert names in ([turn[(first + step) % 3] for step in range(6)] for first in range(3))


def test_sessions_on_other_servers_do_not_notice_and_one_on_the_pulled_cable_goes_on_after(
        lan, proxy):
    """TCP repeats what got lost, as it would without a balancer between."""
    clients = []
    for number in (1, 2, 3):
        clients.append(connect(FRONT))
        assert read_line(clients[-1]) == f"Hello from B{number}"
    lan.pull("b2")
    clients[1].sendall(b"into the dark")
    for _ in range(20):
        assert echo(clients[0], b"one") and echo(clients[2], b"three")
    lan.plug("b2")
    got = b""
    while len(got) < len(b"into the dark"):
        got += clients[1].recv(100)
    assert got == b"into the dark"
    for client in clients:
        assert echo(client, b"all again" * 1000)
        client.close()


def test_the_cable_of_the_client_pulled_and_plugged_in_delays_but_breaks_nothing(lan, proxy):
    with connect(FRONT) as client:
        read_line(client)
        lan.pull("client")
        client.sendall(b"delayed" * 100)
        lan.plug("client")
        got = 0
        while got < 700:
            got += len(client.recv(1000))


def test_the_balancers_own_cable_pulled_leaves_it_running(lan, proxy):
    lan.pull("balancer")
    asking = Task(ask, FRONT)  # its SYN is repeated until somebody answers
    lan.plug("balancer")
    assert asking.join() in ("B1", "B2", "B3")
    assert {ask(FRONT) for _ in range(6)} == {"B1", "B2", "B3"}
