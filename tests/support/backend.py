# SPDX-License-Identifier: Apache-2.0
"""A server that says "Hello from NAME" and then echoes until end of file.

In a thread of the test (Backend), or as a process of its own that can be killed and stopped
(BackendProcess, which runs this file).
"""
import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading


class Greeter(asyncio.Protocol):
    """Echoes with back-pressure: while the client takes nothing, nothing is read from it."""

    def __init__(self, owner):
        self.owner = owner

    def connection_made(self, transport):
        self.transport = transport
        self.owner.served += 1
        self.owner.live.add(transport)
        if self.owner.greeting:
            transport.write(self.owner.greeting)

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def eof_received(self):
        return False  # closes after what is still to be written

    def connection_lost(self, error):
        self.owner.live.discard(self.transport)


async def listen(owner, address, backlog):
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        return await loop.create_unix_server(lambda: Greeter(owner), address, backlog=backlog)
    return await loop.create_server(lambda: Greeter(owner), address[0], address[1],
                                    backlog=backlog)


class Backend:
    """Runs from construction until stop(). With name None it only echoes."""

    def __init__(self, name="B1", address=("127.0.0.1", 0), backlog=4096):
        self.name = name
        self.greeting = f"Hello from {name}\n".encode() if name else b""
        self.served = 0
        self.live = set()
        self.address = None
        self._started = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(address, backlog), daemon=True)
        self._thread.start()
        self._started.wait()
        if self._error:
            raise self._error

    def _run(self, address, backlog):
        asyncio.run(self._serve(address, backlog))

    async def _serve(self, address, backlog):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await listen(self, address, backlog)
        except OSError as error:
            self._error = error
            self._started.set()
            return
        bound = server.sockets[0].getsockname()
        self.address = bound if isinstance(bound, str) else bound[:2]
        self._started.set()
        await self._stop.wait()
        server.close()
        for transport in list(self.live):
            transport.abort()

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


class BackendProcess:
    """The same in a process, which keeps its address when it is started again. It is not the
    address from which clients on this machine call: one of them could be given the port
    meanwhile."""

    def __init__(self, name="B1", address=("127.0.0.9", 0)):
        self.name, self.address = name, address
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, f"{self.address[0]}", f"{self.address[1]}", self.name],
            stdout=subprocess.PIPE)
        port = self.process.stdout.readline()  # it listens
        assert port, f"{self.name} did not start"
        self.address = self.address[0], int(port)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    stop = kill

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


class _Alone:
    """What Greeter wants of its owner, in a process of its own."""

    def __init__(self, name):
        self.greeting = f"Hello from {name}\n".encode()
        self.served = 0
        self.live = set()


async def _serve_alone(host, port, name):
    server = await listen(_Alone(name), (host, port), socket.SOMAXCONN)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("name")
    given = parser.parse_args()
    asyncio.run(_serve_alone(given.host, given.port, given.name))
