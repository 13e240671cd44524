# SPDX-License-Identifier: Apache-2.0
"""Starting, or saying in one run all that keeps it from starting."""
import pathlib
import json
import re
import resource
import socket

import pytest
from support.peers import ask
from support.proxy import PATIENCE, SANITIZER, run, show_address, tcp_config

GOOD = """\
listeners:
  - bind: "127.0.0.1:0"
    pool: echo
pools:
  echo:
    balance: round_robin
    servers: ["127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"]
"""


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        file = tmp_path / "limeload.yaml"
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        return file
    return write_config


def problems(output, file):
    """(line, column, text) of each problem."""
    pattern = re.compile(re.escape(str(file)) + r":(\d+):(\d+): (.*)")
    return [(int(line), int(column), text) for line, column, text in pattern.findall(output)]


def test_a_good_configuration_is_called_good(write):
    file = write(GOOD)
    for words in (["check"], ["run", "-t"]):
        done = run(*words, "-c", str(file))
        assert done.returncode == 0, done.stderr
        assert not problems(done.stdout + done.stderr, file)


def test_json_works_as_it_is(write):
    file = write(tcp_config([("127.0.0.1", 9001)]))
    assert run("check", "-c", str(file)).returncode == 0


def test_the_configuration_of_the_current_folder_is_used(write, tmp_path):
    write(GOOD.replace("round_robin", "no_such_algorithm"))
    done = run("check", cwd=tmp_path)
    assert done.returncode == 1
    assert "no_such_algorithm" in done.stdout + done.stderr


def test_without_any_configuration_the_built_in_one_is_good(tmp_path):
    assert run("check", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("words", [["check"], ["run"], ["run", "-t"]])
def test_every_mistake_is_shown_with_place_and_remedy(write, words):
    file = write("""\
listeners:
  - bind: "127.0.0.1:99999"
    poool: echo
pools:
  echo:
    balance: round_robbin
    timeouts: {connect: 5parsecs}
    servers: ["127.0.0.1:9001"]
""")
    done = run(*words, "-c", str(file))
    assert done.returncode == 1
    found = {line: text for line, _, text in problems(done.stdout + done.stderr, file)}
    assert set(found) >= {2, 3, 6, 7}, done.stdout + done.stderr
    assert "pool" in found[3] and "(" in found[3]
    assert "round_robin" in found[6]


@pytest.mark.parametrize("broken, line, column", [
    (GOOD.replace("balance:", "balence:"), 6, 5),
    (GOOD.replace("    pool: echo", "    pool: ecko"), 3, 11),
    (GOOD.replace("    balance", "    balance: random\n    balance"), 7, 5),
    (GOOD.replace('"127.0.0.1:9003"', '"127.0.0.1"'), 7, 51),
    (GOOD.replace('"127.0.0.1:9003"', '"127.0.0.1:9001"'), 7, 51),
    (GOOD + "workers: many\n", 8, 10),
    (GOOD + "pools: [\n", 8, None),
    (GOOD + "log: {level: info, colour: red}\n", 8, 20),
], ids=["unknown key", "unknown pool", "duplicate key", "no port", "duplicate server",
        "bad number", "broken yaml", "unknown key in a line"])
def test_a_mistake_is_shown_where_it_is(write, broken, line, column):
    file = write(broken)
    done = run("check", "-c", str(file))
    assert done.returncode == 1
    places = [(at, col) for at, col, _ in problems(done.stdout + done.stderr, file)]
    if column is None:
        assert any(at >= line for at, _ in places), done.stderr
    else:
        assert (line, column) in places, done.stdout + done.stderr


def test_variables_and_included_files_are_filled_in(backends, limeload_with, tmp_path):
    server, = backends(1)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "pools.yaml").write_text(
        'pools: {echo: {servers: ["${HOST:-127.0.0.1}:${PORT}"]}}\n')
    proxy = limeload_with('include: conf.d/*.yaml\n'
                          'listeners: [{bind: "127.0.0.1:0", pool: echo}]\n',
                          env={"PORT": str(server.address[1])}).await_ready()
    assert ask(proxy.address) == "B1"


def test_a_variable_that_is_not_set_is_shown_where_it_is(write):
    file = write(GOOD.replace("pool: echo", "pool: ${NO_SUCH_VARIABLE}"))
    done = run("check", "-c", str(file))
    assert done.returncode == 1
    assert (3, 11) in [(line, column) for line, column, _ in problems(done.stderr, file)]
    assert "NO_SUCH_VARIABLE" in done.stderr


