#!/usr/bin/env python3
"""What rate limits cost a like through the event loops: the rate with limits that let all pass, against the rate without.

Starts servers in a temporary folder (without limits, with one of each kind but the key's, which needs identity, and with the
usual one alone) and lets wrk ask each in turn, round after round. Prints one JSON object: rates, processor time of the server
a request, and the ratios to those without.

    scripts/measure/limits.py --rounds 3 --seconds 5
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from identity import LUA, ROOT, Server, rate

WAYS = {
    "without": "none",
    "user_content": "user-content=10/1m",
    "all": "user-content=10/1m,user=100000000/1m,address=1000000000/1m",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--users", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wrk.lua").write_text(LUA)
        servers, rates, costs, bad = {}, {way: [] for way in WAYS}, {way: [] for way in WAYS}, {way: 0 for way in WAYS}
        try:
            for way, limits in WAYS.items():
                (folder / way).mkdir()
                servers[way] = Server(options.binary, folder / way, ["--rate-limit", limits])
            for turn in range(options.rounds + 1):
                # In another order each round: none is always the one after the pause.
                for way in sorted(WAYS, key=lambda way: (list(WAYS).index(way) + turn) % len(WAYS)):
                    before = servers[way].cpu()
                    found, wrong, count = rate(
                        servers[way].port, str(folder / "wrk.lua"), options.seconds, None, options.users, turn)
                    # The first round warms up.
                    if turn > 0:
                        rates[way].append(found)
                        costs[way].append(round((servers[way].cpu() - before) / count * 1e6, 2))
                        bad[way] += wrong
        finally:
            for server in servers.values():
                server.end()
    report = {"requests_a_second": rates, "server_microseconds_a_request": costs, "not_2xx": bad}
    for way in WAYS:
        if way == "without":
            continue
        ratios = [a / b for a, b in zip(rates[way], rates["without"])]
        cheaper = [b / a for a, b in zip(costs[way], costs["without"])]
        report[f"{way}_to_without"] = {
            "rate": round(statistics.median(ratios), 3), "by_processor_time": round(statistics.median(cheaper), 3)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
