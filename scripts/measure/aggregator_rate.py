#!/usr/bin/env python3
"""Events a second from Kafka into PostgreSQL by one aggregator, which finds them all waiting.

    aggregator_rate.py CLUSTER_DIR BINARY [--events 300000] [--contents 100000]

Takes the cluster of scripts/cluster/cluster.py (its aggregators must be down: `cluster.py kill aggregator-1 aggregator-2`), puts new
likes of different users into the topic, contents by Zipf's law, starts an aggregator and watches its metrics. Runs in an environment that
has confluent-kafka: .build/bench-venv/bin/python.
"""
import argparse, bisect, itertools, json, pathlib, random, re, subprocess, sys, time, urllib.request
from confluent_kafka import Producer

a = argparse.ArgumentParser()
a.add_argument("dir"); a.add_argument("binary")
a.add_argument("--events", type=int, default=300_000); a.add_argument("--contents", type=int, default=100_000)
a = a.parse_args()
file = pathlib.Path(a.dir) / "cluster.yaml"
settings = dict(line.split(": ", 1) for line in file.read_text().splitlines())
producer = Producer({"bootstrap.servers": settings["kafka"], "acks": "all", "partitioner": "murmur2_random", "linger.ms": 20,
                     "queue.buffering.max.messages": 1_000_000})
random.seed(1)
weights = list(itertools.accumulate(1 / rank for rank in range(1, a.contents + 1)))
run, now = f"{random.SystemRandom().randrange(1 << 32):x}", int(time.time() * 1000)
for i in range(a.events):
    content = f"post_{bisect.bisect(weights, random.random() * weights[-1])}"
    version = ((now << 16) + i) & ((1 << 63) - 1)
    event = {"event_id": f"{run}-{i}", "action": "like", "content_id": content, "content_type": "post", "user_id": f"user_{run}_{i}",
             "reaction": "like", "version": f"{version:016x}", "region": 0, "timestamp": version >> 16}
    producer.produce("likewise.events", json.dumps(event, separators=(",", ":")), content)
    if i % 10_000 == 0: producer.poll(0)
producer.flush()
print(f"{a.events} events wait", flush=True)

process = subprocess.Popen([a.binary, "aggregate", "--cluster", str(file), "--log-format", "json"], stderr=subprocess.PIPE, text=True)
port = next(json.loads(line)["metadata"]["port"] if "metadata" in json.loads(line) else json.loads(line)["port"]
            for line in process.stderr if '"listening"' in line)
def taken():
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    return int(re.search(r"^likewise_aggregator_events_total (\d+)", text, re.M).group(1)) if "aggregator_events_total" in text else 0
while taken() == 0: time.sleep(0.01)
first, began = taken(), time.time()
last, ended = first, began
while last < a.events and time.time() - ended < 30:
    time.sleep(0.05)
    count = taken()
    if count > last: last, ended = count, time.time()
cpu = pathlib.Path(f"/proc/{process.pid}/stat").read_text().split(")")[1].split()
print(f"{last} of {a.events} taken; {(last - first) / (ended - began):.0f} events/s; "
      f"{(int(cpu[11]) + int(cpu[12])) / 100 / last * 1e6:.1f} us of the aggregator's processor time an event")
process.terminate(); process.wait()
