#!/usr/bin/env python3
"""A consumer that sums events in tumbling windows of one second and adds the sums to the counts in Redis.

    kafka_windows.py BROKER_PORT REDIS_PORT TOPIC automatic|written

`automatic` commits offsets as the client does by default, every five seconds, whatever was written until then;
`written` commits after each window's sums are in Redis. It prints the offset behind the last event in Redis.
SIGTERM ends it in order: what it holds is written first. `likewise bench levels` starts it and kills it. Needs confluent-kafka (scripts/bench/setup.sh).
"""
import collections
import signal
import socket
import sys
import time

from confluent_kafka import Consumer, TopicPartition

WINDOW_SECONDS = 1.0
broker_port, redis_port, topic, commits = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

redis = socket.create_connection(("127.0.0.1", redis_port))
answers = redis.makefile("rb")


def add(sums):
    for content, likes in sums.items():
        redis.sendall(f"INCRBY likes:{content} {likes}\r\n".encode())
        answer = answers.readline()
        if not answer.startswith(b":"):
            raise SystemExit(f"redis: {answer}")


consumer = Consumer({
    "bootstrap.servers": f"127.0.0.1:{broker_port}",
    "group.id": "windows",
    "enable.auto.commit": commits == "automatic",
    "auto.offset.reset": "earliest",
    "log_level": 0,
})
# One partition and one consumer: assigned, so that a start after a kill need not wait for the group to notice the death.
consumer.assign([TopicPartition(topic, 0)])

ending = []
signal.signal(signal.SIGTERM, lambda number, frame: ending.append(number))

window_end = time.monotonic() + WINDOW_SECONDS
sums = collections.Counter()
position = 0
while True:
    for message in consumer.consume(10_000, timeout=max(0.0, min(0.05, window_end - time.monotonic()))):
        if message.error():
            continue  # A broker that is gone comes back, or the process is ended.
        sums[message.key().decode()] += 1
        position = message.offset() + 1
    if time.monotonic() < window_end and not ending:
        continue
    window_end += WINDOW_SECONDS
    if sums:
        add(sums)
        sums.clear()
        if commits == "written":
            consumer.commit(offsets=[TopicPartition(topic, 0, position)], asynchronous=False)
        print("position", position, flush=True)
    if ending:
        # Not closed: that would wait for a broker that may be gone.
        break
