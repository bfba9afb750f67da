#!/usr/bin/env python3
"""Slow and idle connections against a server, and what they do to those who behave.

With an address it only opens them and keeps them open, for use while a load runs elsewhere; with --binary it starts a
server in a temporary folder and lets wrk like through it, in turn without and with them, round after round.

    scripts/measure/slow_clients.py --address 127.0.0.1:8080 --seconds 30
    scripts/measure/slow_clients.py --binary .build/release/likewise --rounds 3 --seconds 5

A slow connection sends a request a byte a second; where the server ends it (its read timeout), another takes its place. An
idle one is opened and sends nothing. Beside them a few connections behave: each asks for a count ten times a second, half
of them on a new connection each time. Prints one JSON object a line. `refused` must be 0 for those who behave: connections
that were not taken, answers other than 200, and answers that took longer than --patience.
"""

import argparse
import json
import re
import resource
import select
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUEST = b"POST /v1/likes HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
COUNT = b"GET /v1/likes/count/slow HTTP/1.1\r\nHost: good\r\n\r\n"
LUA = """
local count, first = 0, tonumber(os.getenv("FIRST"))
request = function()
  count = count + 1
  return wrk.format("POST", "/v1/likes", {["Content-Type"] = "application/json"},
    string.format('{"content_id":"video_%d","user_id":"user%d_%d"}', count % 1000, first, count))
end
"""


class Clients:
    """All connections, by epoll on a thread of its own: the client's own work would slow down who is measured."""

    def __init__(self, host: str, port: int, slow: int, idle: int, good: int, patience: float):
        self.address, self.patience = (host, port), patience
        self.sizes = {"slow": slow, "idle": idle, "good": good}
        self.refused = {kind: 0 for kind in self.sizes}
        self.ended = {"slow": 0, "idle": 0}
        self.answers, self.slowest = 0, 0.0
        self.stopping = False
        self.epoll = select.epoll()
        self.kinds = {}  # by descriptor: (socket, kind)
        self.sent = {}  # bytes of a slow one
        self.threads = [threading.Thread(target=self.hold)]
        self.threads += [threading.Thread(target=self.good, args=(i,)) for i in range(good)]

    def start(self):
        for thread in self.threads: thread.start()
        deadline = time.monotonic() + 60
        while self.open("slow") < self.sizes["slow"] or self.open("idle") < self.sizes["idle"]:
            if time.monotonic() > deadline: raise SystemExit(f"the connections did not come to be open: {self.report()}")
            time.sleep(0.1)

    def stop(self):
        self.stopping = True
        for thread in self.threads: thread.join()

    def open(self, kind: str) -> int:
        return sum(1 for _, other in list(self.kinds.values()) if other == kind)

    def hold(self):
        """Keeps as many slow and idle ones open as there are to be; each slow one gets a byte a second."""
        turn = 0
        while not self.stopping:
            began = time.monotonic()
            for kind in ("slow", "idle"):
                for _ in range(min(200, self.sizes[kind] - self.open(kind))): self.connect(kind)
            # A tenth of the slow ones at a time, so that not all send in the same moment.
            for descriptor, (connection, kind) in list(self.kinds.items()):
                if kind == "slow" and descriptor % 10 == turn % 10: self.drip(descriptor, connection)
            turn += 1
            while (left := began + 0.1 - time.monotonic()) > 0:
                for descriptor, _ in self.epoll.poll(left): self.end(descriptor)
        for connection, _ in self.kinds.values(): connection.close()

    def connect(self, kind: str):
        try:
            connection = socket.create_connection(self.address, self.patience)
        except OSError:
            self.refused[kind] += 1
            return
        connection.setblocking(False)
        self.kinds[connection.fileno()] = (connection, kind)
        self.sent[connection.fileno()] = 0
        self.epoll.register(connection.fileno(), select.EPOLLIN)

    def drip(self, descriptor: int, connection: socket.socket):
        at = self.sent[descriptor]
        self.sent[descriptor] = at + 1
        try:
            connection.send(REQUEST[at:at + 1] or b" ")
        except OSError: pass  # It has ended, which the next look tells.

    def end(self, descriptor: int):
        """The server answered a slow or idle one, or ended it."""
        connection, kind = self.kinds.pop(descriptor)
        self.ended[kind] += 1
        connection.close()

    def good(self, number: int):
        connection = None
        while not self.stopping:
            began = time.monotonic()
            try:
                connection = connection or socket.create_connection(self.address, self.patience)
                connection.sendall(COUNT)
                answer = b""
                while not (found := re.search(rb"(?is)^(.*?content-length: (\d+).*?\r\n\r\n)", answer)) or \
                        len(answer) < len(found[1]) + int(found[2]):
                    part = connection.recv(65536)
                    if not part: raise ConnectionError("closed")
                    answer += part
                if not answer.startswith(b"HTTP/1.1 200 "): self.refused["good"] += 1
                self.answers += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
            except OSError:
                self.refused["good"] += 1
                if connection: connection.close()
                connection = None
            if number % 2 and connection:
                connection.close()
                connection = None
            time.sleep(0.1)

    def report(self) -> dict:
        return {"open": {kind: self.open(kind) for kind in self.ended}, "ended": self.ended, "refused": self.refused,
                "good_answers": self.answers, "good_slowest_milliseconds": round(self.slowest * 1000, 1)}


