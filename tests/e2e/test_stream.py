# SPDX-License-Identifier: Apache-2.0
"""Bytes are never lost, reordered or doubled; ends and resets arrive as what they were."""
import contextlib
import os
import random
import select
import socket
import subprocess
import threading
import time

import pytest
from support.network import own_machine
from support.peers import (Server, Task, connect, read_exactly, read_line, read_to_end,
                           receive_stream, reset, send_stream)
from support.proxy import PATIENCE, SANITIZER

MIB = 1 << 20


@pytest.fixture
def through(limeload, cleanup):
    """through(handler): a client of a balancer in front of a server that does that."""
    def start(handler, receive_buffer=None, **settings):
        server = Server(handler, receive_buffer=receive_buffer)
        cleanup(server.stop)
        proxy = limeload([server], **settings)
        return server, proxy
    return start


def test_a_client_that_has_ended_its_side_still_gets_the_whole_answer(through):
    def handler(peer):
        request = read_to_end(peer)
        peer.sendall(request[::-1] * 1000)
    server, proxy = through(handler)
    with connect(proxy.address) as client:
        client.sendall(b"request")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b"tseuqer" * 1000
    server.result()


def test_a_server_that_has_ended_its_side_still_gets_all_that_the_client_sends(through):
    def handler(peer):
        peer.sendall(b"banner")
        peer.shutdown(socket.SHUT_WR)
        return read_to_end(peer)
    server, proxy = through(handler)
    with connect(proxy.address) as client:
        assert read_to_end(client) == b"banner"
        for _ in range(50):
            client.sendall(b"after the end " * 100)
    assert server.result() == b"after the end " * 5000


def test_a_session_in_which_nobody_says_a_word_ends_cleanly(through):
    server, proxy = through(read_to_end)
    with connect(proxy.address) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert server.result() == b""


@pytest.mark.parametrize("size", [1, 1447, 65535, 65536, 65537, 131072, 3 * MIB + 1])
def test_end_of_file_comes_after_every_byte_before_it(through, size):
    """Sent in one go and closed at once; the reader takes small pieces and cannot keep up."""
    data = random.Random(size).randbytes(size)
    server, proxy = through(lambda peer: peer.sendall(data))
    with connect(proxy.address, receive_buffer=8192) as client:
        got = bytearray()
        while piece := client.recv(5000):
            got += piece
    assert got == data
    server.result()


