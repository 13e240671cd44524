# SPDX-License-Identifier: Apache-2.0
"""Measures limeload beside haproxy, nginx and a blind relay, and prints a table.

The proxy has one core, the origin and the load have another. Every round measures every contender
once, in an order that rotates; what counts is the ratio to the blind relay of the same round.
bench/README.md says how to read the result. Timing never makes this program fail.

Rows and contenders are data: a new row names an origin, a load and who takes part.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import harness
import report

HERE = pathlib.Path(__file__).resolve().parent

RELAY = {"command": ["@PROGRAMS@/blind_relay", "--listen", "127.0.0.1:@PORT@",
                     "--origin", "127.0.0.1:@ORIGIN@"]}
LIMELOAD = ["@LIMELOAD@", "run", "-c", "@CONFIG@"]
HAPROXY = ["haproxy", "-db", "-f", "@CONFIG@"]
NGINX = ["nginx", "-p", "@DIR@", "-e", "stderr", "-c", "@CONFIG@"]

# How a contender is started, by the protocol that a row asks for. The config is a template of
# bench/configs; @NAME@ is filled in there and in the command.
CONTENDERS = {
    "relay": {"tcp": RELAY},
    "relay again": {"tcp": RELAY},
    "limeload": {"tcp": {"command": LIMELOAD, "config": "limeload-tcp.yaml"}},
    "haproxy": {"tcp": {"command": HAPROXY, "config": "haproxy-tcp.cfg", "BUFFER": 16384}},
    "nginx": {"tcp": {"command": NGINX, "config": "nginx-tcp.conf", "BUFFER": 16384}},
    "haproxy, 256 KiB buffer": {
        "tcp": {"command": HAPROXY, "config": "haproxy-tcp.cfg", "BUFFER": 262144}},
    "nginx, 256 KiB buffer": {
        "tcp": {"command": NGINX, "config": "nginx-tcp.conf", "BUFFER": 262144}},
}
USUAL = ["relay", "limeload", "haproxy", "nginx"]
VERSIONS = {"haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"]}

# kind: cpu (ratio to the relay), memory (KB per idle connection), syscalls or instructions (per
# request).
# budget: what limeload may cost, in the unit of the kind. rounds and seconds are (full, quick).
ROWS = [
    {"name": "tcp-small", "kind": "cpu", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, small messages: 100 B → 1 KiB, 64 connections, closed loop",
     "origin": {"request": 100, "response": 1024}, "load": {"mode": "ping", "connections": 64},
     "rounds": (25, 7), "seconds": (1.0, 0.5), "budget": 1.03},
    {"name": "tcp-paced", "kind": "cpu", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, small messages at a fixed 10,000 requests/s: latency with room to spare",
     "origin": {"request": 100, "response": 1024},
     "load": {"mode": "ping", "connections": 64, "rate": 10000},
     "rounds": (7, 3), "seconds": (2.0, 0.5)},
    {"name": "tcp-connect", "kind": "cpu", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, a new connection per request: 100 B → 1 KiB, 64 at a time",
     "origin": {"request": 100, "response": 1024, "close": True},
     "load": {"mode": "connect", "connections": 64},
     "rounds": (15, 4), "seconds": (1.0, 0.5)},
    {"name": "tcp-bulk", "kind": "cpu", "protocol": "tcp",
     "contenders": USUAL + ["haproxy, 256 KiB buffer", "nginx, 256 KiB buffer"],
     "title": "TCP, 1 MB responses, 16 connections, closed loop",
     "origin": {"request": 100, "response": 1000000}, "load": {"mode": "ping", "connections": 16},
     "rounds": (15, 3), "seconds": (1.0, 0.5)},
    {"name": "tcp-idle", "kind": "memory", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, memory of an idle connection that has relayed one exchange",
     "origin": {"request": 100, "response": 1024}, "connections": (4000, 2000), "budget": 1.0},
    {"name": "tcp-syscalls", "kind": "syscalls", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, small messages: system calls per request (under strace, 64 connections)",
     "origin": {"request": 100, "response": 1024}, "load": {"mode": "ping", "connections": 64},
     "seconds": (1.0, 0.5)},
    {"name": "tcp-connect-syscalls", "kind": "syscalls", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, a new connection per request: system calls per request (under strace)",
     "origin": {"request": 100, "response": 1024, "close": True},
     "load": {"mode": "connect", "connections": 64}, "seconds": (2.0, 1.0), "by_name_only": True},
    {"name": "tcp-instructions", "kind": "instructions", "protocol": "tcp", "contenders": USUAL,
     "title": "TCP, small messages: instructions per request outside the kernel (under valgrind)",
     "origin": {"request": 100, "response": 1024}, "load": {"mode": "ping", "connections": 64},
     "seconds": (2.0, 1.0), "by_name_only": True},
    {"name": "tcp-null", "kind": "cpu", "protocol": "tcp", "contenders": ["relay", "relay again"],
     "title": "The relay against itself: what the method can tell apart on this machine",
     "origin": {"request": 100, "response": 1024}, "load": {"mode": "ping", "connections": 64},
     "rounds": (40, 10), "seconds": (0.5, 0.5), "by_name_only": True},
]

# How often a measurement is taken when other work disturbs it.
TRIES = (3, 1)


class Bench:
    """Where things run and where they are written."""

    def __init__(self, options):
        self.programs = pathlib.Path(options.programs)
        self.limeload = pathlib.Path(options.limeload)
        self.quick = options.quick
        self.out = pathlib.Path(options.out)
        cores = sorted(os.sched_getaffinity(0))
        # Interrupts of devices tend to go to the first core: the load gets that one.
        self.load_core, self.proxy_core = cores[0], cores[-1]
        self.alone = len(cores) > 1
        os.sched_setaffinity(0, {self.load_core})
        self.softirq = {core: harness.softirq_thread(core) for core in cores}

    def pick(self, pair):
        return pair[1] if self.quick else pair[0]


def options_of(values):
    """{"request": 100, "close": True} as command line options."""
    words = []
    for name, value in values.items():
        words += ["--" + name] if value is True else ["--" + name, str(value)]
    return words


class Stage:
    """One contender between its origin and the load, running for the length of a with block."""

    def __init__(self, bench, row, contender, under=()):
        """under: words of a program that watches the contender from start to end."""
        self.bench, self.row, self.contender, self.under = bench, row, contender, under
        self.running = contextlib.ExitStack()

    def __enter__(self):
        with self.running:
            self.start()
            self.running = self.running.pop_all()
        return self

    def __exit__(self, *_):
        self.running.close()

    def launch(self, command, core, **options):
        return self.running.enter_context(harness.program(command, core, **options))

    def start(self):
        bench, origin = self.bench, self.row["origin"]
        self.directory = self.running.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        self.server = self.launch(
            [bench.programs / "origin", "--listen", "127.0.0.1:0", *options_of(origin)],
            bench.load_core, stdout=subprocess.PIPE, text=True)
        recipe = CONTENDERS[self.contender][self.row["protocol"]]
        self.port = harness.free_port()
        words = {"PORT": self.port, "ORIGIN": harness.wait_ready(self.server),
                 "DIR": self.directory, "PROGRAMS": bench.programs,
                 "LIMELOAD": bench.limeload, **recipe}
        if "config" in recipe:
            config = pathlib.Path(self.directory, recipe["config"])
            template = (HERE / "configs" / recipe["config"]).read_text()
            config.write_text(self.fill(template, words))
            words["CONFIG"] = config
        command = [self.fill(word, words) for word in [*self.under, *recipe["command"]]]
        self.log = pathlib.Path(self.directory, "log")
        with self.log.open("w") as log:
            self.proxy = self.launch(command, bench.proxy_core, log=log, stdout=log)
        harness.wait_serving(self.proxy, self.port, origin["request"], origin["response"], self.log)
        self.pids = harness.family(self.proxy.pid)

    @staticmethod
    def fill(text, words):
        return re.sub("@([A-Z]+)@", lambda match: str(words[match[1]]), text)

    def load(self, **more):
        sizes = {name: self.row["origin"][name] for name in ("request", "response")}
        return [str(self.bench.programs / "pinger"),
                *options_of({"address": "127.0.0.1:%d" % self.port, **sizes,
                             **self.row.get("load", {}), **more})]


def measure_cpu(bench, row, contender):
    """Processor time per request, and how much of both cores went to anything but the benchmark."""
    seconds = bench.pick(row["seconds"])
    with Stage(bench, row, contender) as stage:
        watched = stage.pids + bench.softirq[bench.proxy_core]
        command = stage.load(**{"duration-ms": int(seconds * 1000), "warmup-ms": 200,
                                "watch": ",".join(map(str, watched))})
        load_side = [stage.server.pid] + bench.softirq[bench.load_core]
        with harness.Bystander(bench.proxy_core, watched) as beside_proxy, \
                harness.Bystander(bench.load_core, load_side) as beside_load:
            result = harness.run_json(command, bench.load_core, seconds + 20)
    requests = result["requests"]
    if requests == 0:
        raise harness.Failed("no request was answered")
    cpu = sum(result["watch_ns"]) / 1e3
    return {**result, "cpu_us": cpu / requests, "core_busy": cpu / 1e6 / result["seconds"],
            "softirq_us": sum(result["watch_ns"][len(stage.pids):]) / 1e3 / requests,
            "foreign": max(beside_proxy.share, beside_load.share),
            "stolen": max(beside_proxy.stolen, beside_load.stolen)}


def measure_cpu_calmly(bench, row, contender):
    """Measures again where something else ran meanwhile; keeps the calmest try."""
    tries = []
    for _ in range(bench.pick(TRIES)):
        tries.append(measure_cpu(bench, row, contender))
        if tries[-1]["foreign"] <= report.FOREIGN_MAX:
            break
    return {**min(tries, key=lambda result: result["foreign"]), "tries": len(tries)}


def measure_memory(bench, row, contender):
    count = bench.pick(row["connections"])
    with Stage(bench, row, contender) as stage:
        def idle(connections):
            """Memory of the proxy while so many connections are idle."""
            command = stage.load(mode="idle", connections=connections)
            with harness.program(command, bench.load_core, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True) as holder:
                if holder.stdout.readline().strip() != "ready":
                    raise harness.Failed("could not hold %d connections" % connections)
                time.sleep(0.3)
                memory = harness.memory_kib(stage.pids)
                holder.stdin.close()
                return memory, json.loads(holder.stdout.readline())["errors"]

        # The first connections also pay for what the proxy sets up only once.
        before, _ = idle(count // 20)
        after, errors = idle(count)
    extra = count - count // 20
    return {"connections": count, "errors": errors,
            **{name + "_kib": (after[name] - before[name]) / extra for name in before}}


def traced_calls(bench, stage, seconds):
    """System calls by name, and requests, of one run under strace."""
    table = os.path.join(stage.directory, "strace")
    attach = [word for pid in stage.pids for word in ("-p", str(pid))]
    with harness.program(["strace", "-c", "-f", "-o", table, *attach], bench.load_core) as tracer:
        time.sleep(0.3)
        result = harness.run_json(
            stage.load(**{"duration-ms": int(seconds * 1000), "warmup-ms": 50}), bench.load_core,
            seconds + 20)
        if tracer.poll() is not None:
            raise harness.Failed("strace cannot attach")
    calls = {}
    for line in pathlib.Path(table).read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3])
    return calls, result["total"]


def measure_syscalls(bench, row, contender):
    """The slope between a short and a long run: opening and closing connections cancels out."""
    seconds = bench.pick(row["seconds"])
    with Stage(bench, row, contender) as stage:
        short, few = traced_calls(bench, stage, seconds / 4)
        long, many = traced_calls(bench, stage, seconds)
    if many <= few:
        raise harness.Failed("too few requests under strace")
    slopes = {name: (long[name] - short.get(name, 0)) / (many - few) for name in long}
    return {"calls": {name: slope for name, slope in slopes.items() if slope >= 0.01},
            "total": sum(slopes.values()), "errors": 0}


def counted_instructions(bench, row, contender, seconds):
    """Instructions that the proxy executed in user space in its life, and requests."""
    under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    with Stage(bench, row, contender, under) as stage:
        command = stage.load(**{"duration-ms": int(seconds * 1000), "warmup-ms": 1})
        result = harness.run_json(command, bench.load_core, seconds + 20)
        harness.end(stage.proxy)
        counts = re.findall(r"Collected : (\d+)", stage.log.read_text(errors="replace"))
    if not counts:
        raise harness.Failed("valgrind counted nothing")
    return sum(map(int, counts)), result["total"]


def measure_instructions(bench, row, contender):
    """The slope between a short and a long life: start and end cancel out."""
    seconds = bench.pick(row["seconds"])
    short, few = counted_instructions(bench, row, contender, seconds / 4)
    long, many = counted_instructions(bench, row, contender, seconds)
    if many <= few:
        raise harness.Failed("too few requests under valgrind")
    return {"instructions": (long - short) / (many - few), "requests": many - few, "errors": 0}


MEASURES = {"cpu": measure_cpu_calmly, "memory": measure_memory, "syscalls": measure_syscalls,
            "instructions": measure_instructions}


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def measure_row(bench, row):
    """Rounds of all contenders; one that fails is left out of the rest and its reason kept."""
    contenders, results, failures = list(row["contenders"]), [], {}
    rounds = bench.pick(row["rounds"]) if "rounds" in row else 1
    for number in range(rounds):
        order = contenders[number % len(contenders):] + contenders[:number % len(contenders)]
        results.append({})
        for contender in order:
            if contender in failures:
                continue
            progress("%s: round %d of %d: %s" % (row["name"], number + 1, rounds, contender))
            try:
                results[-1][contender] = MEASURES[row["kind"]](bench, row, contender)
            except (harness.Failed, OSError, subprocess.TimeoutExpired) as failure:
                failures[contender] = str(failure)
    progress("")
    return {"row": row, "rounds": results, "failures": failures}


def first_line(command):
    """What a command says of itself, None where it is not there."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    except OSError:
        return None
    lines = (result.stdout + result.stderr).strip().splitlines()
    return lines[0] if lines and result.returncode == 0 else None


