#!/usr/bin/env bash
# Makes the Python environment that the cluster's tests take a broker of Kafka's protocol from: what the benchmarks have,
# and an S3 server that the broker can keep its records in. Where nothing is missing it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=${1:-.build/bench-venv}
wheels=("moto[server]==5.2.5")

scripts/bench/setup.sh "$environment"
if "$environment/bin/python" -c 'import moto, flask, flask_cors' 2> /dev/null; then
    printf 'cluster environment: nothing is missing in %s\n' "$environment"
else
    printf 'cluster environment: installing %s\n' "${wheels[*]}"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "${wheels[@]}"
fi