@pytest.fixture(params=[4096, 20000])
def send_buffer(request):
    """Small enough that a send takes but a part of what the proxy has, and the next one again."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(own_machine(request.param))
        except OSError as error:
            pytest.skip(f"network namespaces are not permitted here: {error}")
        yield request.param


@pytest.mark.parametrize("receive_buffer", [4096, 400000])
@pytest.mark.parametrize("reader", ["client", "server"])
def test_through_buffers_of_any_size_bytes_arrive_whole_and_then_the_end(
        send_buffer, through, reader, receive_buffer):
    size = 2 * MIB

    def read(peer):
        return receive_stream(peer, seed=1)

    def write(peer):
        return size, send_stream(peer, size, seed=send_buffer)
    at_client, at_server = (read, write) if reader == "client" else (write, read)
    server, proxy = through(at_server, receive_buffer=receive_buffer)
    with connect(proxy.address, receive_buffer=receive_buffer) as client:
        seen = at_client(client)
        assert server.result() == seen


def test_a_reset_by_the_client_reaches_the_server_as_a_reset(through):
    greeted = threading.Event()

    def handler(peer):
        assert read_exactly(peer, 5) == b"hello"
        greeted.set()
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    server, proxy = through(handler)
    client = connect(proxy.address)
    client.sendall(b"hello")
    assert greeted.wait(PATIENCE)
    reset(client)
    server.result()
    assert proxy.await_sessions(1)[0]["reason"] == "client_reset"


def test_a_reset_by_the_server_reaches_the_client_as_a_reset_after_the_bytes_before_it(through):
    def handler(peer):
        peer.sendall(b"last words")
        assert peer.recv(1) == b"k"  # they have arrived
        reset(peer)
    server, proxy = through(handler)
    with connect(proxy.address) as client:
        assert read_exactly(client, 10) == b"last words"
        client.sendall(b"k")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    server.result()
    assert proxy.await_sessions(1)[0]["reason"] == "server_reset"


@pytest.mark.parametrize("resetting", ["client", "server"])
def test_a_reset_after_the_other_side_has_ended_is_still_a_reset(through, resetting):
    def handler(peer):
        if resetting == "server":
            assert peer.recv(1) == b""
            reset(peer)
            return
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    server, proxy = through(handler)
    client = connect(proxy.address)
    if resetting == "server":
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        client.close()
    else:
        assert client.recv(1) == b""
        reset(client)
    server.result()


def test_a_reset_reaches_a_peer_that_reads_nothing(through):
    """The proxy holds bytes that the server does not take; the client's break must not wait for
    them."""
    full, broken = threading.Event(), threading.Event()

    def handler(peer):
        assert full.wait(PATIENCE)
        poller = select.poll()
        poller.register(peer, select.POLLERR)  # reports a reset without reading
        assert poller.poll(PATIENCE * 1000)
        broken.set()
    server, proxy = through(handler, receive_buffer=4096)
    client = connect(proxy.address)
    fill(client)
    full.set()
    reset(client)
    assert broken.wait(PATIENCE)
    server.result()


def fill(peer):
    """Sends until nothing has been taken for a while; returns how much was."""
    peer.setblocking(False)
    sent, block = 0, b"\0" * 65536
    while select.select([], [peer], [], 0.3)[1]:
        with contextlib.suppress(BlockingIOError):
            sent += peer.send(block)
    peer.settimeout(PATIENCE)
    return sent


SIZES = [pytest.param(32 * MIB if SANITIZER else 256 * MIB, id="usual"),
         pytest.param(1 << 30, id="1GiB", marks=pytest.mark.skipif(
             not os.environ.get("LIMELOAD_SLOW"), reason="slow: set LIMELOAD_SLOW=1"))]


@pytest.mark.parametrize("size", SIZES)
def test_streams_both_ways_at_once_in_random_pieces_with_pauses_arrive_unchanged(through, size):
    """The pauses are part of the stimulus: they let buffers run empty and full."""
    def pause():
        time.sleep(0.002)

    def handler(peer):
        sending = Task(send_stream, peer, size, seed=2, pause=pause)
        received = receive_stream(peer, seed=3, pause=pause)
        return sending.join(600), received
    server, proxy = through(handler)
    with connect(proxy.address) as client:
        client.settimeout(PATIENCE)
        sending = Task(send_stream, client, size, seed=4, pause=pause)
        to_client = receive_stream(client, seed=5, pause=pause)
        to_server_checksum = sending.join(600)
    to_client_checksum, to_server = server.result(600)
    assert to_client == (size, to_client_checksum)
    assert to_server == (size, to_server_checksum)
    session, = proxy.await_sessions(1)
    assert (session["bytes_in"], session["bytes_out"]) == (str(size), str(size))


def test_many_streams_at_once_are_not_mixed_up(through):
    size = MIB if SANITIZER else 4 * MIB

    def handler(peer):
        seed = int.from_bytes(read_exactly(peer, 4), "big")
        sending = Task(send_stream, peer, size, seed=seed)
        received = receive_stream(peer, seed=seed)
        return seed, sending.join(), received
    server, proxy = through(handler, workers=2)

    def client(seed):
        with connect(proxy.address) as peer:
            peer.sendall(seed.to_bytes(4, "big"))
            sending = Task(send_stream, peer, size, seed=1000 + seed)
            received = receive_stream(peer, seed=seed)
            return sending.join(), received
    tasks = [Task(client, seed) for seed in range(12)]
    at_clients = [task.join() for task in tasks]
    at_servers = {seed: outcome for seed, *outcome in (server.result() for _ in tasks)}
    for seed, (sent, received) in enumerate(at_clients):
        server_sent, server_received = at_servers[seed]
        assert received == (size, server_sent)
        assert server_received == (size, sent)


def test_a_reader_that_stops_stops_the_sender_and_memory_stays_bounded(through):
    sessions, go_on = 16, threading.Event()

    def handler(peer):
        assert go_on.wait(PATIENCE * 2)
        return len(read_to_end(peer))
    server, proxy = through(handler, receive_buffer=4096)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(proxy.address)) for _ in range(sessions)]
        before = proxy.resident_kib()
        sent = [Task(fill, client) for client in clients]
        sent = [task.join() for task in sent]
        grown = proxy.resident_kib() - before
        for amount in sent:
            assert 0 < amount < 16 * MIB  # what the kernel's own buffers hold, and no more
        if not SANITIZER:
            assert grown < sessions * 128, f"{grown} KiB for {sessions} stopped sessions"
        go_on.set()
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        received = [server.result() for _ in clients]
        assert sorted(received) == sorted(sent)


def test_one_way_stopped_does_not_stop_the_other_way(through):
    """The server sends without end and the client does not read; what the client sends arrives."""
    done = threading.Event()

    def handler(peer):
        def flood():
            with contextlib.suppress(OSError):
                while not done.is_set():
                    peer.sendall(b"x" * 65536)
        flooding = Task(flood)
        data = read_exactly(peer, 3 * MIB)
        done.set()
        return data, flooding
    server, proxy = through(handler)
    data = random.Random(7).randbytes(3 * MIB)
    with connect(proxy.address, receive_buffer=4096) as client:
        client.sendall(data)
        received, flooding = server.result()
        assert received == data
    flooding.join()


def test_small_writes_are_not_held_back(through):
    """Two small writes and then an answer, again and again: where the second one waits for the
    acknowledgement of the first (Nagle's algorithm), each round takes 40 ms."""
    rounds = 100

    def handler(peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(rounds):
            assert read_exactly(peer, 2) == b"ab"
            peer.sendall(b"c")
            peer.sendall(b"d")
    server, proxy = through(handler)
    with connect(proxy.address) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.monotonic()
        for _ in range(rounds):
            client.sendall(b"a")
            client.sendall(b"b")
            assert read_exactly(client, 2) == b"cd"
        assert time.monotonic() - started < rounds * 0.02
    server.result()


def test_a_client_that_vanishes_is_noticed_by_probing(through):
    """Keepalive is on; the kernel tells when it will probe next."""
    server, proxy = through(lambda peer: (peer.sendall(b"hi"), read_to_end(peer)))
    with connect(proxy.address) as client:
        assert read_exactly(client, 2) == b"hi"
        port = client.getsockname()[1]
        shown = subprocess.run(["ss", "-Htno", f"dport = :{port}"], capture_output=True, text=True)
        assert "keepalive" in shown.stdout, shown.stdout


def test_the_greeting_of_a_server_that_speaks_first_does_not_wait_for_the_client(through):
    server, proxy = through(lambda peer: (peer.sendall(b"220 ready\n"), read_to_end(peer))[1])
    with connect(proxy.address) as client:
        assert read_line(client) == "220 ready"
    assert server.result() == b""
