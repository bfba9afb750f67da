#!/usr/bin/env python3
"""Checks what deploys a cluster, as far as that goes without a container engine:

    check.py [--binary .build/release/likewise]

- every YAML file is sound, and as its schema has it (Kubernetes' own, the Compose specification's);
- every command line of the roles, and every cluster file, is understood by the binary itself, with its environment;
- roles are started with at least the flags that `make cluster` gives them;
- ports, names, mounts, selectors and times of one file agree with those of the others;
- the image has the libraries that the binary is linked to, and its health check works on a real server.

Prints what is wrong, a line each, and exits with 1 if anything is. Run it by `make deploy-check`, which brings the schemas.
"""
import argparse, importlib.util, json, os, pathlib, re, shutil, subprocess, sys, tempfile

import jsonschema, kubernetes_validate, yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
KUBERNETES_VERSION = "1.30"  # the first in which a preStop may just sleep
CLUSTER_MOUNT = "/etc/likewise/cluster.yaml"
IMAGE = "likewise"
# What a role may take after its grace period began, beyond --shutdown-timeout: its client of Kafka flushes for 5 s.
FLUSH_SECONDS = 5
AGGREGATOR_STOP_SECONDS = 30
NONSENSE = "no-such-setting"

problems = []


def expect(holds, words):
    if not holds:
        problems.append(words)


