#!/usr/bin/env python3
"""The levels of `likewise bench levels` as a section of Markdown.

    likewise bench levels | scripts/bench/levels.py

Lines of other suites are passed over. `section(lines)` is for scripts that write a larger document.
"""
import json
import sys

COMMAND = "scripts/bench/setup.sh && .build/release/likewise bench levels"

LEVELS = {
    1: "One statement a like, which is one transaction: `insert … on conflict do nothing`, and the count only if that did "
       "something. PostgreSQL as Debian sets it up, every commit synced. All wait for the one row.",
    2: "`SET NX` of a key a user and, if it was new, `INCR`; append-only file, synced every second. What is lost on a kill "
       "are likes whose key was set and whose `INCR` was not: sent again, they count as held already. (One script would "
       "close that gap. Redis rewrites the file as it grows, so its bytes depend on the moment. The kernel outlives a "
       "kill; a power loss also takes what was not synced.)",
    3: "As 2, but Redis is a cache without persistence, and a writer copies the count to PostgreSQL at an interval. "
       "Kills fall at even distances between two writes. The keys go with Redis, so people who had liked can like again.",
    4: "`SET NX` in Redis, then an event in the log, acknowledged by the broker; a consumer sums windows of one second "
       "and adds the sums to the count in Redis. It commits its offsets as the client does by default (every five "
       "seconds), and for comparison after each write (a kill between write and commit would count a window twice; few kills "
       "fall there). The broker is Tansu, a server of Kafka's protocol that keeps its "
       "log in memory: what *its* death takes is the stand-in's, Kafka's log is in files. Producer: librdkafka, "
       "`linger.ms=1`, the fastest of 0, 1 and 5 here.",
    5: "`likewise serve` with its defaults, likes over HTTP, each synced before its answer.",
}


def number(value):
    return f"{value:,.0f}"


def losses(kill):
    parts = []
    if kill["lost"]:
        parts.append(f"**{number(kill['lost'])} lost**")
    if kill["counted_twice"]:
        parts.append(f"**{number(kill['counted_twice'])} counted twice**")
    text = f"{kill['killed']}, {kill['times']}×: {' and '.join(parts) or '0'} of {number(kill['acknowledged'])}"
    if kill["repeats_counted"]:
        text += f"; **{number(kill['repeats_counted'])}** of {number(kill['repeats'])} repeats counted again"
    return text + (f" ({kill['note']})" if "note" in kill else "")


def row(line):
    name = line["case"]
    if "skipped" in line:
        return f"| {name} | not measured | | | {line['skipped']} |"
    stored = "<br>".join(f"{number(value)} {what}" for what, value in line["bytes_a_like"].items())
    kills = "<br>".join(losses(kill) for kill in line["kills"] if kill["times"])
    if line["drift_without_kills"]:
        kills += f"<br>without a kill the count was off by **{number(line['drift_without_kills'])}**"
    return f"| {name} | {number(line['figure'])} | {line['latency']['p99']:.1f} ms | {stored} | {kills} |"


def section(lines):
    """Markdown of the levels among the reports `lines`; empty where there are none."""
    levels = sorted((line for line in lines if line.get("bench") == "levels"), key=lambda line: line["level"])
    if not levels:
        return ""
    settings = levels[0]["settings"]
    text = ["## levels", "",
            "The escalation that texts on counting likes describe, for real, one after the other in one run. "
            f"{settings['callers']} callers in a closed loop like one content, every like by another user; clients, "
            "servers and load share the machine. Levels 1 to 4 are asked in their own protocols, without the HTTP server "
            "that would stand in front of them; level 5 is asked over HTTP. "
            f"A rate is the median of {len(levels[-1].get('rounds', []))} rounds of {settings['round_seconds']:g} s.", "",
            "*Lost on a kill*: under load the named process is killed (SIGKILL) and started again; likes that were not "
            "answered are sent again until they are; then the count is compared with the likes that were acknowledged. "
            "After each kill a thousand users whose likes had been counted long before tap again, which must not count.",
            "", "| level | likes/s | p99 | bytes a like | lost on a kill, of those acknowledged |",
            "| --- | ---: | ---: | --- | --- |"]
    text += [row(line) for line in levels] + [""]
    text += [f"{line['level']}. {LEVELS[line['level']]}" for line in levels]
    text += ["", f"Printed by `{COMMAND}`: {settings['kills']} kills of a process, the writer of level 3 writing every "
             f"{settings['write_behind_seconds']:g} s.", ""]
    return "\n".join(text)


if __name__ == "__main__":
    print(section([json.loads(line) for line in sys.stdin if line.startswith("{")]), end="")
