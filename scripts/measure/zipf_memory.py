#!/usr/bin/env python3
"""Resident memory of a server that holds 100,000 contents with 1 to 100,000 likes each, 5 million in all.

    zipf_memory.py BINARY [--contents 100000] [--likes 5000000] [--most 100000] [--memory 1GiB]

Starts the server on a free port and a temporary folder, gives it the likes by bulk intake in random order, and checks
every count by batch counts. Prints one object of JSON: likes a second, resident memory at its highest and at the end,
drift. Exit 0 only when every count is exact and the memory stayed within the budget. Where a part of the intake is
refused because the ledger is behind (503), it is sent again, as the answer says.
"""
import argparse, http.client, json, os, random, re, shutil, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--contents", type=int, default=100_000)
parser.add_argument("--likes", type=int, default=5_000_000)
parser.add_argument("--most", type=int, default=100_000)
parser.add_argument("--memory", default="1GiB")
arguments = parser.parse_args()


def sizes():
    """Likes of each content: the first has the most, the k-th about most / k^s, with s such that the sum fits."""
    def of(s):
        return [max(1, int(arguments.most / k**s)) for k in range(1, arguments.contents + 1)]
    low, high = 0.1, 2.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(of(middle)) > arguments.likes else (low, middle)
    return of(high)


def status(pid, field):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def post(connection, path, body, kind):
    while True:
        connection.request("POST", path, body, {"content-type": kind})
        response = connection.getresponse()
        text = response.read()
        if response.status == 200:
            return json.loads(text)
        if response.status != 503:
            sys.exit(f"{response.status}: {text[:200]!r}")
        post.refused += 1
        time.sleep(float(response.headers.get("retry-after", "1")))


post.refused = 0
counts = sizes()
order = random.Random(1)
pairs = [(c, u) for c, n in enumerate(counts) for u in range(n)]
order.shuffle(pairs)
folder = tempfile.mkdtemp(prefix="likewise-memory-")
server = subprocess.Popen(
    [arguments.binary, "serve", "--port", "0", "--data-dir", folder + "/data", "--memory", arguments.memory],
    stderr=subprocess.PIPE, text=True)
try:
    for line in server.stderr:
        if (found := re.search(r"\blistening\b.*port=(\d+)", line)):
            break
    connection = http.client.HTTPConnection("127.0.0.1", int(found.group(1)))
    started = time.time()
    changed = 0
    for i in range(0, len(pairs), 50_000):
        body = "".join(
            '{"content_id":"content_%d","user_id":"user_%d","action":"like"}\n' % pair for pair in pairs[i:i + 50_000])
        changed += post(connection, "/v1/likes/batch", body, "application/x-ndjson")["changed"]
    seconds = time.time() - started
    drift = 0
    for i in range(0, len(counts), 100):
        ids = [f"content_{c}" for c in range(i, min(i + 100, len(counts)))]
        answer = post(connection, "/v1/likes/count/batch", json.dumps({"content_ids": ids}), "application/json")
        drift += sum(1 for c, entry in zip(range(i, i + 100), answer["counts"]) if entry["count"] != counts[c])
    highest, now = status(server.pid, "VmHWM"), status(server.pid, "VmRSS")
    unit = {"K": 10, "M": 20, "G": 30}[re.sub(r"[\d.i B]", "", arguments.memory)[0]]
    budget = int(re.match(r"\d+", arguments.memory).group()) << unit
    print(json.dumps({
        "contents": len(counts), "likes": len(pairs), "most": max(counts), "seconds": round(seconds, 1),
        "refused_requests": post.refused, "resident_highest_mib": highest >> 20, "resident_end_mib": now >> 20,
        "budget_mib": budget >> 20, "drift": drift}))
    sys.exit(0 if drift == 0 and highest <= budget else 1)
finally:
    server.terminate()
    server.wait()
    shutil.rmtree(folder)
