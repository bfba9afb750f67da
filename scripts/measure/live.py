#!/usr/bin/env python3
"""Many live connections on one content that changes all the time: whether all see the newest count within a second, and what
a connection costs.

Starts a server in a temporary folder, opens the streams, likes the content --likes times a second for --seconds, and looks ten
times a second at what the streams were told. A stream is late where it has not been told a count at least as high as the one
that was acknowledged a second before. Prints one JSON object.

    scripts/measure/live.py --connections 10000 --likes 50 --seconds 20
"""

import argparse
import json
import re
import resource
import selectors
import socket
import tempfile
import threading
import time
from pathlib import Path

from identity import ROOT, Server

COUNT = re.compile(rb'"count":(\d+)')


class Likes(threading.Thread):
    """Likes by new users, one after the other, with when each was answered."""

    def __init__(self, port: int, rate: float):
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.rate, self.answered, self.stopping = rate, [], False

    def run(self):
        begin = time.monotonic()
        while not self.stopping:
            number = len(self.answered)
            body = b'{"content_id":"v","user_id":"user_%d"}' % number
            self.connection.sendall(
                b"POST /v1/likes HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body)
            answer = self.connection.recv(65536)
            if b" 200 " not in answer[:20]: raise SystemExit(f"a like failed: {answer!r}")
            self.answered.append(time.monotonic())
            time.sleep(max(0, begin + (number + 1) / self.rate - time.monotonic()))


def memory(process: int) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--likes", type=float, default=50, help="a second")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    with tempfile.TemporaryDirectory() as name:
        server = Server(
            options.binary, Path(name), ["--max-connections", str(options.connections + 100), "--rate-limit", "none"])
        try:
            measure(options, server)
        finally:
            server.end()


def measure(options, server):
    selector = selectors.DefaultSelector()
    before, known, closed = memory(server.process.pid), {}, 0
    begin = time.monotonic()
    for number in range(options.connections):
        # From several addresses, since one has 28,000 ports or so.
        connection = socket.create_connection(("127.0.0.1", server.port), 10, (f"127.0.0.{2 + number % 8}", 0))
        connection.sendall(b"GET /v1/live?content_id=v HTTP/1.1\r\nHost: l\r\n\r\n")
        connection.setblocking(False)
        known[connection.fileno()] = -1
        selector.register(connection, selectors.EVENT_READ)
    opened = time.monotonic() - begin
    likes = Likes(server.port, options.likes)
    rounds, late, worst, events = 0, 0, 0.0, 0
    end = look = None
    while end is None or time.monotonic() < end:
        for key, _ in selector.select(0.05):
            data = key.fileobj.recv(65536)
            if not data:
                selector.unregister(key.fileobj)
                closed += 1
                continue
            found = COUNT.findall(data)
            events += len(found)
            if found: known[key.fd] = int(found[-1])
        now = time.monotonic()
        if end is None:
            # All have been told the count as it is before the first like.
            if min(known.values()) < 0: continue
            memory_now = memory(server.process.pid)
            likes.start()
            end, look, processor = now + options.seconds, now + 1, server.cpu()
        elif now >= look:
            look = now + 0.1
            due = sum(at <= now - 1 for at in likes.answered)
            lowest = min(known.values())
            late += sum(count < due for count in known.values())
            rounds += 1
            # How old the newest count is that the stream which is furthest behind knows.
            if lowest < len(likes.answered): worst = max(worst, now - likes.answered[lowest])
    likes.stopping = True
    likes.join(5)
    print(json.dumps({
        "connections": options.connections, "opened_in_seconds": round(opened, 2), "closed": closed,
        "bytes_a_connection": round((memory_now - before) / options.connections), "likes": len(likes.answered),
        "events": events, "looks": rounds, "late": late, "slowest_seconds": round(worst, 3),
        "server_processor_share": round((server.cpu() - processor) / options.seconds, 3)}))


if __name__ == "__main__":
    main()
