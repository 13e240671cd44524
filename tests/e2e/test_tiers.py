# SPDX-License-Identifier: Apache-2.0
"""Which servers are considered at all: backups, zones, subsets; and chains of algorithms."""
import collections

import pytest
from support.peers import ask, connect, expect_reset, read_line
from support.proxy import run, show_address

several_workers = pytest.mark.parametrize("workers", [1, 3])


def configuration(servers, workers=1, **pool):
    return {"workers": workers, "log": {"access": {"path": "stdout"}},
            "listeners": [{"name": "front", "bind": "127.0.0.1:0", "pool": "tiers"}],
            "pools": {"tiers": {"balance": "round_robin", "servers": servers, **pool}}}


def entry(backend, **more):
    return {"id": backend.name, "address": show_address(backend.address), **more}


@several_workers
def test_a_backup_serves_only_while_the_others_fail(backends, limeload_with, workers):
    one, two, spare = backends(3)
    servers = [entry(one), entry(spare, backup=True), entry(two)]
    proxy = limeload_with(configuration(servers, workers)).await_ready()
    assert {ask(proxy.address) for _ in range(12)} == {"B1", "B2"}
    one.stop()
    assert {ask(proxy.address) for _ in range(12)} == {"B2"}
    two.stop()
    assert {ask(proxy.address) for _ in range(6)} == {"B3"}
    spare.stop()
    expect_reset(proxy.address)


@several_workers
def test_servers_of_the_own_zone_come_first_and_others_before_backups(
        backends, limeload_with, workers):
    near, far, spare = backends(3)
    servers = [entry(far, zone="west"), entry(spare, zone="east", backup=True),
               entry(near, zone="east")]
    proxy = limeload_with(configuration(servers, workers, zone="east")).await_ready()
    assert {ask(proxy.address) for _ in range(6)} == {"B1"}
    near.stop()
    assert {ask(proxy.address) for _ in range(6)} == {"B2"}
    far.stop()
    assert {ask(proxy.address) for _ in range(6)} == {"B3"}


def test_a_zone_that_no_server_is_in_is_an_error(tmp_path):
    file = tmp_path / "zone.yaml"
    file.write_text('listeners: [{bind: ":0", pool: p}]\n'
                    'pools:\n  p:\n    zone: eats\n'
                    '    servers: [{address: "127.0.0.1:1", zone: east}]\n')
    done = run("check", "-c", str(file))
    assert done.returncode == 1
    assert f'{file}:4:11: zone: no server of this pool is in zone "eats" (' in done.stderr


def test_a_subset_uses_so_many_and_the_seed_says_which(backends, limeload_with):
    servers = [entry(backend) for backend in backends(6)]
    used = collections.Counter()
    for seed in range(1, 9):
        proxy = limeload_with(configuration(servers, subset={"size": 2, "seed": seed}))
        proxy.await_ready()
        names = {ask(proxy.address) for _ in range(8)}
        assert len(names) == 2
        used.update(names)
        proxy.end()
    assert len(used) > 3  # different balancers take different ones


def test_a_client_sticks_to_its_server_by_address(backends, limeload_with):
    servers = [entry(backend) for backend in backends(3)]
    proxy = limeload_with(configuration(servers, 2, balance=["sticky_ip", "round_robin"]))
    proxy.await_ready()
    assert len({ask(proxy.address) for _ in range(10)}) == 1


def test_a_client_that_sticks_goes_elsewhere_when_its_server_is_gone_and_stays_there(
        backends, limeload_with):
    three = backends(3)
    proxy = limeload_with(configuration([entry(backend) for backend in three], 2,
                                        balance=["sticky_ip", "round_robin"]))
    proxy.await_ready()
    home = ask(proxy.address)
    next(backend for backend in three if backend.name == home).stop()
    names = {ask(proxy.address) for _ in range(10)}
    assert len(names) == 1 and home not in names


@pytest.mark.parametrize("balance", ["ip_hash", "maglev", "ring_hash", "rendezvous"])
def test_hashing_sends_an_address_to_one_server(backends, limeload_with, balance):
    servers = [entry(backend) for backend in backends(3)]
    proxy = limeload_with(configuration(servers, 2, balance=balance)).await_ready()
    assert len({ask(proxy.address) for _ in range(10)}) == 1


@pytest.mark.parametrize("balance", ["least_connections", "weighted_least_connections"])
@several_workers
def test_least_connections_evens_out_what_is_open(backends, limeload_with, balance, workers):
    servers = [entry(backend) for backend in backends(3)]
    proxy = limeload_with(configuration(servers, workers, balance=balance)).await_ready()
    held, names = [], []
    for _ in range(12):
        held.append(connect(proxy.address))
        names.append(read_line(held[-1]).split()[-1])
    assert set(collections.Counter(names).values()) == {4}
    for client, name in zip(list(held), list(names)):
        if name == "B2":  # B2 has none left, so the next four go there
            client.close()
    proxy.await_sessions(4)
    again = [connect(proxy.address) for _ in range(4)]
    assert [read_line(client) for client in again] == ["Hello from B2"] * 4
    for client in held + again:
        client.close()


def test_weights_are_exact(backends, limeload_with):
    servers = [entry(backend, weight=weight) for backend, weight in zip(backends(3), (5, 1, 1))]
    proxy = limeload_with(configuration(servers, 1, balance="weighted_round_robin"))
    proxy.await_ready()
    order = [ask(proxy.address) for _ in range(14)]
    assert order == ["B1", "B1", "B2", "B1", "B3", "B1", "B1"] * 2


@pytest.mark.parametrize("balance", [
    "round_robin", "weighted_round_robin", "random", "weighted_random", "least_connections",
    "weighted_least_connections", "p2c", "least_time", "peak_ewma", "ip_hash", "maglev",
    "ring_hash", "bounded_hash", "rendezvous", "first", "prequal", "sticky_ip"])
def test_every_algorithm_serves_and_fails_over(backends, limeload_with, balance):
    three = backends(3)
    proxy = limeload_with(configuration([entry(backend) for backend in three], 3,
                                        balance=balance)).await_ready()
    assert all(ask(proxy.address) in ("B1", "B2", "B3") for _ in range(10))
    three[0].stop()
    three[1].stop()
    assert {ask(proxy.address) for _ in range(10)} == {"B3"}