def machine(bench):
    with open("/proc/cpuinfo") as cpuinfo:
        models = re.findall(r"model name\s*: (.*)", cpuinfo.read())
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"), "kernel": platform.release(),
        "processor": models[0] if models else platform.machine(), "cores": os.cpu_count(),
        "proxy_core": bench.proxy_core, "load_core": bench.load_core,
        "load_average": os.getloadavg()[0],
        "commit": first_line(["git", "describe", "--always", "--dirty"]),
        "versions": {name: first_line(command) for name, command in VERSIONS.items()},
        "quick": bench.quick,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="folder of blind_relay, origin, pinger")
    parser.add_argument("--limeload", required=True, help="the binary to measure")
    parser.add_argument("--quick", action="store_true", help="about a minute, less precise")
    parser.add_argument("--rows", help="only these, by name, separated by commas")
    parser.add_argument("--out", default="build/bench", help="folder for results.md and .json")
    options = parser.parse_args()

    bench = Bench(options)
    wanted = options.rows.split(",") if options.rows else [
        row["name"] for row in ROWS if not row.get("by_name_only")]
    unknown = set(wanted) - {row["name"] for row in ROWS}
    if unknown:
        parser.error("no such row: %s" % ", ".join(sorted(unknown)))
    result = {"machine": machine(bench), "alone": bench.alone, "rows": []}
    for row in ROWS:
        if row["name"] in wanted:
            result["rows"].append(measure_row(bench, row))
            print(report.row_text(result["rows"][-1]), flush=True)
    summary = report.summary_text(result)
    print(summary)
    bench.out.mkdir(parents=True, exist_ok=True)
    sections = [summary] + [report.row_text(measured) for measured in result["rows"]]
    (bench.out / "results.md").write_text("\n".join(sections))
    (bench.out / "results.json").write_text(json.dumps(result, indent=1))
    print("Written to %s/results.md and results.json." % bench.out)
    return 0 if all(report.measured_at_all(row, report.FLOOR) for row in result["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
