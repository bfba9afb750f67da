#!/usr/bin/env python3
"""How long after a like was acknowledged at one node its count is seen at another, under load.

    visible_lag.py WRITE_URL READ_URL [--rate 2000] [--seconds 30] [--samples 300]

Likes are sent to WRITE_URL at an even rate (open loop) over 200 contents. Beside them, samples: a like on a content of its own, whose
count was read at READ_URL just before (so that the node has it in its cache), and is read there every 20 ms until it has changed.
"""
import argparse, http.client, json, random, socket, threading, time, urllib.parse

a = argparse.ArgumentParser()
a.add_argument("write"); a.add_argument("read")
a.add_argument("--rate", type=int, default=2000); a.add_argument("--seconds", type=int, default=30)
a.add_argument("--samples", type=int, default=300); a.add_argument("--connections", type=int, default=32)
a = a.parse_args()
run = f"{random.randrange(1 << 32):x}"
stop = time.time() + a.seconds
sent, failed, lags, lock = [0], [0], [], threading.Lock()


def connect(url):
    place = urllib.parse.urlparse(url)
    return http.client.HTTPConnection(place.hostname, place.port)


def call(c, method, path, body=None):
    c.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
    answer = c.getresponse()
    return answer.status, json.loads(answer.read())


def load(number):
    """An even rate in bursts of ten pipelined likes, so that the load itself takes little of the machine."""
    place, burst = urllib.parse.urlparse(a.write), 10
    c, step, i = socket.create_connection((place.hostname, place.port)), burst * a.connections / a.rate, 0
    answers, due = c.makefile("rb"), time.time() + random.random() * step
    while due < stop:
        time.sleep(max(0, due - time.time()))
        bodies = [json.dumps({"content_id": f"{run}-{(i + k) * 7 % 200}", "user_id": f"{number}-{i + k}"}) for k in range(burst)]
        c.sendall("".join(f"POST /v1/likes HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
                          for body in bodies).encode())
        wrong = 0
        for _ in range(burst):
            wrong += answers.readline().split()[1] != b"200"
            length = 0
            while (line := answers.readline().strip().lower()):
                if line.startswith(b"content-length:"): length = int(line[15:])
            answers.read(length)
        i += burst; due += step
        with lock:
            sent[0] += burst; failed[0] += wrong


def sample(number, count):
    w, r = connect(a.write), connect(a.read)
    for i in range(count):
        if time.time() > stop: return
        content = f"{run}-sample-{number}-{i}"
        call(r, "GET", f"/v1/likes/count/{content}")
        time.sleep(random.random())
        call(r, "GET", f"/v1/likes/count/{content}")
        status, _ = call(w, "POST", "/v1/likes", {"content_id": content, "user_id": "u"})
        began = time.time()
        while call(r, "GET", f"/v1/likes/count/{content}")[1]["count"] != 1:
            if time.time() - began > 30: break
            time.sleep(0.02)
        with lock: lags.append(time.time() - began)


threads = [threading.Thread(target=load, args=(n,)) for n in range(a.connections)]
threads += [threading.Thread(target=sample, args=(n, 1 + a.samples // 16)) for n in range(16)]
began = time.time()
[t.start() for t in threads]; [t.join() for t in threads]
lags.sort()
at = lambda share: lags[min(len(lags) - 1, int(len(lags) * share))]
print(f"{sent[0] / (time.time() - began):.0f} likes/s, {failed[0]} not 200; {len(lags)} samples: "
      f"p50 {at(.5):.2f} s, p99 {at(.99):.2f} s, longest {lags[-1]:.2f} s")
