#!/usr/bin/env python3
"""The topic alone gives the ledger again: reads it with kcat, parses every event with jq, and replays it into empty databases.

    replay_topic.py CLUSTER_DIR BINARY

Takes a cluster of scripts/cluster/cluster.py that is at rest and whose broker keeps everything (not `mock`). Makes databases of its own on the
same PostgreSQL servers, lets an aggregator of a group of its own, without Redis, read the topic from the beginning, and compares registers and
tallies with those of the cluster. Exit 0 only when they are the same.
"""
import argparse, hashlib, json, pathlib, random, re, subprocess, sys, time, urllib.request

a = argparse.ArgumentParser()
a.add_argument("dir"); a.add_argument("binary")
a = a.parse_args()
run = f"{random.SystemRandom().randrange(1 << 32):x}"
settings = dict(line.split(": ", 1) for line in (pathlib.Path(a.dir) / "cluster.yaml").read_text().splitlines())
servers = settings["postgresql"].split(",")
library = pathlib.Path(settings["kafka-library"])

began = time.time()
topic = subprocess.Popen(["kcat", "-q", "-C", "-e", "-b", settings["kafka"], "-t", "likewise.events", "-o", "beginning"], stdout=subprocess.PIPE,
                         env={"LD_PRELOAD": str(library), "PATH": "/usr/bin:/bin"})
parsed = subprocess.run(["jq", "-c", "select(.event_id and .action and .content_id and .version) | .event_id"], stdin=topic.stdout, capture_output=True, text=True)
ids = parsed.stdout.split()
print(f"kcat and jq: {len(ids)} events parsed, {len(set(ids))} different, jq says {parsed.returncode}; {time.time() - began:.1f} s", flush=True)

for server in servers:
    subprocess.run(["psql", "-q", server, "-c", f"CREATE DATABASE replay_{run}"], check=True)
copies = [f"{server.rsplit('/', 1)[0]}/replay_{run}" for server in servers]
settings |= {"postgresql": ",".join(copies), "redis": "redis://127.0.0.1:1", "kafka-group": f"replay-{run}"}
file = pathlib.Path(a.dir) / f"replay-{run}.yaml"
file.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
subprocess.run([a.binary, "migrate", "--cluster", str(file)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ask(server, query):
    return subprocess.run(["psql", "-AtqX", server, "-c", query], check=True, capture_output=True, text=True).stdout


def positions(server):
    return ask(server, "SELECT shard, sequence FROM likewise.positions WHERE sequence >= 0 ORDER BY shard")


def content(server):
    """What a server holds, as one text."""
    return ask(server, "SELECT c.content_id, r.user_id, r.reading, r.region, r.reaction FROM likewise.registers r "
                       "JOIN likewise.contents c ON c.id = r.content ORDER BY 1, 2") \
        + ask(server, "SELECT c.content_id, t.reaction, sum(t.count) FROM likewise.tallies t JOIN likewise.contents c ON c.id = t.content "
                      "GROUP BY 1, 2 HAVING sum(t.count) <> 0 ORDER BY 1, 2")


process = subprocess.Popen([a.binary, "aggregate", "--cluster", str(file), "--port", "0"], stderr=subprocess.DEVNULL)
began = time.time()
while [positions(copy) for copy in copies] != [positions(server) for server in servers] and time.time() - began < 300:
    time.sleep(0.5)
took = time.time() - began
process.terminate(); process.wait()
same = True
for number, (server, copy) in enumerate(zip(servers, copies), 1):
    one, other = content(server), content(copy)
    same &= one == other
    print(f"server {number}: {one.count(chr(10))} registers and tallies, {hashlib.sha256(one.encode()).hexdigest()[:16]}; replayed "
          f"{other.count(chr(10))}, {hashlib.sha256(other.encode()).hexdigest()[:16]}: {'the same' if one == other else 'DIFFERENT'}")
print(f"replayed in {took:.1f} s")
sys.exit(0 if same and parsed.returncode == 0 and ids else 1)
