#!/usr/bin/env python3
"""Brokers of Kafka's protocol that live in this process: librdkafka's own mock cluster, which other processes can talk to.

    mock_brokers.py LIBRARY TOPIC PARTITIONS [BROKERS]

Prints `brokers HOST:PORT,…` and runs until it is ended. It keeps the last 5 MB of each partition in memory and nothing on a disk:
fast, for measurements and tests, and for nothing else.
"""
import ctypes, signal, sys

library, topic, partitions = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
brokers = int(sys.argv[4]) if len(sys.argv) > 4 else 3
kafka = ctypes.CDLL(library)
for name in ["rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"]:
    getattr(kafka, name).restype = ctypes.c_void_p
kafka.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
kafka.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
kafka.rd_kafka_conf_new.argtypes = []
kafka.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
kafka.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
kafka.rd_kafka_mock_topic_create.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]

words = ctypes.create_string_buffer(512)
client = kafka.rd_kafka_new(0, kafka.rd_kafka_conf_new(), words, len(words))
if not client:
    sys.exit(words.value.decode())
cluster = kafka.rd_kafka_mock_cluster_new(client, brokers)
if kafka.rd_kafka_mock_topic_create(cluster, topic, partitions, brokers) != 0:
    sys.exit("the topic could not be made")
print("brokers", kafka.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
signal.pause()
