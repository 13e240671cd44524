# SPDX-License-Identifier: Apache-2.0
"""Turns what run.py measured into tables, and says where a table must not be believed."""

import statistics

FLOOR = "relay"
OURS = "limeload"

# The relay always does the same work. Where the middle half of its rounds is wider than this, or
# something else used this much of a core, ratios are shown but not judged.
SPREAD_MAX = 0.06
FOREIGN_MAX = 0.03


def column(measured, contender, field):
    return [turn[contender][field] for turn in measured["rounds"] if contender in turn]


def ratios(measured, contender):
    """Cost as a ratio to the relay of the same round."""
    return [turn[contender]["cpu_us"] / turn[FLOOR]["cpu_us"] for turn in measured["rounds"]
            if contender in turn and FLOOR in turn]


def quantile(values, share):
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(values):
    """Width of the middle half: one bad round of many does not spoil a median."""
    return (quantile(values, 0.75) - quantile(values, 0.25)) / statistics.median(values)


def calm_ratio(measured, contender):
    """Ratio of the lower quartiles. Disturbances only ever add time, so the calmest quarter of the
    rounds says most about the programs and least about the neighbours."""
    floor = column(measured, FLOOR, "cpu_us")
    return quantile(column(measured, contender, "cpu_us"), 0.25) / quantile(floor, 0.25)


def noise(measured):
    """Why this row cannot be judged, or None."""
    floor = column(measured, FLOOR, "cpu_us")
    if not floor:
        return "the relay could not be measured"
    if len(floor) > 1 and spread(floor) > SPREAD_MAX:
        return "the relay's own cost varied by %.0f %% between its rounds" % (100 * spread(floor))
    for field, what in (("foreign", "other programs used"), ("stolen", "the host took")):
        share = statistics.median(
            turn[name][field] for turn in measured["rounds"] for name in turn)
        if share > FOREIGN_MAX:
            return "%s %.0f %% of a core" % (what, 100 * share)
    return None


def verdict(value, budget, reason):
    if reason:
        return "not judged, " + reason
    return "within" if value <= budget else "OVER"


def table(header, lines):
    rule = ["---"] + ["--:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule] + lines)


def cpu_cells(measured, contender):
    def median(field):
        return statistics.median(column(measured, contender, field))

    ratio = ratios(measured, contender)
    return [contender,
            "%.3f (%.3f–%.3f)" % (statistics.median(ratio), min(ratio), max(ratio)) if ratio else "–",
            "%.3f" % calm_ratio(measured, contender) if ratio else "–", "%.2f" % median("cpu_us"), "{:,.0f}".format(median("rate")),
            "%.0f" % median("p50_us"), "%.0f" % median("p99_us"), "%.0f" % median("p999_us"),
            "%.0f %%" % (100 * median("core_busy")),
            "%d" % sum(column(measured, contender, "errors"))]


CPU_HEADER = ["", "CPU per request / relay's (min–max)", "calm quarter", "µs CPU", "requests/s", "p50 µs", "p99 µs",
              "p99.9 µs", "core busy", "errors"]


def memory_cells(measured, contender):
    return [contender, "%.2f" % column(measured, contender, "private_kib")[0],
            "%.2f" % column(measured, contender, "pss_kib")[0],
            "{:,}".format(column(measured, contender, "connections")[0]),
            "%d" % column(measured, contender, "errors")[0]]


MEMORY_HEADER = ["", "private KiB per connection", "PSS KiB", "connections", "lost"]


def syscall_cells(measured, contender):
    calls = column(measured, contender, "calls")[0]
    names = sorted(calls, key=calls.get, reverse=True)
    return [contender, "%.2f" % column(measured, contender, "total")[0],
            ", ".join("%s %.2f" % (name, calls[name]) for name in names)]


SYSCALL_HEADER = ["", "per request", "which"]

KINDS = {"cpu": (CPU_HEADER, cpu_cells), "memory": (MEMORY_HEADER, memory_cells),
         "syscalls": (SYSCALL_HEADER, syscall_cells)}


def row_text(measured):
    row = measured["row"]
    header, cells = KINDS[row["kind"]]
    present = [name for name in row["contenders"] if any(name in turn for turn in measured["rounds"])]
    words = ["### " + row["title"], "", table(header, [cells(measured, name) for name in present])]
    words += ["", *("%s was not measured: %s." % item for item in measured["failures"].items())] \
        if measured["failures"] else []
    reason = noise(measured) if row["kind"] == "cpu" else None
    if reason:
        words += ["", "**Too noisy to judge:** %s." % reason]
    return "\n".join(words) + "\n"


def summary_value(measured, contender):
    """(value, text) of a contender in the unit of the row, or (None, dash)."""
    kind = measured["row"]["kind"]
    if kind == "cpu":
        values, form = ratios(measured, contender), "%.2f ×"
        form = "%.3f ×" if "budget" in measured["row"] else form
    elif kind == "memory":
        values, form = column(measured, contender, "private_kib"), "%.2f KiB"
    else:
        values, form = column(measured, contender, "total"), "%.2f calls"
    if not values:
        return None, "–"
    value = statistics.median(values)
    return value, form % value


def summary_line(measured, contenders, alone):
    row = measured["row"]
    line = [row["name"]] + [summary_value(measured, name)[1] for name in contenders]
    value, budget = summary_value(measured, OURS)[0], row.get("budget")
    if budget is None or value is None:
        return line + ["–" if budget is None else "≤ %g" % budget, "–"]
    reason = noise(measured) if row["kind"] == "cpu" else None
    reason = reason if alone else "there is only one core"
    return line + ["≤ %g" % budget, verdict(value, budget, reason)]


def summary_text(result):
    machine = result["machine"]
    contenders = [FLOOR, OURS, "haproxy", "nginx"]
    lines = [summary_line(measured, contenders, result["alone"]) for measured in result["rows"]]
    floor = [("%s %.2f µs" % (measured["row"]["name"],
                              statistics.median(column(measured, FLOOR, "cpu_us"))))
             for measured in result["rows"]
             if measured["row"]["kind"] == "cpu" and column(measured, FLOOR, "cpu_us")]
    facts = [machine["time"], "commit %s" % machine["commit"], "Linux " + machine["kernel"],
             "%s, %d cores" % (machine["processor"], machine["cores"]),
             "proxy on core %d, load and origin on core %d" % (machine["proxy_core"],
                                                               machine["load_core"]),
             "load average before: %.2f" % machine["load_average"]]
    facts += [version for version in machine["versions"].values() if version]
    words = ["## Summary", "",
             table(["", *contenders, "limeload's budget", "verdict"], lines), "",
             "× is processor time per request as a ratio to the blind relay of the same round "
             "(median); the relay itself took: %s." % (", ".join(floor) or "not measured"),
             "", " · ".join(facts)]
    if machine["quick"]:
        words += ["", "A quick run: short rounds and few of them. Judge by a full one."]
    return "\n".join(words) + "\n"