def test_servers_in_the_long_form_are_named_by_their_id(backends, limeload):
    first, second = backends(2)
    proxy = limeload([{"id": "red", "address": show_address(first.address)},
                      {"id": "blue", "address": show_address(second.address)}])
    assert [ask(proxy.address) for _ in range(2)] == ["B1", "B2"]
    assert [line["server"] for line in proxy.await_sessions(2)] == ["red", "blue"]


@pytest.mark.parametrize("bomb", [
    "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{after}: &{after} [{', '.join(['*' + before] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi")),
    "[" * 100000,
    "- " * 100000,
    "# a comment\n" * 2000000,
    "listeners: &again {bind: *again}\n",
], ids=["aliases", "brackets", "dashes", "size", "circle"])
def test_a_hostile_file_is_refused_quickly_and_in_little_memory(write, bomb):
    file = write(bomb)
    done = run("check", "-c", str(file), timeout=PATIENCE / 2,
               preexec_fn=None if SANITIZER else lambda: resource.setrlimit(
                   resource.RLIMIT_AS, (512 << 20, 512 << 20)))
    assert done.returncode == 1
    assert str(file) in done.stderr and "out of memory" not in done.stderr


def test_a_missing_file_is_said_clearly(tmp_path):
    for words in (["check"], ["run"]):
        done = run(*words, "-c", str(tmp_path / "nowhere.yaml"))
        assert done.returncode == 1
        assert "nowhere.yaml" in done.stdout + done.stderr


def test_a_port_in_use_is_said_clearly(write):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = write(GOOD.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        done = run("run", "-c", str(file))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "in use" in done.stderr
    assert problems(done.stderr, file)


def test_an_address_of_another_machine_is_said_clearly(write):
    file = write(GOOD.replace("127.0.0.1:0", "192.0.2.1:8000"))
    done = run("run", "-c", str(file))
    assert done.returncode == 1
    assert "192.0.2.1:8000" in done.stderr


def test_two_that_listen_on_one_port_are_never_both_started(backends, limeload, write):
    """Each worker has a socket of its own on the port, so the kernel would let a second balancer
    in, which would then silently take half of the clients."""
    proxy = limeload(backends(1), workers=2)
    file = write(GOOD.replace("127.0.0.1:0", "127.0.0.1:%d" % proxy.address[1]))
    done = run("run", "-c", str(file))
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert ask(proxy.address) == "B1"


@pytest.mark.parametrize("words", [
    ["no-such-verb"], ["run", "--no-such-option"], ["run", "-c"], ["check", "surplus", "words"],
    ["run", "--log-format", "xml"], ["--no-such-option"],
], ids=" ".join)
def test_a_wrong_command_line_is_status_64_and_points_to_help(words):
    done = run(*words)
    assert done.returncode == 64
    assert done.stdout == ""
    assert "limeload" in done.stderr and "help" in done.stderr


def test_help_and_version_are_results_and_go_to_stdout():
    for words in (["help"], ["help", "run"], ["help", "check"], ["version"], ["run", "--help"]):
        done = run(*words)
        assert done.returncode == 0, words
        assert done.stdout and done.stderr == "", words
    assert re.match(r"limeload \d+\.\d+\.\d+", run("version").stdout)
    assert "round" in run("help", "run").stdout or "balance" in run("help", "run").stdout


def test_no_colours_where_the_output_is_no_terminal(write):
    for words in (["help"], ["version"], ["check", "-c", str(write(GOOD + "x: 1\n"))]):
        done = run(*words)
        assert "\x1b" not in done.stdout + done.stderr


def test_logs_go_to_stderr_and_stdout_stays_clean(backends, limeload):
    proxy = limeload(backends(1), log={"access": {"path": "off"}})
    assert ask(proxy.address) == "B1"
    assert proxy.stop() == 0
    assert proxy.output("stdout") == ""
    assert len(proxy.logged(msg="ready")) == 1


def test_help_config_is_the_reference_in_the_documents():
    done = run("help", "config")
    assert done.returncode == 0
    reference = pathlib.Path(__file__).parents[2] / "docs" / "config.md"
    assert done.stdout == reference.read_text()
