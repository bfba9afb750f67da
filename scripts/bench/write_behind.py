#!/usr/bin/env python3
"""The writer of a write-behind cache: every SECONDS it copies the count in Redis to its row in PostgreSQL.

    write_behind.py REDIS_PORT POSTGRES_PORT SECONDS CONTENT

It writes once at its start, and prints each count that it has written. `likewise bench levels` starts it and kills it.
"""
import socket
import subprocess
import sys
import time

redis_port, postgres_port, seconds, content = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]


def count_in_redis():
    with socket.create_connection(("127.0.0.1", redis_port), timeout=5) as connection:
        connection.sendall(f"GET likes:{content}\r\n".encode())
        answer = connection.makefile("rb")
        size = int(answer.readline()[1:])
        return int(answer.read(size)) if size > 0 else None


while True:
    due = time.monotonic() + seconds
    try:
        count = count_in_redis()
        if count is not None:
            subprocess.run(
                ["psql", "-h", "127.0.0.1", "-p", postgres_port, "-U", "postgres", "-qc",
                 f"update videos set like_count = {count} where id = '{content}'"], check=True)
            print(count, flush=True)
    except OSError as error:
        # Redis is gone; a writer tries again at its next turn.
        print(f"not written: {error}", file=sys.stderr, flush=True)
    time.sleep(max(0, due - time.monotonic()))
