#!/usr/bin/env python3
"""Events a second from Kafka into PostgreSQL by one aggregator, which finds them all waiting.

    aggregator_rate.py CLUSTER_DIR BINARY [--events 300000] [--contents 100000] [--servers 1]

Takes the brokers, Redis and the first PostgreSQL servers of a cluster of scripts/cluster/cluster.py (its aggregators and nodes had better
be down: `cluster.py kill aggregator-1 aggregator-2 api-1 api-2`), makes databases of its own there, which begin at the topic's present
ends, puts likes of different users into the topic, contents by Zipf's law, starts an aggregator and watches its metrics. Prints the processor time that each took an event, the
servers too. Runs in an environment that has confluent-kafka: .build/bench-venv/bin/python.
"""
import argparse, bisect, itertools, json, pathlib, random, re, subprocess, sys, time, urllib.request
from confluent_kafka import Consumer, Producer, TopicPartition

a = argparse.ArgumentParser()
a.add_argument("dir"); a.add_argument("binary")
a.add_argument("--events", type=int, default=300_000); a.add_argument("--contents", type=int, default=100_000)
a.add_argument("--servers", type=int, default=1)
a = a.parse_args()
run, now = f"{random.SystemRandom().randrange(1 << 32):x}", int(time.time() * 1000)
settings = dict(line.split(": ", 1) for line in (pathlib.Path(a.dir) / "cluster.yaml").read_text().splitlines())
servers = settings["postgresql"].split(",")[:a.servers]
for server in servers:
    subprocess.run(["psql", "-q", server, "-c", f"CREATE DATABASE rate_{run}"], check=True)
settings["postgresql"] = ",".join(f"{server.rsplit('/', 1)[0]}/rate_{run}" for server in servers)
topic = "likewise.events"
file = pathlib.Path(a.dir) / f"rate-{run}.yaml"
file.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
subprocess.run([a.binary, "migrate", "--cluster", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
consumer = Consumer({"bootstrap.servers": settings["kafka"], "group.id": f"rate-{run}"})
partitions = consumer.list_topics(topic).topics[topic].partitions
ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in partitions}
consumer.close()
rows = ",".join(f"({partition},{end},0)" for partition, end in ends.items())
for server in settings["postgresql"].split(","):
    subprocess.run(["psql", "-q", server, "-c", f"INSERT INTO likewise.positions VALUES {rows}"], check=True)
producer = Producer({"bootstrap.servers": settings["kafka"], "acks": "all", "partitioner": "murmur2_random", "linger.ms": 20,
                     "queue.buffering.max.messages": 1_000_000})
random.seed(1)
weights = list(itertools.accumulate(1 / rank for rank in range(1, a.contents + 1)))
for i in range(a.events):
    content = f"post_{bisect.bisect(weights, random.random() * weights[-1])}"
    version = ((now << 16) + i) & ((1 << 63) - 1)
    event = {"event_id": f"{run}-{i}", "action": "like", "content_id": content, "content_type": "post", "user_id": f"user_{run}_{i}",
             "reaction": "like", "version": f"{version:016x}", "region": 0, "timestamp": version >> 16}
    producer.produce(topic, json.dumps(event, separators=(",", ":")), content)
    if i % 10_000 == 0: producer.poll(0)
producer.flush()
print(f"{a.events} events wait", flush=True)

def used(name):
    """Processor time in seconds of the cluster's processes called so, those that ended since left out."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text, folder = path.read_text(), (path.parent / "cwd").resolve()
        except OSError: continue
        if text[text.index("(") + 1:text.rindex(")")] == name and folder.is_relative_to(pathlib.Path(a.dir).resolve()):
            fields = text[text.rindex(")") + 2:].split()
            total += (int(fields[11]) + int(fields[12])) / 100
    return total

before = {name: used(name) for name in ("postgres", "redis-server")}
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
each = {name: (used(name) - before[name]) / last * 1e6 for name in before}
print(f"{last} of {a.events} taken; {(last - first) / (ended - began):.0f} events/s into {a.servers} PostgreSQL server(s); processor time an event: "
      f"aggregator {(int(cpu[11]) + int(cpu[12])) / 100 / last * 1e6:.1f} us, " + ", ".join(f"{n} {v:.1f} us" for n, v in each.items()))
process.terminate(); process.wait()
