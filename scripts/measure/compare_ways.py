#!/usr/bin/env python3
"""What guards and slow clients take from likes beside other servers: compare.sh, by turns, of several ways to serve.

compare.sh asks nginx with a constant, nginx + Lua + Redis, and Likewise for likes and counts in turn, and prints ratios. Here it
runs once a round and way: `plain`; `guarded`, with identity and all limits on and the load sent with a backend's key; `slow`, with
2,000 connections that send a byte a second and 1,000 idle ones beside the load. Prints one JSON object a line, the last with the
medians of the rounds' ratios. `guarded_to_plain` and `slow_to_plain` are ratios of like/nginx-200.

    scripts/measure/compare_ways.py --peers FOLDER-OF-COMPARE.SH --rounds 5 --seconds 5
"""

import argparse
import json
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from identity import ROOT, Server
from slow_clients import Clients

LIMITS = "user-content=10/1m,user=100000000/1m,address=1000000000/1m,key=1000000000/1m"
WAYS = ("plain", "guarded", "slow")


def compare(peers: Path, port: int, seconds: int) -> dict:
    """One round of compare.sh: rates, ratios, and answers other than 2xx of Likewise."""
    run = subprocess.run(
        ["bash", str(peers / "compare.sh"), f"http://127.0.0.1:{port}", "1", str(seconds)], capture_output=True, text=True)
    found = {f"{a}/{b}": float(value) for a, b, value in re.findall(r"ratio (\S+)/(\S+) ([\d.]+)", run.stdout)}
    if len(found) != 4: raise SystemExit(f"compare.sh did not end:\n{run.stdout}{run.stderr}")
    rows = re.findall(r"^(\S+) +(\d+)/s +p99 +(\S+) +non-2xx (\d+)", run.stdout, re.M)
    return {
        "rates": {name: int(rate) for name, rate, _, _ in rows}, "ratios": found, "p99": {name: p99 for name, _, p99, _ in rows},
        "not_2xx": sum(int(bad) for name, _, _, bad in rows if name.startswith("likewise"))}


def with_header(peers: Path, folder: Path, key: str) -> Path:
    """A copy of the scripts in which the load for likes carries the key."""
    copy = folder / "peers"
    shutil.copytree(peers, copy)
    for path in (copy, *copy.iterdir()): path.chmod(0o755)
    script = copy / "like.lua"
    script.write_text(script.read_text() + f'\nwrk.headers["Authorization"] = "Bearer {key}"\n')
    return copy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--peers", type=Path, required=True, help="the folder with compare.sh")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS), help="which (default %(default)s)")
    options = parser.parse_args()
    ways = options.ways.split(",")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    found = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = str(folder / "keys.json")
        key = subprocess.run(
            [options.binary, "keys", "make", "--api-keys", keys, "--name", "bench", "--scopes", "likes:write,likes:read"],
            check=True, capture_output=True, text=True).stdout.strip()
        peers = {way: options.peers for way in ways} | {"guarded": with_header(options.peers, folder, key)}
        servers = {}
        try:
            for way in ways:
                (folder / way).mkdir()
                flags = ["--api-keys", keys, "--rate-limit", LIMITS] if way == "guarded" else ["--rate-limit", "none"]
                servers[way] = Server(options.binary, folder / way, flags)
            for turn in range(options.rounds):
                for way in ways[turn % len(ways):] + ways[:turn % len(ways)]:
                    clients = Clients("127.0.0.1", servers[way].port, 2000, 1000, 8, 5)
                    if way == "slow": clients.start()
                    result = {"round": turn, "way": way} | compare(peers[way], servers[way].port, options.seconds)
                    if way == "slow":
                        result["clients"] = clients.report()
                        clients.stop()
                    found[way].append(result)
                    print(json.dumps(result), flush=True)
        finally:
            for server in servers.values(): server.end()
    medians = {
        way: {name: statistics.median(result["ratios"][name] for result in results) for name in results[0]["ratios"]}
        for way, results in found.items()}
    report = {"medians": medians, "not_2xx": {way: sum(r["not_2xx"] for r in results) for way, results in found.items()}}
    if "plain" in medians:
        for way in medians.keys() - {"plain"}:
            report[f"{way}_to_plain"] = round(
                medians[way]["likewise-like/nginx-200"] / medians["plain"]["likewise-like/nginx-200"], 3)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
