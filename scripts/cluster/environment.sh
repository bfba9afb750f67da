#!/usr/bin/env bash
# Installs what the tests with real servers and browsers need beside what the benchmarks have: Varnish, Chromium with its driver
# and a font with emoji, and in the Python environment an S3 server that the broker can keep its records in, and the schemas
# that `make deploy-check` checks manifests by. Where nothing is missing it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

environment=${1:-.build/bench-venv}
wheels=("moto[server]==5.2.5" "kubernetes-validate==1.37.0" "check-jsonschema==0.39.0")

scripts/bench/setup.sh "$environment"
packages=()
command -v varnishd > /dev/null || packages+=(varnish)
command -v chromium > /dev/null || packages+=(chromium)
command -v chromedriver > /dev/null || packages+=(chromium-driver)
[[ -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf ]] || packages+=(fonts-noto-color-emoji)
if ((${#packages[@]} > 0)); then
    printf 'cluster environment: installing %s\n' "${packages[*]}"
    as_root=()
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update --quiet --quiet
    # Varnish's package would start a server of its own.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install --quiet --quiet --yes --no-install-recommends "${packages[@]}"
fi
if "$environment/bin/python" -c 'import moto, flask, flask_cors, kubernetes_validate, check_jsonschema' 2> /dev/null; then
    printf 'cluster environment: nothing is missing in %s\n' "$environment"
else
    printf 'cluster environment: installing %s\n' "${wheels[*]}"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "${wheels[@]}"
fi
