#!/usr/bin/env python3
"""What identity costs a like through the event loops: the rate with tokens and with a key, against the rate without.

Starts three servers in a temporary folder (without identity, with users' tokens, with a backend's key) and lets wrk ask
each in turn, round after round. Prints one JSON object: rates, processor time of the server a request, and the ratios to
those without.

    scripts/measure/identity.py --rounds 5 --seconds 3
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The same likes in each way: users in turn, on one content after another, each like a new one.
LUA = """
local tokens = {}
local path = os.getenv("TOKENS")
if path then for line in io.lines(path) do tokens[#tokens + 1] = line end end
local users = tonumber(os.getenv("USERS"))
local count = 0
local first = tonumber(os.getenv("FIRST"))
request = function()
  local user = count % users
  local content = first + math.floor(count / users)
  count = count + 1
  local headers = {["Content-Type"] = "application/json"}
  if #tokens > 0 then headers["Authorization"] = "Bearer " .. tokens[user % #tokens + 1] end
  return wrk.format("POST", "/v1/likes", headers,
    string.format('{"content_id":"video_%09d","user_id":"user%d"}', content, user))
end
"""


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret: bytes, user: str) -> str:
    header = text(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = {"iss": "i", "aud": "a", "sub": user, "exp": int(time.time()) + 3600, "jti": secrets.token_hex(16)}
    signed = header + "." + text(json.dumps(claims).encode())
    return signed + "." + text(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


class Server:
    def __init__(self, binary: str, folder: Path, flags: list[str]):
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--data-dir", str(folder / "data"), "--memory", "2GiB", "--log-format", "json"]
            + flags,
            stderr=self.log, stdout=self.log)
        deadline = time.monotonic() + 60
        while True:
            found = re.search(r'"listening".*?"port":\s*"?(\d+)', (folder / "log").read_text())
            if found:
                self.port = int(found[1])
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.05)

    def cpu(self) -> float:
        """Seconds of processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        self.process.wait(30)


def rate(port: int, lua: str, seconds: int, tokens: str | None, users: int, turn: int) -> tuple[float, int, int]:
    run = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", lua, f"http://127.0.0.1:{port}"], capture_output=True, text=True,
        env={"USERS": str(users), "FIRST": str(turn * 1_000_000)} | ({"TOKENS": tokens} if tokens else {}))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", run.stdout)
    found = float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)[1])
    return found, int(bad[1]) if bad else 0, int(re.search(r"(\d+) requests in", run.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--users", type=int, default=1000, help="users with a token each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wrk.lua").write_text(LUA)
        secret = secrets.token_bytes(32)
        (folder / "secret").write_text(text(secret))
        keys = str(folder / "keys.json")
        made = subprocess.run(
            [options.binary, "keys", "make", "--api-keys", keys, "--name", "bench", "--scopes", "likes:write,likes:read"],
            check=True, capture_output=True, text=True)
        (folder / "key").write_text(made.stdout)
        signing = text(secret).encode()
        (folder / "tokens").write_text("\n".join(token(signing, f"user{i}") for i in range(options.users)) + "\n")
        jwt = ["--jwt-keys", str(folder / "secret"), "--jwt-issuer", "i", "--jwt-audience", "a"]
        ways = {
            "without": ([], None), "key": (["--api-keys", keys], str(folder / "key")),
            "tokens": (jwt, str(folder / "tokens")),
        }
        servers, rates, costs = {}, {way: [] for way in ways}, {way: [] for way in ways}
        bad = {way: 0 for way in ways}
        try:
            for way, (flags, _) in ways.items():
                (folder / f"server-{way}").mkdir()
                servers[way] = Server(options.binary, folder / f"server-{way}", flags)
            for turn in range(options.rounds + 1):
                for way, (_, tokens) in ways.items():
                    before = servers[way].cpu()
                    found, wrong, count = rate(servers[way].port, str(folder / "wrk.lua"), options.seconds, tokens, options.users, turn)
                    # The first round warms up.
                    if turn > 0:
                        rates[way].append(found)
                        costs[way].append(round((servers[way].cpu() - before) / count * 1e6, 2))
                        bad[way] += wrong
        finally:
            for server in servers.values():
                server.end()
    report = {"requests_a_second": rates, "server_microseconds_a_request": costs, "not_2xx": bad}
    for way in ways:
        if way == "without":
            continue
        # The generator's own work with a longer head is in the rate, and not in the server's processor time.
        ratios = [a / b for a, b in zip(rates[way], rates["without"])]
        cheaper = [b / a for a, b in zip(costs[way], costs["without"])]
        report[f"{way}_to_without"] = {
            "rate": round(statistics.median(ratios), 3), "by_processor_time": round(statistics.median(cheaper), 3)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