class OnceLoader(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error, and not the last one's."""

    def construct_mapping(self, node, deep=False):
        # Merges (`<<`) may be overridden: what is overridden is no repetition.
        own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in own:
            if own.count(key) > 1:
                raise yaml.YAMLError(f"{key} is given twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def documents(path):
    try:
        return [d for d in yaml.load_all(path.read_text(), OnceLoader) if d is not None]
    except yaml.YAMLError as error:
        problems.append(f"{path.relative_to(ROOT)}: {error}")
        return []


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class Binary:
    """The real binary, asked what it thinks of arguments without being let run: each is given with one thing that it does
    not know, so that it ends at once, and everything else that it complains of is a fault of ours."""

    def __init__(self, path):
        self.path = path
        self.checked = set()
        self.help = {role: self.run([role, "--help"])[1] for role in ("serve", "aggregate", "migrate")}

    def run(self, arguments, variables=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LIKEWISE_")}
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True, timeout=20,
                              env={**clean, **(variables or {})})
        return done.returncode, done.stdout + done.stderr

    def complaints(self, arguments, variables=None):
        lines = self.run(arguments, variables)[1].splitlines()
        return [line for line in lines if line.startswith("error:") and NONSENSE not in line]

    def check_command(self, place, arguments, variables, cluster_file):
        """The role's own arguments, then with the cluster's file in its place. What was checked once is not again."""
        same = (tuple(arguments), tuple(variables.items()), cluster_file)
        if same in self.checked:
            return
        self.checked.add(same)
        given = self.complaints([*arguments, f"--{NONSENSE}"], variables)
        expect(not given, f"{place}: the binary says: {'; '.join(given)}")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(cluster_file.read_text() + f"{NONSENSE}: 1\n")
            file.flush()
            expect(CLUSTER_MOUNT in arguments, f"{place}: does not name {CLUSTER_MOUNT}")
            there = [file.name if word == CLUSTER_MOUNT else word for word in arguments]
            status, text = self.run(there, variables)
            expect(status != 0 and f"'{NONSENSE}'" in text, f"{place}: the binary did not read the cluster's file: {text}")
            given = self.complaints(there, variables)
            expect(not given, f"{place}: of the cluster's file the binary says: {'; '.join(given)}")


def flag(arguments, name, default=None):
    return arguments[arguments.index(name) + 1] if name in arguments else default


def flags(arguments):
    return {word for word in arguments if word.startswith("--")}


def flags_of_make_cluster():
    """What `make cluster` starts the roles with, by its source."""
    source = (ROOT / "scripts/cluster/cluster.py").read_text()
    found = {}
    for role in ("serve", "aggregate", "migrate"):
        line = re.search(rf'\[str\(self\.binary\), "{role}"(.*?)\]\)?,?\n', source, re.S)
        expect(line, f"cluster.py does not start {role} as it did")
        found[role] = set(re.findall(r'"(--[a-z-]+)"', line[1])) if line else set()
    return found


def check_role(place, arguments, variables, cluster_file, binary, standard):
    expect(arguments and arguments[0] in standard, f"{place}: {arguments[:1]} is no role")
    missing = standard.get(arguments[0], set()) - flags(arguments)
    expect(not missing, f"{place}: `make cluster` gives {', '.join(sorted(missing))} as well")
    binary.check_command(place, arguments, variables, cluster_file)


# Kubernetes


def pods(objects):
    for o in objects:
        if o["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield o, o["spec"]["template"]


def probes(container):
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        yield name, container.get(name)


def check_kubernetes(binary, standard):
    kustomization = documents(KUBERNETES / "kustomization.yaml")[0]
    listed = {KUBERNETES / name for name in kustomization["resources"]}
    generated = {g["name"]: g["files"] for g in kustomization["configMapGenerator"]}
    mentioned = listed | {KUBERNETES / f for files in generated.values() for f in files}
    mentioned |= {KUBERNETES / "kustomization.yaml", KUBERNETES / "secret.example.yaml"}
    for path in KUBERNETES.iterdir():
        expect(path in mentioned, f"{path.name} is not in kustomization.yaml")
    for path in mentioned:
        expect(path.exists(), f"kustomization.yaml names {path.name}, which is not there")
    objects = [o for path in sorted(listed) for o in documents(path)]
    secrets = documents(KUBERNETES / "secret.example.yaml")
    for o in objects + secrets:
        try:
            kubernetes_validate.validate(o, KUBERNETES_VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{o['kind']} {o['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}")
    images = {i["name"] for i in kustomization["images"]}
    keys = {s["metadata"]["name"]: set(s["stringData"]) for s in secrets}
    services = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Service"}
    labels = []
    for owner, template in pods(objects):
        labels.append(template["metadata"]["labels"])
        check_pod(owner, template, binary, standard, images, keys, generated)
        if owner["kind"] == "StatefulSet":
            expect(services.get(owner["spec"]["serviceName"], {}).get("spec", {}).get("clusterIP") == "None",
                   f"{owner['metadata']['name']}: its serviceName is no headless service")
    check_selectors(objects, labels)
    check_ports(objects, services)


def check_pod(owner, template, binary, standard, images, keys, generated):
    place, spec = f"{owner['kind']} {owner['metadata']['name']}", template["spec"]
    if "selector" in owner["spec"]:
        wanted = owner["spec"]["selector"]["matchLabels"]
        expect(wanted.items() <= template["metadata"]["labels"].items(), f"{place}: its selector does not find its pods")
    expect(spec.get("enableServiceLinks") is False, f"{place}: enableServiceLinks must be false")
    expect(spec["securityContext"].get("runAsNonRoot") and spec["securityContext"].get("runAsUser") == image_user(),
           f"{place}: does not run as the image's user")
    for container in spec["containers"]:
        expect(container["image"] in images, f"{place}: the image {container['image']} is not in kustomization.yaml")
        variables = {}
        for entry in container.get("env", []):
            variables[entry["name"]] = entry.get("value", "x")
            source = entry.get("valueFrom", {}).get("secretKeyRef")
            if source:
                expect(source["key"] in keys.get(source["name"], set()), f"{place}: there is no secret {source}")
        config = KUBERNETES / generated.get("likewise-cluster", ["-"])[0]
        check_role(place, container["args"], variables, config, binary, standard)
        check_mounts(place, owner, spec, container, generated)
        check_probes(place, container)
        # A read-only root needs a volume under whatever is written.
        data = flag(container["args"], "--data-dir")
        if data:
            mounts = [m for m in container["volumeMounts"] if m["mountPath"] == data and not m.get("readOnly")]
            expect(mounts, f"{place}: nothing that can be written is mounted at {data}")
            spool, volume = quantity(flag(container["args"], "--spool-bytes", "1GiB")), quantity(
                owner["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"])
            expect(spool <= volume * 0.9, f"{place}: a spool of {spool} bytes does not fit its volume of {volume}")
        check_grace(place, spec, container, binary)


def quantity(text):
    number, unit = re.fullmatch(r"(\d+)([KMG]i)B?", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def check_mounts(place, owner, spec, container, generated):
    volumes = {v["name"]: v for v in spec.get("volumes", [])}
    claims = {c["metadata"]["name"] for c in owner["spec"].get("volumeClaimTemplates", [])}
    for mount in container["volumeMounts"]:
        name = mount["name"]
        expect(name in volumes or name in claims, f"{place}: there is no volume {name}")
        config = volumes.get(name, {}).get("configMap", {}).get("name")
        if config:
            files = {f"{mount['mountPath']}/{file}" for file in generated.get(config, [])}
            expect(CLUSTER_MOUNT in files, f"{place}: the ConfigMap {config} does not bring {CLUSTER_MOUNT}, but {files}")
    used = {m["name"] for m in container["volumeMounts"]}
    expect(used == set(volumes) | claims, f"{place}: volumes that nothing mounts: {set(volumes) | claims - used}")


def check_probes(place, container):
    ports = {p["name"]: p["containerPort"] for p in container.get("ports", [])}
    if container["args"][0] == "migrate":
        return
    own = int(flag(container["args"], "--port", "0"))
    expect(set(ports.values()) == {own}, f"{place}: listens on {own}, and its ports are {ports}")
    for name, probe in probes(container):
        expect(probe, f"{place}: has no {name}")
        if probe:
            expect(probe["httpGet"]["port"] in ports, f"{place}: {name} asks port {probe['httpGet']['port']}")
            wanted = "/health/ready" if name == "readinessProbe" else "/health/live"
            expect(probe["httpGet"]["path"] == wanted, f"{place}: {name} asks {probe['httpGet']['path']}")


def stop_seconds(arguments, binary):
    """What an orderly stop of a role may take."""
    if arguments[0] == "aggregate":
        return AGGREGATOR_STOP_SECONDS + FLUSH_SECONDS
    given = re.search(r"--shutdown-timeout.*?\(default:\s*(\w+)\)", binary.help["serve"], re.S)[1]
    return seconds(flag(arguments, "--shutdown-timeout", given)) + FLUSH_SECONDS


def check_grace(place, spec, container, binary):
    if container["args"][0] == "migrate":
        return
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    needed = before + stop_seconds(container["args"], binary)
    expect(spec["terminationGracePeriodSeconds"] > needed, f"{place}: an orderly end takes up to {needed} s, and has "
           f"{spec['terminationGracePeriodSeconds']}")


def check_selectors(objects, labels):
    for o in objects:
        place = f"{o['kind']} {o['metadata']['name']}"
        selector = None
        if o["kind"] == "Service":
            selector = o["spec"]["selector"]
        elif o["kind"] == "PodDisruptionBudget":
            selector = o["spec"]["selector"]["matchLabels"]
        elif o["kind"] == "NetworkPolicy":
            selector = o["spec"]["podSelector"]["matchLabels"]
        if selector is not None:
            expect(any(selector.items() <= found.items() for found in labels), f"{place}: selects no pod")
        if o["kind"] == "HorizontalPodAutoscaler":
            target = o["spec"]["scaleTargetRef"]
            expect(any((p["kind"], p["metadata"]["name"], p["apiVersion"]) == (target["kind"], target["name"], target["apiVersion"])
                       for p in objects), f"{place}: there is no {target}")
            owner = next(p for p in objects if p["metadata"]["name"] == target["name"] and p["kind"] == target["kind"])
            expect("replicas" not in owner["spec"], f"{place}: {target['name']} has a number of replicas of its own")
            cpu = owner["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"]
            use = o["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]
            expect((cpu, use) == ("1", 70), f"{place}: is to scale at 70% of a core, and does at {use}% of {cpu}")


def check_ports(objects, services):
    names = {p["name"]: template["metadata"]["labels"] for _, template in pods(objects)
             for c in template["spec"]["containers"] for p in c.get("ports", [])}
    for name, service in services.items():
        for port in service["spec"]["ports"]:
            found = names.get(port["targetPort"], {})
            expect(service["spec"]["selector"].items() <= found.items(), f"Service {name}: no pod of it has a port {port['targetPort']}")
    for o in objects:
        if o["kind"] == "Ingress":
            for path in o["spec"]["rules"][0]["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = [p["name"] for p in services.get(backend["name"], {}).get("spec", {}).get("ports", [])]
                expect(backend["port"]["name"] in ports, f"Ingress: {path['path']} goes to {backend}, which is not there")
                expect(not path["path"].startswith(("/health", "/metrics")), f"Ingress: shows {path['path']}")
            shown = {(p["path"], p["pathType"]) for p in o["spec"]["rules"][0]["http"]["paths"]}
            expect(shown == {("/v1", "Prefix"), ("/openapi.json", "Exact"), ("/", "Exact")}, f"Ingress: shows {shown}")
        if o["kind"] == "NetworkPolicy":
            for rule in o["spec"]["ingress"]:
                for port in rule["ports"]:
                    expect(port["port"] in names, f"NetworkPolicy: there is no port {port['port']}")


# Compose


def check_compose(binary, standard):
    compose = documents(ROOT / "compose.yaml")[0]
    # Of the package only this file is wanted.
    folder = pathlib.Path(importlib.util.find_spec("check_jsonschema").origin).parent / "builtin_schemas/vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(compose):
        problems.append(f"compose.yaml: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    services, volumes = compose["services"], set(compose["volumes"])
    cluster_file = ROOT / "deploy/compose/cluster.yaml"
    used = set()
    for name, service in services.items():
        place = f"compose.yaml: {name}"
        for dependency, how in service.get("depends_on", {}).items():
            expect(dependency in services, f"{place}: there is no service {dependency}")
            if how["condition"] == "service_healthy":
                expect("healthcheck" in services.get(dependency, {}), f"{place}: {dependency} has no health check")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                expect((ROOT / source).is_file(), f"{place}: there is no file {source}")
            else:
                expect(source in volumes, f"{place}: there is no volume {source}")
                expect(source not in used, f"{place}: the volume {source} is another service's")
                used.add(source)
        if service["image"] == IMAGE:
            check_compose_role(place, service, cluster_file, binary, standard)
    expect(used == volumes, f"compose.yaml: volumes that nothing uses: {volumes - used}")
    check_compose_counts(services)
    check_compose_addresses(services, documents(cluster_file)[0])


def check_compose_role(place, service, cluster_file, binary, standard):
    arguments = service["command"]
    variables = {k: re.sub(r"\$\{.*\}", "x", v) for k, v in service["environment"].items()}
    check_role(place, arguments, variables, cluster_file, binary, standard)
    mounts = dict(reversed(v.split(":")[:2]) for v in service["volumes"])
    expect(mounts.get(CLUSTER_MOUNT) == "./deploy/compose/cluster.yaml", f"{place}: {CLUSTER_MOUNT} is not mounted")
    data = flag(arguments, "--data-dir")
    expect(data is None or data in mounts, f"{place}: nothing is mounted at {data}")
    expect(service["read_only"], f"{place}: its root file system can be written")
    if arguments[0] != "migrate":
        expect(service["healthcheck"]["test"] == ["CMD", "healthcheck", flag(arguments, "--port"), "/health/ready"],
               f"{place}: the health check asks another port than the role listens on")
        needed = stop_seconds(arguments, binary)
        expect(seconds(service["stop_grace_period"]) > needed, f"{place}: an orderly end takes up to {needed} s")


def check_compose_counts(services):
    roles = [s["command"][0] for s in services.values() if s["image"] == IMAGE]
    counts = {
        "API nodes": (roles.count("serve"), 2), "aggregators": (roles.count("aggregate"), 2), "migrate": (roles.count("migrate"), 1),
        "brokers": (sum("kafka" in s["image"] for s in services.values()), 3),
        "Redis nodes": (sum("redis" in s["image"] and "--cluster-enabled" in s["command"] for s in services.values()), 6),
        "PostgreSQL servers": (sum("postgres" in s["image"] for s in services.values()), 2),
    }
    for what, (found, wanted) in counts.items():
        expect(found == wanted, f"compose.yaml: {found} {what}, and not {wanted}")


def check_compose_addresses(services, cluster):
    """Every host that a file names is a service, and listens there."""
    ports = {"kafka": "9092", "redis": "6379", "ledger": "5432"}
    hosts = re.findall(r"(?:^|[,/@])([a-z]+-\d)(?::(\d+))?", ",".join(str(cluster[k]) for k in ("kafka", "postgresql", "redis")))
    expect(len(hosts) == 8, f"deploy/compose/cluster.yaml: names {hosts}")
    for host, port in hosts:
        expect(host in services, f"deploy/compose/cluster.yaml: there is no service {host}")
        expect((port or "5432") == ports[host.split("-")[0]], f"deploy/compose/cluster.yaml: {host} does not listen on {port}")
    nodes = re.findall(r"^server ([\w-]+):(\d+)", (ROOT / "deploy/compose/likewise-nodes.conf").read_text(), re.M)
    served = [(n, flag(s["command"], "--port")) for n, s in services.items() if s["image"] == IMAGE and s["command"][0] == "serve"]
    expect(sorted(nodes) == sorted(served), f"deploy/compose/likewise-nodes.conf: names {nodes}, and the nodes are {served}")
    redis = set(re.findall(r"172\.30\.80\.2\d(?=:6379)", services["redis-cluster"]["command"][2]))
    own = {s["networks"]["default"]["ipv4_address"] for n, s in services.items() if re.fullmatch(r"redis-\d", n)}
    expect(redis == own and len(own) == 6, f"compose.yaml: redis-cluster joins {redis}, and the nodes are {own}")
    listen = re.search(r"listen (\d+);", (ROOT / "deploy/nginx/likewise.conf").read_text())[1]
    expect(services["nginx"]["ports"][0].endswith(f":{listen}"), f"compose.yaml: nginx listens on {listen}")


# The image


def dockerfile():
    return (ROOT / "Dockerfile").read_text()


def image_user():
    return int(re.search(r"^USER (\d+):\d+$", dockerfile(), re.M)[1])


def check_image(binary):
    text = dockerfile()
    ignored = (ROOT / ".dockerignore").read_text()
    for source in re.findall(r"^COPY (?!--from)(\S+) \S+$", text, re.M):
        expect((ROOT / source).exists(), f"Dockerfile: there is no {source}")
        expect(f"!{source}\n" in ignored, f".dockerignore: leaves {source} out")
    packages = set(re.search(r"apt-get install --yes --no-install-recommends ([^\\]+)", text)[1].split())
    # Loaded when a role starts, so that nothing that is linked tells of them.
    for name in ("librdkafka1", "libpq5"):
        expect(name in packages, f"Dockerfile: {name} is not installed")
    if shutil.which("dpkg-query"):
        check_libraries(binary, packages)
    check_staged(binary)


def check_libraries(binary, packages):
    """What the binary is linked to is in the image: Swift's own beside it, all else from packages."""
    linked = re.findall(r"=> (/\S+)", subprocess.run(["ldd", binary.path], capture_output=True, text=True).stdout)
    # dpkg may know them by where they lie under /usr, or by what a link leads to.
    names = {path: {path, f"/usr{path}", os.path.realpath(path)} for path in linked if "/swift/" not in path}
    found = subprocess.run(["dpkg-query", "--search", *sorted(set().union(*names.values()))], capture_output=True, text=True).stdout
    owners = {path: line.split(":")[0] for line in found.splitlines() for path in [line.split(": ")[-1]]}
    for path, same in names.items():
        owner = next((owners[name] for name in same if name in owners), None)
        # These two are in every image of Debian's.
        expect(owner in packages | {"libc6", "libgcc-s1"}, f"Dockerfile: {path} is of {owner}, which is not installed")


def check_staged(binary):
    """The staged folder serves with the libraries that lie in it, and the image's health check finds that it does."""
    with tempfile.TemporaryDirectory(prefix="likewise-deploy-") as folder:
        staged = pathlib.Path(folder) / "stage"
        subprocess.run([ROOT / "scripts/deploy/stage.sh", binary.path, staged], check=True)
        linked = subprocess.run(["ldd", binary.path], capture_output=True, text=True).stdout
        for library in re.findall(r"=> \S*/swift/\S*/(\S+)", linked):
            expect((staged / library).is_file(), f"stage.sh: {library} is not beside the binary")
        run_path = subprocess.run(["readelf", "--dynamic", staged / "likewise"], capture_output=True, text=True).stdout
        expect("$ORIGIN" in run_path, "the binary does not look for libraries beside it")
        command = re.search(r"^CMD (\[.*\])$", dockerfile(), re.M)[1]
        arguments = [f"{folder}/data" if word == "/data" else word for word in json.loads(command)]
        server = subprocess.Popen([staged / "likewise", *arguments, "--port", "0"], stderr=subprocess.PIPE, text=True)
        try:
            port = next((m[1] for line in server.stderr if (m := re.search(r"listening.*port=(\d+)", line))), None)
            for path, wanted in (("/health/live", 0), ("/health/ready", 0), ("/nothing", 1)):
                # It gives up after four seconds, as a probe should, and is asked again, as a probe is.
                for _ in range(5):
                    found = subprocess.run([ROOT / "deploy/healthcheck.sh", str(port), path]).returncode
                    if found == wanted:
                        break
                expect(found == wanted, f"healthcheck.sh: {found} for {path} of a server that is well")
        finally:
            server.terminate()
            server.wait()
        found = subprocess.run([ROOT / "deploy/healthcheck.sh", str(port), "/health/live"]).returncode
        expect(found == 1, f"healthcheck.sh: {found} where nothing listens")


def check_service_links(binary):
    """Why enableServiceLinks is false: what Kubernetes would set for a service named likewise stops the start."""
    links = {"LIKEWISE_PORT": "tcp://10.0.0.1:80", "LIKEWISE_SERVICE_HOST": "10.0.0.1"}
    given = " ".join(binary.complaints(["serve", f"--{NONSENSE}"], links))
    expect(all(name in given for name in links), "service links do no harm any more: enableServiceLinks need not be false")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / ".build/release/likewise"))
    binary = Binary(parser.parse_args().binary)
    standard = flags_of_make_cluster()
    try:
        check_kubernetes(binary, standard)
        check_compose(binary, standard)
        check_image(binary)
        check_service_links(binary)
    finally:
        # Also where a check could not go on: what was found before is mostly why.
        for problem in problems:
            print(f"deploy-check: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
    print("deploy-check: manifests, command lines and image agree")


main()
