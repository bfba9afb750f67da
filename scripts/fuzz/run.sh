#!/usr/bin/env bash
# Builds fuzzers and runs them:
#
#     run.sh TARGET [SECONDS [OPTION…]]    one of them, for ten minutes unless said otherwise; OPTIONs are libFuzzer's
#     run.sh short                         each for some seconds, always in the same way: what `make test` does
#     run.sh keep TARGET                   adds to the kept inputs what runs found and reaches code that no kept one does
#
# Targets are the files of Tests/Fuzz/Targets. A run begins with the kept inputs, Tests/Fuzz/corpus/TARGET, and with what
# earlier runs found, .build/fuzz/found/TARGET. An input that breaks a rule is written to .build/fuzz/TARGET-crash-…; the
# program .build/fuzz/bin/TARGET with that file as its only argument repeats it.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Each target with the longest input that makes sense, in bytes, and how many inputs are some seconds' work.
targets=(http proxy ndjson ids log configuration)
declare -A max_bytes=([http]=20000 [proxy]=4200 [ndjson]=4096 [ids]=1024 [log]=4096 [configuration]=4096)
declare -A short_runs=([http]=6000 [proxy]=20000 [ndjson]=20000 [ids]=3000 [log]=10000 [configuration]=1200)
# Bounds of every run: a longer input is a hang, and more memory a leak.
max_seconds=5
max_mebibytes=1024

fail() { printf 'run.sh: %s\n' "$*" >&2; exit 2; }

# fuzz TARGET ARGUMENT…
fuzz() {
    local target=$1 options=()
    shift
    [[ ! -e Tests/Fuzz/$target.dict ]] || options=("-dict=Tests/Fuzz/$target.dict")
    # What was freed is kept apart so that its use is found, within a bound that tells it from a leak.
    ASAN_OPTIONS=quarantine_size_mb=64:malloc_context_size=1:detect_leaks=0 ".build/fuzz/bin/$target" "${options[@]}" \
        -max_len="${max_bytes[$target]}" -timeout=$max_seconds -rss_limit_mb=$max_mebibytes \
        -artifact_prefix=".build/fuzz/$target-" "$@"
}

# found TARGET: where runs put what they find.
found() {
    mkdir -p ".build/fuzz/found/$1"
    echo ".build/fuzz/found/$1"
}

short() {
    local target log=.build/fuzz/short.log
    scripts/fuzz/build.sh "${targets[@]}"
    for target in "${targets[@]}"; do
        # Nothing is kept, so that each time is as the first.
        rm -rf .build/fuzz/short && mkdir .build/fuzz/short
        if ! fuzz "$target" -runs="${short_runs[$target]}" -seed=1 .build/fuzz/short "Tests/Fuzz/corpus/$target" \
            > $log 2>&1; then
            cat $log >&2
            fail "$target broke a rule or a bound. Repeat it with the file that is named above."
        fi
        printf 'fuzz: %s: %s\n' "$target" "$(grep --text '^Done' $log)"
    done
}

keep() {
    scripts/fuzz/build.sh "$1"
    fuzz "$1" -set_cover_merge=1 -use_counters=0 "Tests/Fuzz/corpus/$1" "$(found "$1")"
}

case ${1:-} in
short) short ;;
keep) keep "${2:?a target}" ;;
*)
    target=${1:-}
    [[ -n ${max_bytes[${target:-none}]:-} ]] || fail "usage: $0 TARGET [SECONDS [OPTION…]] | short | keep TARGET;" \
        "targets: ${targets[*]}"
    scripts/fuzz/build.sh "$target"
    fuzz "$target" -max_total_time="${2:-600}" -print_final_stats=1 "${@:3}" "$(found "$target")" \
        "Tests/Fuzz/corpus/$target"
    ;;
esac
