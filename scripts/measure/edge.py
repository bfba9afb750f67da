#!/usr/bin/env python3
"""How much of what readers ask reaches the node behind nginx and behind Varnish, with the configurations that ship.

    edge.py [--binary .build/release/likewise] [--seconds 20] [--connections 64] [--contents 100]

wrk reads the counts of the contents as fast as it can (closed loop). Beside it, at an even rate, personal reads (1% of what a
first second of wrk achieved) and likes. What reached the node is by the node's own metrics. Needs nginx, varnishd and wrk.
"""
import argparse, http.client, json, os, pathlib, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LUA = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/v1/likes/count/c" .. (n % %d))
end
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(connection, method, path, body=None):
    connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.getheader("x-cache"), answer.read()


def wait(port, path, status):
    deadline = time.time() + 30
    while time.time() < deadline:
        try:
            if call(http.client.HTTPConnection("127.0.0.1", port, timeout=2), "GET", path)[0] == status:
                return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"edge: nothing answers on port {port}")


def answered(port, route):
    page = call(http.client.HTTPConnection("127.0.0.1", port), "GET", "/metrics")[2].decode()
    return sum(int(n) for n in re.findall(rf'likewise_http_request_seconds_count{{route="{route}",[^}}]*}} (\d+)', page))


def fit(text, changes):
    for shipped, own in changes.items():
        if text.count(shipped) != 1:
            sys.exit(f"edge: the configuration has {shipped} {text.count(shipped)} times")
        text = text.replace(shipped, own)
    return text


def start_nginx(folder, port, node):
    shipped = ROOT / "deploy/nginx"
    (folder / "likewise.conf").write_text(fit((shipped / "likewise.conf").read_text(), {
        "listen 8080;": f"listen 127.0.0.1:{port};", "/var/cache/nginx/likewise": f"{folder}/cache"}))
    (folder / "likewise-nodes.conf").write_text(fit((shipped / "likewise-nodes.conf").read_text(), {
        "127.0.0.1:8081": f"127.0.0.1:{node}", "127.0.0.1:8082": f"127.0.0.1:{node}"}))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid nginx.pid; worker_processes auto;\nevents {{ worker_connections 4096; }}\nhttp {{ access_log off;\n"
        "proxy_temp_path a; client_body_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;\n"
        "include likewise.conf; }\n")
    return subprocess.Popen(["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"], stderr=subprocess.DEVNULL)


def start_varnish(folder, port, node):
    vcl = folder / "likewise.vcl"
    vcl.write_text(fit((ROOT / "deploy/varnish/likewise.vcl").read_text(), {
        '.port = "8081"': f'.port = "{node}"', '.port = "8082"': f'.port = "{node}"'}))
    return subprocess.Popen([str(ROOT / "deploy/varnish/varnishd.sh"), "-j", "none", "-n", str(folder / "work"), "-a",
                             f"127.0.0.1:{port}"], env={**os.environ, "VCL": str(vcl)},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_counts(args, port, seconds, script):
    done = subprocess.run(["wrk", "-t2", f"-c{args.connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"],
                          capture_output=True, text=True, check=True).stdout
    total = int(re.search(r"(\d+) requests in", done)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return total, rate, int(bad[1]) if bad else 0


class Beside(threading.Thread):
    """Calls at an even rate, on a connection of its own, until it is told to stop; a call that is late is sent at once."""

    def __init__(self, port, rate, make):
        super().__init__()
        self.port, self.rate, self.make = port, rate, make
        self.sent, self.failed, self.cached, self.over = 0, 0, 0, threading.Event()
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        due = time.time()
        while not self.over.wait(max(0, due - time.time())):
            status, cache, _ = call(connection, *self.make(self.sent))
            self.sent += 1
            self.failed += status != 200
            self.cached += cache in ("HIT", "STALE")
            due += 1 / self.rate


def measure(args, name, start, node, folder):
    port, script = free_port(), folder / "counts.lua"
    script.write_text(LUA.replace("%d", str(args.contents)))
    edge = start(folder, port, node)
    try:
        wait(port, "/health/live", 404)
        _, rate, _ = read_counts(args, port, 1, script)
        counts, likes = answered(node, "count"), answered(node, "like")
        begin = time.time()
        personal = Beside(port, max(1, rate / 100), lambda i: ("GET", f"/v1/likes/count/c{i % args.contents}?user_id=u{i}"))
        writes = Beside(port, 50, lambda i: ("POST", "/v1/likes", {"content_id": f"c{i % args.contents}", "user_id": f"{name}{i}"}))
        total, rate, bad = read_counts(args, port, args.seconds, script)
        for thread in (personal, writes):
            thread.over.set()
            thread.join()
        took = time.time() - begin
        counts, likes = answered(node, "count") - counts - personal.sent, answered(node, "like") - likes
        print(f"{name}: {rate:,.0f} count reads a second on {args.contents} contents, {total:,} in all, {bad} not 200; "
              f"{counts} reached the node, {counts / args.contents / took:.3f} a content and second, one in {total // max(1, counts):,}\n"
              f"    personal reads {personal.sent} ({100 * personal.sent / total:.1f}%), from a cache {personal.cached}, not 200 "
              f"{personal.failed}; likes sent {writes.sent}, seen by the node {likes}, not 200 {writes.failed}")
    finally:
        edge.send_signal(signal.SIGTERM)
        edge.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--contents", type=int, default=100)
    args = parser.parse_args()
    for program in ["nginx", "varnishd", "wrk"]:
        if not shutil.which(program):
            sys.exit(f"edge: {program} is not installed; it is in Debian's package {'varnish' if program == 'varnishd' else program}")
    with tempfile.TemporaryDirectory(prefix="likewise-edge-") as top:
        port = free_port()
        node = subprocess.Popen([args.binary, "serve", "--port", str(port), "--data-dir", f"{top}/data"],
                                stderr=subprocess.DEVNULL)
        try:
            wait(port, "/health/ready", 200)
            for name, start in [("nginx", start_nginx), ("varnish", start_varnish)]:
                folder = pathlib.Path(top) / name
                folder.mkdir()
                measure(args, name, start, port, folder)
        finally:
            node.terminate()
            node.wait()


main()
