# SPDX-License-Identifier: Apache-2.0
"""The demo server and the test client, as a person at a terminal meets them."""
import json
import random
import re
import signal
import socket
import time

import pytest
from support.peers import (Blackhole, Server, ask, connect, echo, read_line, read_to_end,
                           refusing_address)
from support.proxy import Program, parse_address, parse_logfmt, run, show_address


@pytest.fixture
def backend_program(cleanup):
    """backend_program("--delay", "1s"): a running `limeload backend` and its addresses."""
    def start(*words, listen=("127.0.0.1:0",), name="B1"):
        addresses = [word for address in listen for word in ("--listen", address)]
        program = Program("backend", *addresses, "--name", name, *words)
        cleanup(program.kill)
        program.addresses = []

        def listening(line):
            fields = parse_logfmt(line)
            if fields and fields.get("msg") == "listening":
                program.addresses.append(parse_address(fields["address"]))
            return len(program.addresses) == len(listen)
        program.await_line(listening)
        return program
    return start


def ask_client(address, *words):
    """The summary of `limeload client`, and how it exited."""
    done = run("client", show_address(address), "--json", *words)
    return json.loads(done.stdout), done.returncode


# The server.

def test_backend_says_hello_and_echoes_until_the_end(backend_program):
    program = backend_program()
    data = random.Random(1).randbytes(300000)
    with connect(program.addresses[0]) as client:
        assert read_line(client) == "Hello from B1"
        for start in range(0, len(data), 30000):
            assert echo(client, data[start:start + 30000])
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_backend_listens_on_several_addresses_of_every_kind(backend_program, tmp_path):
    path = str(tmp_path / "b.sock")
    program = backend_program(listen=["127.0.0.1:0", f"unix:{path}"])
    assert program.addresses[1] == path
    assert [ask(address) for address in program.addresses] == ["B1", "B1"]


def test_backend_without_greeting_only_echoes(backend_program):
    with connect(backend_program("--no-greeting").addresses[0]) as client:
        client.sendall(b"first words")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b"first words"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT],
                         ids=["TERM", "INT", "QUIT"])
def test_backend_ends_cleanly_on_signals_and_leaves_stdout_alone(backend_program, number):
    program = backend_program()
    with connect(program.addresses[0]) as client:
        read_line(client)
        program.send(number)
        assert program.wait() == 0
    assert program.output("stdout") == ""


def test_backend_delays_greeting_and_echo(backend_program):
    with connect(backend_program("--delay", "150ms").addresses[0]) as client:
        started = time.monotonic()
        read_line(client)
        greeted = time.monotonic()
        assert echo(client, b"ping")
        assert greeted - started > 0.14 and time.monotonic() - greeted > 0.14


def fates(address, count):
    """For each connection in turn, whether it was served."""
    seen = []
    for _ in range(count):
        try:
            seen.append(ask(address) == "B1")
        except ConnectionResetError:
            seen.append(False)
    return seen


def test_backend_fails_the_share_asked_for_and_the_same_ones_for_a_seed(backend_program):
    assert fates(backend_program("--fail", "100%").addresses[0], 5) == [False] * 5
    first, again, other = (fates(backend_program("--fail", "0.3", "--seed", seed).addresses[0], 60)
                           for seed in ("7", "7", "8"))
    assert first == again != other
    assert 5 <= first.count(False) <= 32  # 18 expected; six standard deviations either way


def test_backend_stalls_the_share_asked_for(backend_program):
    with connect(backend_program("--stall", "1").addresses[0], timeout=0.2) as client:
        client.sendall(b"anybody?")
        with pytest.raises(socket.timeout):
            client.recv(1)


def test_backend_closes_after_so_many_bytes(backend_program):
    program = backend_program("--close-after", "10", "--no-greeting")
    with connect(program.addresses[0]) as client:
        client.sendall(b"0123456789")
        assert read_to_end(client) == b"0123456789"


@pytest.mark.parametrize("words", [
    ["--name", "B1"], ["--listen", "127.0.0.1:0"],
    ["--listen", "nowhere", "--name", "B1"], ["--listen", "127.0.0.1:0", "--name", "two words"],
    ["--listen", "127.0.0.1:0", "--name", "B1", "--fail", "2"],
    ["--listen", "127.0.0.1:0", "--name", "B1", "--delay", "soon"],
], ids=" ".join)
def test_backend_with_a_wrong_command_line_is_status_64(words):
    done = run("backend", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert "help backend" in done.stderr


def test_backend_on_a_port_in_use_is_status_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = show_address(taken.getsockname())
        done = run("backend", "--listen", address, "--name", "B1")
    assert done.returncode == 1
    assert address in done.stderr and "in use" in done.stderr


# The client.

def test_client_shows_how_connections_are_spread(backends, limeload):
    proxy = limeload(backends(3), workers=2)
    summary, status = ask_client(proxy.address, "--count", "30", "--concurrency", "5")
    assert status == 0
    assert (summary["connections"], summary["good"], summary["failed"]) == (30, 30, 0)
    assert {row["name"]: row["count"] for row in summary["backends"]} == {
        "B1": 10, "B2": 10, "B3": 10}


def test_client_names_the_backend_of_each_connection_on_stdout(backends, limeload):
    proxy = limeload(backends(3))
    done = run("client", show_address(proxy.address), "--count", "4", "--message", "hi there")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^\s+\d+\s+(B\d)\s", done.stdout, re.M) == ["B1", "B2", "B3", "B1"]
    assert "4 good, 0 failed" in done.stdout


def test_client_fails_where_nobody_listens():
    holder, address = refusing_address()
    with holder:
        summary, status = ask_client(address, "--count", "3")
    assert status == 1
    assert (summary["good"], summary["failed"]) == (0, 3)
    assert "refused" in json.dumps(summary["errors"])


def test_client_does_not_wait_longer_than_told(cleanup):
    hole = Blackhole()
    cleanup(hole.stop)
    started = time.monotonic()
    summary, status = ask_client(hole.address, "--count", "1", "--timeout", "200ms")
    assert (status, summary["failed"]) == (1, 1)
    assert 0.19 < time.monotonic() - started < 3


@pytest.mark.parametrize("answer", [b"Hello from B1\nqing", b"Hello from B1\npin",
                                    b"Hello from B1\npingg", b""],
                         ids=["changed", "short", "long", "nothing"])
def test_client_notices_bytes_that_are_not_what_it_sent(cleanup, answer):
    def handler(peer):
        read_to_end(peer)
        peer.sendall(answer)
    server = Server(handler)
    cleanup(server.stop)
    summary, status = ask_client(server.address, "--count", "1")
    assert (status, summary["failed"]) == (1, 1)


def test_client_sums_up_when_it_is_interrupted(backends):
    server, = backends(1)
    program = Program("client", show_address(server.address), "--count", "0", "--interval", "5ms")
    try:
        program.await_line(lambda line: "B1" in line, "stdout")
        program.send(signal.SIGINT)
        assert program.wait() == 0
    finally:
        program.kill()
    assert "0 failed" in program.output("stdout")


@pytest.mark.parametrize("words", [[], ["no-port"], ["127.0.0.1:80", "--count", "many"],
                                   ["127.0.0.1:80", "surplus"]], ids=" ".join)
def test_client_with_a_wrong_command_line_is_status_64(words):
    done = run("client", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert "help client" in done.stderr
