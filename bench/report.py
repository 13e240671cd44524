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


def measured_at_all(measured, contender):
    return any(contender in turn for turn in measured["rounds"])


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


# Column, field of a result, and how its median is written.
CPU_FIELDS = [("µs CPU", "cpu_us", "{:.2f}"), ("requests/s", "rate", "{:,.0f}"),
              ("p50 µs", "p50_us", "{:.0f}"), ("p99 µs", "p99_us", "{:.0f}"),
              ("p99.9 µs", "p999_us", "{:.0f}"), ("core busy", "core_busy", "{:.0%}")]
CPU_HEADER = ["", "CPU per request / relay's (min–max)", "calm quarter",
              *(title for title, _, _ in CPU_FIELDS), "errors"]


def cpu_cells(measured, contender):
    line, ratio = [contender, "–", "–"], ratios(measured, contender)
    if ratio:
        line[1] = "%.3f (%.3f–%.3f)" % (statistics.median(ratio), min(ratio), max(ratio))
        line[2] = "%.3f" % calm_ratio(measured, contender)
    line += [form.format(statistics.median(column(measured, contender, field)))
             for _, field, form in CPU_FIELDS]
    return line + ["%d" % sum(column(measured, contender, "errors"))]


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


def instruction_cells(measured, contender):
    return [contender, "{:,.0f}".format(column(measured, contender, "instructions")[0]),
            "{:,}".format(column(measured, contender, "requests")[0])]


INSTRUCTION_HEADER = ["", "instructions per request", "requests counted"]

KINDS = {"cpu": (CPU_HEADER, cpu_cells), "memory": (MEMORY_HEADER, memory_cells),
         "syscalls": (SYSCALL_HEADER, syscall_cells),
         "instructions": (INSTRUCTION_HEADER, instruction_cells)}


def row_text(measured):
    row = measured["row"]
    header, cells = KINDS[row["kind"]]
    present = [name for name in row["contenders"] if measured_at_all(measured, name)]
    words = ["### " + row["title"], "", table(header, [cells(measured, name) for name in present])]
    for name, why in measured["failures"].items():
        words += ["", "%s was not measured%s: %s." % (
            name, " to the end" if name in present else "", why.rstrip("."))]
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
    elif kind == "syscalls":
        values, form = column(measured, contender, "total"), "%.2f calls"
    else:
        values, form = column(measured, contender, "instructions"), "%.0f instr."
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
             table(["", *contenders, "limeload's budget", "verdict"], lines), ""]
    if floor:
        words += ["× is processor time per request as a ratio to the blind relay of the same round "
                  "(median); the relay itself took: %s." % ", ".join(floor), ""]
    words += [" · ".join(facts)]
    if machine["quick"]:
        words += ["", "A quick run: short rounds and few of them. Judge by a full one."]
    return "\n".join(words) + "\n"
