# SPDX-License-Identifier: Apache-2.0
"""IPv4, IPv6 and Unix sockets, in front and behind."""
import socket
import stat

import pytest
from support.backend import Backend
from support.peers import ask, connect, echo, read_line
from support.proxy import show_address


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture
def backend_at(cleanup):
    def make(address, name="B1"):
        backend = Backend(name, address)
        cleanup(backend.stop)
        return backend
    return make


@pytest.mark.parametrize("workers", [1, 3])
def test_a_unix_socket_in_front_and_one_behind(backend_at, limeload, tmp_path, workers):
    front = str(tmp_path / "front.sock")
    servers = [backend_at(str(tmp_path / f"b{number}.sock"), f"B{number}") for number in (1, 2)]
    proxy = limeload(servers, bind=f"unix:{front}", workers=workers)
    assert proxy.address == front
    assert [ask(front) for _ in range(4)] == ["B1", "B2", "B1", "B2"]
    with connect(front) as client:
        read_line(client)
        assert echo(client, b"y" * 300000)
    sessions = proxy.await_sessions(5)
    assert {line["server"] for line in sessions} == {f"unix:{server.address}" for server in servers}
    assert proxy.stop() == 0
    assert not (tmp_path / "front.sock").exists()


def test_the_file_of_a_killed_balancer_is_replaced(backend_at, limeload, tmp_path):
    front = tmp_path / "front.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(front))  # and nobody listens on it any more
    assert stat.S_ISSOCK(front.stat().st_mode)
    limeload([backend_at(("127.0.0.1", 0))], bind=f"unix:{front}")
    assert ask(str(front)) == "B1"


def test_the_socket_of_a_live_server_is_not_taken_away(backend_at, limeload_with, tmp_path):
    live = backend_at(str(tmp_path / "live.sock"))
    proxy = limeload_with({
        "listeners": [{"bind": f"unix:{live.address}", "pool": "echo"}],
        "pools": {"echo": {"servers": ["127.0.0.1:9001"]}}})
    assert proxy.wait() == 1
    assert "live.sock" in proxy.output("stderr")
    assert ask(live.address) == "B1"


def test_a_file_that_is_no_socket_is_not_overwritten(limeload_with, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("do not touch")
    proxy = limeload_with({
        "listeners": [{"bind": f"unix:{precious}", "pool": "echo"}],
        "pools": {"echo": {"servers": ["127.0.0.1:9001"]}}})
    assert proxy.wait() == 1
    assert "precious" in proxy.output("stderr")
    assert precious.read_text() == "do not touch"


@needs_ipv6
def test_ipv6_in_front_and_behind(backend_at, limeload):
    server = backend_at(("::1", 0))
    proxy = limeload([server], bind="[::1]:0", workers=2)
    assert proxy.address[0] == "::1"
    assert [ask(proxy.address) for _ in range(4)] == ["B1"] * 4
    session = proxy.await_sessions(4)[0]
    assert session["client"].startswith("[::1]:")
    assert session["server"] == show_address(server.address)


@needs_ipv6
def test_ipv4_in_front_and_ipv6_behind_and_the_reverse(backend_at, limeload, limeload_with):
    proxy = limeload([backend_at(("::1", 0), "B6"), backend_at(("127.0.0.1", 0), "B4")],
                     bind=["127.0.0.1:0", "[::1]:0"])
    four, six = proxy.addresses()
    assert [ask(four), ask(six), ask(six), ask(four)] == ["B6", "B4", "B6", "B4"]


@needs_ipv6
def test_a_bind_without_host_takes_clients_of_both_families(backend_at, limeload):
    proxy = limeload([backend_at(("127.0.0.1", 0))], bind=":0")
    port = proxy.address[1]
    assert ask(("127.0.0.1", port)) == "B1"
    assert ask(("::1", port)) == "B1"
    clients = [line["client"] for line in proxy.await_sessions(2)]
    assert clients[0].startswith("127.0.0.1:"), "an IPv4 client is shown as one"
    assert clients[1].startswith("[::1]:")


def test_several_listeners_share_one_pool_and_its_turn(backends, limeload):
    proxy = limeload(backends(3), bind=["127.0.0.1:0", "127.0.0.1:0"], workers=2)
    first, second = proxy.addresses()
    assert first != second
    names = [ask(address) for _ in range(3) for address in (first, second)]
    assert names == ["B1", "B2", "B3"] * 2


def test_listeners_with_pools_of_their_own_do_not_mix(backends, limeload_with):
    servers = backends(4)
    pools = {"left": servers[:2], "right": servers[2:]}
    proxy = limeload_with({
        "listeners": [{"name": name, "bind": "127.0.0.1:0", "pool": name} for name in pools],
        "pools": {name: {"balance": "round_robin",
                         "servers": [show_address(server.address) for server in members]}
                  for name, members in pools.items()},
    }).await_ready()
    left, right = proxy.addresses()
    assert [ask(left), ask(right), ask(left), ask(right)] == ["B1", "B3", "B2", "B4"]