class Server:
    def __init__(self, binary: str, folder: Path, flags: list[str]):
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--data-dir", str(folder / "data"), "--log-format", "json"] + flags,
            stderr=open(self.log, "w"), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not (found := re.search(r'"listening".*?"port":\s*"?(\d+)', self.log.read_text())):
            if self.process.poll() is not None or time.monotonic() > deadline: raise SystemExit(self.log.read_text())
            time.sleep(0.05)
        self.port = int(found[1])

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def likes(port: int, lua: str, seconds: int, turn: int) -> tuple[float, int]:
    run = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", lua, f"http://127.0.0.1:{port}"], capture_output=True, text=True,
        env={"FIRST": str(turn)})
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", run.stdout)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)[1]), int(bad[1]) if bad else 0


def measure(options):
    rates, bad, reports = {"without": [], "with": []}, 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wrk.lua").write_text(LUA)
        server = Server(options.binary, folder, options.flag)
        try:
            for turn in range(options.rounds):
                for way in ("without", "with"):
                    clients = Clients("127.0.0.1", server.port, options.slow, options.idle, options.good, options.patience)
                    if way == "with": clients.start()
                    found, wrong = likes(server.port, str(folder / "wrk.lua"), options.seconds, turn * 2 + (way == "with"))
                    rates[way].append(found)
                    bad += wrong
                    if way == "with":
                        reports.append(clients.report())
                        clients.stop()
                        print(json.dumps({"round": turn, "without": rates["without"][-1], "with": found} | reports[-1]),
                              flush=True)
        finally:
            server.end()
    ratios = [b / a for a, b in zip(rates["without"], rates["with"])]
    print(json.dumps({
        "likes_a_second_without": statistics.median(rates["without"]), "likes_a_second_with": statistics.median(rates["with"]),
        "ratio": round(statistics.median(ratios), 3), "likes_not_200": bad,
        "good_refused": sum(report["refused"]["good"] for report in reports),
        "slow_or_idle_refused": sum(report["refused"]["slow"] + report["refused"]["idle"] for report in reports)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--address", help="host:port of a server that runs")
    target.add_argument("--binary", help="starts this one, and measures likes with and without")
    parser.add_argument("--slow", type=int, default=2000)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--good", type=int, default=8)
    parser.add_argument("--patience", type=float, default=5, help="seconds in which a good request must be answered")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flag", action="append", default=[], help="for the server: --flag=--read-timeout=5s")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    if options.binary: return measure(options)
    host, port = options.address.rsplit(":", 1)
    clients = Clients(host, int(port), options.slow, options.idle, options.good, options.patience)
    clients.start()
    time.sleep(options.seconds)
    print(json.dumps(clients.report()))
    clients.stop()


if __name__ == "__main__":
    main()
