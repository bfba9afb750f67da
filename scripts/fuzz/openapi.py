#!/usr/bin/env python3
"""Sends what schemathesis makes of /openapi.json to a server of its own, and says what did not fit.

    .build/bench-venv/bin/python scripts/fuzz/openapi.py --binary .build/release/likewise --cases 20000

Needs schemathesis 4 beside this Python (pip install schemathesis). The server is started with an empty folder on a free
port of loopback and stopped at the end. Exit 1 where an answer was a server error, had a status, a type, a field or a
schema that the description does not have, or the server ended.

All checks run. Two of them are told of but decide nothing, since the description cannot say what they would have to know:
that a cursor must come from an earlier answer, and an Idempotency-Key from no earlier request with another body (422), so
that a request can fit the schema and be refused; and that a path such as /v1/likes/batch is also a content called 'batch',
which has methods of its own.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# Cases an operation in one round: with many, a round's links between operations grow faster than the cases.
CASES_OF_ROUND = 20
TOLD_ONLY = {"Schema-valid request rejected", "Allow header mismatch"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/likewise")
    parser.add_argument("--cases", type=int, default=20_000, help="how many cases at least (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=3_600, help="give up after this time (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()

    tool = shutil.which("schemathesis", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    if tool is None:
        sys.exit("openapi.py: schemathesis is missing: " + sys.executable + " -m pip install schemathesis")
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="likewise-fuzz-") as folder:
        port = free_port()
        server = subprocess.Popen(
            [options.binary, "serve", "--port", str(port), "--data-dir", folder + "/data", "--log-level", "warning",
             "--widget-limit", "none"],
            stdout=open(folder + "/server.log", "w"), stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url, server)
            operations = sum(
                method in ("get", "put", "post", "delete")
                for name, path in json.load(urllib.request.urlopen(url + "/openapi.json"))["paths"].items()
                if name != "/v1/live" for method in path)
            total, found, begin = 0, [], time.time()
            seed = 1
            while total < options.cases and time.time() - begin < options.seconds:
                each = min(CASES_OF_ROUND, max(10, (options.cases - total) // operations + 1))
                cases, failures = run(tool, url, each, seed, options.workers, here, folder)
                total, found, seed = total + cases, found + failures, seed + 1
                print(f"{total} of {options.cases} cases, {time.time() - begin:.0f} s", file=sys.stderr, flush=True)
            alive = server.poll() is None
            errors = [f for f in found if f[0] not in TOLD_ONLY and not is_as_it_should_be(*f)]
            print(json.dumps({
                "cases": total, "operations": operations, "failures": len(errors), "told_only": len(found) - len(errors),
                "server_errors": sum("Server error" in f[0] for f in found), "server_alive": alive,
            }))
            for name, text in errors:
                print(f"{name}\n{text}\n")
            return 0 if alive and not errors and total >= options.cases else 1
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
            print(open(folder + "/server.log").read(), end="", file=sys.stderr)


def is_as_it_should_be(name, text):
    """Whether an answer is right, and the check mistaken."""
    if name == "Schema-violating request accepted":
        # 413 and 414 refuse as well as any other status does. And whatever is sent as lines is text, which is all that the
        # schema asks for.
        return "[413]" in text or "[414]" in text or ("application/x-ndjson" in text and "in body - incorrect type" in text)
    # What a user holds, and who likes a content, is answered for those that are not there too: nothing.
    return name == "Deleted resource still available" and ('"liked":false' in text or '"likes":[]' in text)


def wait_until_ready(url, server):
    end = time.time() + 30
    while time.time() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url + "/health/ready", timeout=1)
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("openapi.py: the server did not start")


def run(tool, url, each, seed, workers, here, folder):
    """One run with `each` cases an operation; answers how many there were, and what did not fit, by kind."""
    done = subprocess.run(
        [tool, "run", url + "/openapi.json", "-c", "all", "--phases", "examples,coverage,fuzzing,stateful",
         "-n", str(each), "-w", str(workers), "--seed", str(seed), "--continue-on-failure",
         # A stream that is taken has no end, which schemathesis would wait for.
         "--exclude-path", "/v1/live", "--suppress-health-check", "all", "--no-color"],
        capture_output=True, text=True, cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(here)})
    counted = re.search(r"(\d+) generated", done.stdout)
    if counted is None:
        sys.exit("openapi.py: schemathesis said nothing of its cases:\n" + done.stdout[-3000:] + done.stderr[-3000:])
    failures = []
    for part in re.split(r"\n(?=_{5,} )", done.stdout):
        where = part.split("\n", 1)[0].strip("_ ")
        for text in re.split(r"\n(?=- )", part)[1:]:
            first = text.split("\n", 1)[0]
            failures.append((re.sub(r"^- (ST\d+ )?", "", first).strip(), where + "\n" + text[:1500]))
    return int(counted.group(1)), failures


if __name__ == "__main__":
    sys.exit(main())
