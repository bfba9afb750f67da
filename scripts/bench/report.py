#!/usr/bin/env python3
"""Writes docs/benchmarks.md from what `likewise bench` has printed.

    report.py LINES --date DATE > docs/benchmarks.md

LINES is a file of JSON lines, possibly of several runs one after the other: of a case that is there more than once the
last counts. Lines that are no JSON object of a benchmark are an error, so that nothing is left out silently.
"""
import argparse
import json
import sys

import levels

INTRODUCTION = """\
# Benchmarks

Written by `make bench` from what `likewise bench` prints; not edited by hand. Each table names the command that prints its
figures; figures of several rounds are medians, with the least and the largest beside them. Load and server share the
machine, so figures of two runs compare only as ratios.
"""

# The order of the sections, and what each says above its table.
SECTIONS = {
    "engine": "Likes through shards, event log and ledger without HTTP, each durable when answered.",
    "bulk": "Millions of users like one content by `POST /v1/likes/batch`, each synced when answered, and counted exactly "
    "afterwards; beside Redis doing SADD and INCR in one pipelined script.",
    "http": "Single requests. Latencies are of an open loop: counted from when a request was due, whatever happened to the "
    "ones before it.",
    "ledger": "The ledger as it grows: rows committed a second in each span, then a start on what was built.",
    "memory": "Resident memory that likes add, when the ledger holds them all; beside Redis.",
    "levels": "",  # A table of its own: levels.py.
}
HIDDEN = {"bench", "case", "figure", "unit", "bar", "met", "rounds", "latency", "settings", "machine"}


def number(value):
    """A number for people: thousands apart, no more digits than mean something."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def text(value):
    """Any value of JSON, in the width of a cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) or value is None:
        return number(value)
    if isinstance(value, dict):
        return ", ".join(f"{words(k)} {text(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(text(v) for v in value)
    return str(value).replace("|", "\\|")


def words(name):
    return name.replace("_", " ")


def bar(line):
    if "bar" not in line:
        return ""
    (kind, bound), = line["bar"].items()
    sign = "≥" if kind == "at_least" else "≤"
    return f"{sign} {number(bound)}: {'met' if line['met'] else '**missed**'}"


def rest(line):
    """What belongs to a figure beside it: the rounds' range, percentiles, details."""
    parts = []
    rounds = line.get("rounds", [])
    if len(rounds) > 1:
        parts.append(f"{number(min(rounds))} to {number(max(rounds))} in {len(rounds)} rounds")
    if "latency" in line:
        latency = line["latency"]
        names = [name for name in latency if name not in ("unit", "count")]
        parts.append(", ".join(f"{name} {number(latency[name])}" for name in names) + f" {latency['unit']}")
    parts += [f"{words(k)} {text(v)}" for k, v in line.items() if k not in HIDDEN]
    return "; ".join(parts)


def section(name, lines):
    if name == "levels":
        return levels.section(lines)
    out = [f"## {name}", "", SECTIONS.get(name, ""), "", "| measured | figure | bar | beside it |", "| --- | ---: | --- | --- |"]
    for line in lines:
        out.append(f"| {text(line['case'])} | {number(line['figure'])} {line['unit']} | {bar(line)} | {rest(line)} |")
    out += ["", f"`likewise bench {name}`"]
    settings = {}
    for line in lines:
        settings.setdefault(text(line.get("settings", {})), []).append(line["case"])
    settings.pop("", None)
    for setting, cases in settings.items():
        which = "" if len(settings) == 1 else f" ({'; '.join(cases) if len(cases) < 4 else f'{len(cases)} of the lines'})"
        out += ["", f"Settings{which}: {setting}."]
    return "\n".join(out) + "\n"


def machine(facts):
    memory = facts["memory_bytes"] / 2**30
    return f"{facts['processor']}, {facts['cores']} cores, {memory:.0f} GiB of memory, Linux {facts['kernel']}"


def read(path):
    """The lines by bench and case, in the order in which they were first printed."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for i, row in enumerate(file, 1):
            if not row.strip():
                continue
            try:
                line = json.loads(row)
                key = (line["bench"], line["case"])
            except (ValueError, KeyError, TypeError):
                sys.exit(f"{path}, line {i} is no line of `likewise bench`: {row[:100]!r}")
            found[key] = line
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lines", help="file of JSON lines")
    parser.add_argument("--date", required=True, help="when they were measured")
    arguments = parser.parse_args()
    found = read(arguments.lines)
    if not found:
        sys.exit(f"{arguments.lines} has no lines: run `likewise bench all > {arguments.lines}`")
    machines = {machine(line["machine"]) for line in found.values()}
    print(INTRODUCTION)
    print(f"{arguments.date}; {'; '.join(sorted(machines))}.\n")
    names = list(SECTIONS) + sorted({bench for bench, _ in found} - set(SECTIONS))
    present = [name for name in names if any(bench == name for bench, _ in found)]
    print("\n".join(section(name, [line for (bench, _), line in found.items() if bench == name]) for name in present), end="")


if __name__ == "__main__":
    main()
