#!/usr/bin/env python3
"""What TLS costs a like: the rate with it, on connections that are kept, against the rate without.

Starts two servers in a temporary folder, one with a certificate made by openssl, and lets wrk like through each in turn,
round after round. Prints one JSON object: rates, processor time of the server a request, and the ratio.

    scripts/measure/tls.py --rounds 5 --seconds 3
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

from slow_clients import LUA, ROOT, Server


def cpu(server: Server) -> float:
    """Seconds of processor time that the server has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(address: str, lua: str, seconds: int, turn: int) -> tuple[float, int, int]:
    run = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", lua, address], capture_output=True, text=True,
        env={"FIRST": str(turn)})
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", run.stdout)
    found = float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)[1])
    return found, int(bad[1]) if bad else 0, int(re.search(r"(\d+) requests in", run.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wrk.lua").write_text(LUA)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
            check=True, capture_output=True)
        flags = {"plain": [], "tls": [f"--tls-certificate={folder}/cert.pem", f"--tls-key={folder}/key.pem"]}
        servers, rates, costs, bad = {}, {way: [] for way in flags}, {way: [] for way in flags}, 0
        try:
            for way in flags:
                (folder / way).mkdir()
                servers[way] = Server(options.binary, folder / way, flags[way])
            for turn in range(options.rounds):
                for way, server in servers.items():
                    began = cpu(server)
                    address = f"{'https' if way == 'tls' else 'http'}://127.0.0.1:{server.port}"
                    found, wrong, count = rate(address, str(folder / "wrk.lua"), options.seconds, turn)
                    rates[way].append(found)
                    costs[way].append((cpu(server) - began) / count * 1e6)
                    bad += wrong
        finally:
            for server in servers.values(): server.end()
    ratios = [tls / plain for plain, tls in zip(rates["plain"], rates["tls"])]
    print(json.dumps({
        "likes_a_second": {way: round(statistics.median(found)) for way, found in rates.items()},
        "microseconds_a_like": {way: round(statistics.median(found), 1) for way, found in costs.items()},
        "ratio": round(statistics.median(ratios), 3), "not_200": bad}))


if __name__ == "__main__":
    main()
