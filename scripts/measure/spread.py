#!/usr/bin/env python3
"""One content takes all the load: likes a second until they are acknowledged and until they are counted, with and without a spread.

    spread.py CLUSTER_DIR BINARY [--likes 200000] [--spreads 1,8] [--rounds 3] [--cool]

Takes a running cluster of scripts/cluster/cluster.py; its API nodes must be down (`cluster.py kill api-1 api-2`), for two nodes are started
for each spread. Half of the likes go to either node, 5,000 a request, four requests at a time each. A round takes a content of its own, the spreads
by turns. Prints the rates, the spread that the nodes say, and whether the count is exact. With --cool it then waits until the last content's spread is 1
again, likes it once more and looks at the count.
"""
import argparse, concurrent.futures, json, pathlib, random, re, statistics, subprocess, sys, tempfile, time, urllib.request

a = argparse.ArgumentParser()
a.add_argument("dir"); a.add_argument("binary")
a.add_argument("--likes", type=int, default=200_000); a.add_argument("--spreads", default="1,8")
a.add_argument("--rounds", type=int, default=3); a.add_argument("--cool", action="store_true")
a = a.parse_args()
run, size = f"{random.SystemRandom().randrange(1 << 32):x}", 5_000
text = (pathlib.Path(a.dir) / "cluster.yaml").read_text()


def nodes(spread, folder):
    """Two API nodes with this bound of the spread, and their URLs."""
    file = folder / f"spread-{spread}.yaml"
    file.write_text(re.sub(r"hot-spread: \d+", f"hot-spread: {spread}", text))
    found = []
    for number in range(2):
        process = subprocess.Popen([a.binary, "serve", "--cluster", str(file), "--port", "0", "--data-dir", str(folder / f"{spread}-{number}"),
                                    "--log-format", "json"], stderr=subprocess.PIPE, text=True)
        line = next(json.loads(line) for line in process.stderr if '"listening"' in line)
        found.append((process, f"http://127.0.0.1:{line.get('metadata', line)['port']}"))
    return found


def post(url, lines):
    request = urllib.request.Request(f"{url}/v1/likes/batch", lines, {"content-type": "application/x-ndjson"})
    return json.load(urllib.request.urlopen(request, timeout=120))["accepted"]


def get(url, path):
    return json.load(urllib.request.urlopen(f"{url}{path}", timeout=30))


def measure(members, content):
    urls = [url for _, url in members]
    bodies = ["".join(f'{{"content_id":"{content}","user_id":"u{i}","action":"like"}}\n' for i in range(start, start + size)).encode()
              for start in range(0, a.likes, size)]
    began = time.time()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(lambda each: post(urls[each[0] % 2], each[1]), enumerate(bodies)))
    acknowledged = time.time() - began
    while (count := get(urls[0], f"/v1/likes/count/{content}")["count"]) < accepted and time.time() - began < 300:
        time.sleep(0.05)
    counted = time.time() - began
    time.sleep(2)
    count, spread = (get(urls[1], f"/v1/content/{content}")[field] for field in ("count", "spread"))
    return accepted / acknowledged, accepted / counted, spread, accepted, count


with tempfile.TemporaryDirectory() as folder:
    spreads = [int(each) for each in a.spreads.split(",")]
    members = {spread: nodes(spread, pathlib.Path(folder)) for spread in spreads}
    rates = {spread: [] for spread in spreads}
    for number in range(a.rounds):
        for spread in spreads:
            content = f"hot-{run}-{spread}-{number}"
            acknowledged, counted, said, accepted, count = measure(members[spread], content)
            rates[spread].append((acknowledged, counted))
            print(f"spread up to {spread}: {acknowledged:.0f} likes/s acknowledged, {counted:.0f} counted; the nodes say {said}; "
                  f"{accepted} accepted, count {count}: {'exact' if accepted == count else 'WRONG'}", flush=True)
    middle = {spread: [statistics.median(each) for each in zip(*found)] for spread, found in rates.items()}
    first, last = spreads[0], spreads[-1]
    print(f"N={last} against N={first}, medians: {middle[last][0] / middle[first][0]:.2f} acknowledged, {middle[last][1] / middle[first][1]:.2f} counted")
    if a.cool:
        url, began = members[last][0][1], time.time()
        while (said := get(url, f"/v1/content/{content}")["spread"]) > 1 and time.time() - began < 600: time.sleep(1)
        post(url, f'{{"content_id":"{content}","user_id":"late","action":"like"}}\n'.encode())
        time.sleep(3)
        count = get(url, f"/v1/content/{content}")["count"]
        print(f"cool after {time.time() - began:.0f} s: spread {said}; one more like, count {count}: {'exact' if count == accepted + 1 else 'WRONG'}")
    for process, _ in [each for found in members.values() for each in found]:
        process.terminate()
        process.wait()
