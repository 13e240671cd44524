# SPDX-License-Identifier: Apache-2.0
"""Clients, and servers whose conduct the test writes out itself."""
import contextlib
import queue
import random
import socket
import struct
import threading
import zlib

from support.proxy import PATIENCE


def family_of(address):
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def connect(address, timeout=None, receive_buffer=None):
    client = socket.socket(family_of(address), socket.SOCK_STREAM)
    try:
        client.settimeout(timeout or PATIENCE)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(address)
    except BaseException:
        client.close()
        raise
    return client


def read_line(peer):
    """Byte by byte, so that what follows stays in the socket."""
    line = b""
    while not line.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            raise EOFError(f"end of file after {line!r}")
        line += byte
    return line.decode().rstrip("\n")


def read_exactly(peer, size):
    data = bytearray()
    while len(data) < size:
        piece = peer.recv(min(size - len(data), 1 << 16))
        if not piece:
            raise EOFError(f"end of file after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def read_to_end(peer):
    data = bytearray()
    while piece := peer.recv(1 << 16):
        data += piece
    return bytes(data)


def reset(peer):
    """Closes with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def expect_reset(address, timeout=None):
    """A client that is reset without a word. So quickly, perhaps, that connecting ends in it."""
    try:
        with connect(address, timeout) as client:
            data = client.recv(100)
    except ConnectionResetError:
        return
    raise AssertionError(f"not reset; got {data!r}")


def ask(address, timeout=None):
    """The name of the server that answers; the session is then closed in the usual way."""
    with connect(address, timeout) as client:
        name = read_line(client).removeprefix("Hello from ")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
        return name


def echo(client, message):
    client.sendall(message)
    return read_exactly(client, len(message)) == message


class Server:
    """Runs handler(connection) in a thread for each connection; result() hands over what the next
    handler to end returned, or raises what it raised."""

    def __init__(self, handler, address=("127.0.0.1", 0), backlog=128, receive_buffer=None):
        self._handler = handler
        self._results = queue.Queue()
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(family_of(address), socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(address)
        self._listener.listen(backlog)
        bound = self._listener.getsockname()
        self.address = bound if isinstance(bound, str) else bound[:2]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.settimeout(PATIENCE)
            with self._lock:
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            result = self._handler(peer), None
        except Exception as error:  # handed to the test, which knows whether it is one
            result = None, error
        with self._lock:
            self._open.discard(peer)
        peer.close()
        self._results.put(result)

    def result(self, timeout=None):
        value, error = self._results.get(timeout=timeout or PATIENCE)
        if error is not None:
            raise error
        return value

    def stop(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listener.close()
        with self._lock:
            for peer in self._open:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


def refusing_address():
    """An address at which nobody listens, and that nobody else is given while it is held: a bound
    socket without listen() refuses. Returns (holder, address)."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()


class Blackhole:
    """Answers nothing: a listener whose queue is full, so that the kernel drops each SYN."""

    def __init__(self):
        self._sockets = [socket.socket()]
        self._sockets[0].bind(("127.0.0.1", 0))
        self._sockets[0].listen(0)
        self.address = self._sockets[0].getsockname()
        # With a backlog of 0 the queue is full after one.
        self._sockets.append(connect(self.address))

    def stop(self):
        for held in self._sockets:
            held.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


class Pool:
    """Random bytes, made once; a stream is cut out of them at random places and lengths, so that
    lost, doubled or swapped bytes change its checksum."""

    SIZE = 4 << 20
    _bytes = None

    def __init__(self, seed, most=1 << 18):
        if Pool._bytes is None:
            Pool._bytes = random.Random(1).randbytes(Pool.SIZE)
        self._view = memoryview(Pool._bytes)
        self._random = random.Random(seed)
        self._most = most

    def piece(self, left):
        size = min(left, int(self._most ** self._random.random()))  # small ones as often as big
        start = self._random.randrange(self.SIZE - size)
        return self._view[start:start + size]

    def chance(self, one_in):
        return self._random.randrange(one_in) == 0


def send_stream(peer, size, seed, pause=None):
    """Sends size random bytes in random pieces and then end of file; returns their checksum.
    pause() is called now and then."""
    pool, checksum = Pool(seed), 0
    while size > 0:
        piece = pool.piece(size)
        peer.sendall(piece)
        checksum = zlib.crc32(piece, checksum)
        size -= len(piece)
        if pause and pool.chance(500):
            pause()
    peer.shutdown(socket.SHUT_WR)
    return checksum


def receive_stream(peer, seed, pause=None):
    """Reads to the end of file in random pieces; returns (size, checksum)."""
    chooser, size, checksum = random.Random(seed), 0, 0
    buffer = memoryview(bytearray(1 << 18))
    while got := peer.recv_into(buffer[:chooser.randrange(1, len(buffer))]):
        checksum = zlib.crc32(buffer[:got], checksum)
        size += got
        if pause and chooser.randrange(500) == 0:
            pause()
    return size, checksum


class Task:
    """A call in a thread, whose result or exception is collected by join()."""

    def __init__(self, call, *arguments, **options):
        self._outcome = None
        self._thread = threading.Thread(target=self._run, args=(call, arguments, options),
                                        daemon=True)
        self._thread.start()

    def _run(self, call, arguments, options):
        try:
            self._outcome = call(*arguments, **options), None
        except BaseException as error:
            self._outcome = None, error

    def join(self, timeout=None):
        self._thread.join(timeout or PATIENCE)
        assert not self._thread.is_alive(), "still running"
        value, error = self._outcome
        if error is not None:
            raise error
        return value
