#!/usr/bin/env bash
# Makes sure that what building and testing need is there, and installs from Debian's packages what is missing. Where
# nothing is missing it changes nothing and needs neither root nor the network.
set -euo pipefail

# What is needed: the file or command that shows it is there, then the package that brings it.
commands=(
    "git git"             # SwiftPM fetches packages with it
    "curl curl"           # end-to-end tests and the examples of the documents
    "sqlite3 sqlite3"     # a look into the ledger from outside
    "python3 python3"     # comparisons and checks under scripts/
    "c++ g++"             # the C library's headers and the linker's start files
)
headers=(
    "sqlite3.h libsqlite3-dev"       # GRDB links to the system's SQLite
    "rocksdb/db.h librocksdb-dev"    # the ledger links to RocksDB, and to the libraries that this brings along
    "librdkafka/rdkafka.h librdkafka-dev"    # the declarations of what a cluster loads when it starts
    "postgresql/libpq-fe.h libpq-dev"        # the same
)
swift_major=6
swift_minor=2

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_swift() {
    local found
    command -v swift > /dev/null || fail "Swift $swift_major.$swift_minor or later is needed and 'swift' is not in PATH." \
        "Install it from https://www.swift.org/install/linux/ and run this again."
    found=$(swift --version 2> /dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
    read -r major minor <<< "${found:-0 0}"
    if ((major < swift_major || (major == swift_major && minor < swift_minor))); then
        fail "Swift $swift_major.$swift_minor or later is needed; 'swift' is $major.$minor."
    fi
}

missing_packages() {
    local entry
    for entry in "${commands[@]}"; do
        command -v "${entry% *}" > /dev/null || echo "${entry#* }"
    done
    for entry in "${headers[@]}"; do
        [[ -e "/usr/include/${entry% *}" || -e "/usr/local/include/${entry% *}" ]] || echo "${entry#* }"
    done
}

install_packages() {
    command -v apt-get > /dev/null || fail "these are missing: $*. They are named as in Debian; there is no apt-get here," \
        "so install what they are called on this system and run this again."
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo > /dev/null || fail "these are missing: $*. Run 'apt-get install $*' as root; there is no sudo here."
        as_root=(sudo)
    fi
    say "installing $*"
    "${as_root[@]}" apt-get update --quiet --quiet
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "$@"
}

check_swift
mapfile -t missing < <(missing_packages)
if ((${#missing[@]} == 0)); then
    say "nothing is missing"
else
    install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}"
    say "all is there now"
fi
