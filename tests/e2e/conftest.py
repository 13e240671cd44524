# SPDX-License-Identifier: Apache-2.0
import contextlib
import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support.backend import Backend  # noqa: E402
from support.proxy import Limeload, tcp_config  # noqa: E402


def pytest_configure(config):
    """Tests hold thousands of connections; the binary raises its own limit by itself."""
    del config
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def cleanup():
    """cleanup(call): to be called after the test, last first, whatever the others do."""
    with contextlib.ExitStack() as stack:
        yield stack.callback


@pytest.fixture
def backends(cleanup):
    """backends(3): servers B1, B2 and B3 in threads of the test."""
    def make(count, first=1):
        made = [Backend(f"B{number}") for number in range(first, first + count)]
        for backend in made:
            cleanup(backend.stop)
        return made
    return make


@pytest.fixture
def limeload(tmp_path, cleanup):
    """limeload(servers, ...): a running balancer in front of them, ready for clients."""
    def start(servers, *, descriptors=None, env=None, **settings):
        addresses = [getattr(server, "address", server) for server in servers]
        proxy = Limeload(tcp_config(addresses, **settings), tmp_path, descriptors=descriptors,
                         env=env)
        cleanup(proxy.end)
        return proxy.await_ready()
    return start


@pytest.fixture
def limeload_with(tmp_path, cleanup):
    """limeload_with(config): the same for a configuration that the test writes itself."""
    def start(config, arguments=(), **options):
        proxy = Limeload(config, tmp_path, arguments, **options)
        cleanup(proxy.end)
        return proxy
    return start
