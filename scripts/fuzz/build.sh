#!/usr/bin/env bash
# Builds fuzzers under .build/fuzz: build.sh TARGET…
#
# What they test is compiled anew with libFuzzer's coverage and AddressSanitizer, and with overflow checks and assertions;
# a Swift package would do so with all that it depends on, for twenty minutes. So the pure sources of each library are
# compiled alone, under the library's name, in seconds. A fuzzer for settings reads YAML and links what the package's own
# build left for that.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/.build/fuzz
checkouts=$PWD/.build/checkouts
release=$PWD/.build/release
mkdir -p "$out/lib" "$out/bin"

fail() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }
library=$(swiftc -print-target-info | sed -nE 's/.*"runtimeResourcePath": "(.*)".*/\1/p')
compgen -G "$library/clang/lib/linux/libclang_rt.fuzzer-*.a" > /dev/null || fail "this Swift toolchain lacks libFuzzer" \
    "($library/clang/lib/linux/libclang_rt.fuzzer-*.a): install one of https://www.swift.org/install/linux/"

swift_flags=(
    -O -assert-config Debug -whole-module-optimization -parse-as-library -g -gline-tables-only
    -sanitize=fuzzer,address -swift-version 6 -package-name likewise
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
    -enable-upcoming-feature MemberImportVisibility -module-cache-path "$out/cache" -I "$out/lib"
    -Xcc "-fmodule-map-file=$out/lib/CPlatform.modulemap" -Xcc "-fmodule-map-file=$out/lib/CNIOLLHTTP.modulemap"
    -Xcc "-fmodule-map-file=$out/lib/CWeb.modulemap"
)

# Objects so far; what comes later may import their modules.
objects=()

# module NAME FILE…: compiles a library, unless it is newer than its sources and what it may import.
module() {
    local name=$1
    shift
    if ! newer "$out/lib/$name.o" "$@" "${objects[@]}"; then
        echo "fuzz: compiling $name" >&2
        # The warnings of others are theirs.
        swiftc "${swift_flags[@]}" -suppress-warnings -module-name "$name" \
            -emit-module -emit-module-path "$out/lib/$name.swiftmodule" -c -o "$out/lib/$name.o" "$@"
        # The compiler leaves a file as old as it is where nothing in it changes.
        touch "$out/lib/$name.o"
    fi
    objects+=("$out/lib/$name.o")
}

newer() {
    local product=$1 source
    shift
    [[ -e $product && ! scripts/fuzz/build.sh -nt $product ]] || return 1
    for source in "$@"; do
        [[ ! $source -nt $product ]] || return 1
    done
}

# c NAME FOLDER: the C sources of a folder, and a module of its headers. They are not instrumented: they are the measure
# for others, or too small to have paths.
c() {
    printf 'module %s {\n    umbrella "%s"\n    export *\n}\n' "$1" "$2/include" > "$out/lib/$1.modulemap.new"
    cmp -s "$out/lib/$1.modulemap.new" "$out/lib/$1.modulemap" || mv "$out/lib/$1.modulemap.new" "$out/lib/$1.modulemap"
    if ! newer "$out/lib/$1.o" "$2"/*.c; then
        local source parts=()
        for source in "$2"/*.c; do
            parts+=("$out/lib/$1-$(basename "$source").o")
            clang -O2 -g -fPIC -I "$2/include" -c -o "${parts[-1]}" "$source"
        done
        clang -r -nostdlib -o "$out/lib/$1.o" "${parts[@]}"
    fi
    objects+=("$out/lib/$1.o")
}

# fuzzer NAME: compiles a target of Tests/Fuzz and links it with the libraries.
fuzzer() {
    local name=$1
    [[ $name != configuration ]] || objects+=("${yaml_objects[@]}")
    newer "$out/bin/$name" "Tests/Fuzz/Targets/$name.swift" Tests/Fuzz/Support/*.swift "${objects[@]}" && return 0
    echo "fuzz: compiling the fuzzer $name" >&2
    swiftc "${swift_flags[@]}" -module-name "fuzz_$name" -o "$out/bin/$name" "Tests/Fuzz/Targets/$name.swift" \
        Tests/Fuzz/Support/*.swift "${objects[@]}" -lz -use-ld=lld
}

c CPlatform "$PWD/Sources/CPlatform"
c CWeb "$PWD/Sources/CWeb"
c CNIOLLHTTP "$checkouts/swift-nio/Sources/CNIOLLHTTP"
module HTTPTypes "$checkouts"/swift-http-types/Sources/HTTPTypes/*.swift
module LikewiseCore Sources/LikewiseCore/*.swift
module LikewiseAPI Sources/LikewiseAPI/*.swift
module LikewiseEngine Sources/LikewiseEngine/{Bytes,Confined}.swift \
    Sources/LikewiseEngine/Log/{LogRecord,SegmentHeader,SegmentScan}.swift \
    Sources/LikewiseEngine/Ports/{Disk,EventLog,HeldFilter,Ledger}.swift \
    Sources/LikewiseEngine/Shard/{Intent,OutcomeCodec,SharedLimit}.swift
module LikewiseServer Sources/LikewiseServer/Hot/{RequestScanner,HotCall}.swift \
    Sources/LikewiseServer/Front/ProxyPreamble.swift \
    Sources/LikewiseServer/HTTP/{Route,HTTPDate,APIResponse}.swift \
    Sources/LikewiseServer/Pages/WebPage.swift Sources/LikewiseServer/Widgets/Emoji.swift \
    Sources/LikewiseServer/Limits/{NetworkAddress,RateLimitPolicy}.swift \
    Sources/LikewiseServer/Calls/{LineSplitter,LineTemplate,BulkLine}.swift
module LikewiseCluster Sources/LikewiseCluster/Events/*.swift

# The settings, and what reads YAML as the package's own build left it.
settings() {
    local name source
    [[ -d $release/Configuration.build ]] || fail "run 'make build' first"
    swift_flags+=(-I "$release/Modules")
    for source in "$checkouts"/{swift-system/Sources/CSystem,Yams/Sources/CYaml}; do
        swift_flags+=(-Xcc "-fmodule-map-file=$source/include/module.modulemap" -Xcc "-I$source/include")
    done
    module likewise Tests/Fuzz/Settings/*.swift Sources/likewise/Settings/{FlagScanner,Nearest,Quantities}.swift \
        Sources/likewise/Settings/{ServerAddresses,Setting,SettingKind,SettingValues,TokenKeysPlace}.swift \
        Sources/likewise/Settings/Settings{Error,File,Resolver,Table}.swift
    # For that fuzzer alone.
    yaml_objects=("${objects[-1]}")
    unset 'objects[-1]'
    for name in Configuration Yams CYaml SystemPackage CSystem DequeModule InternalCollectionsUtilities Logging Metrics \
        CoreMetrics ServiceLifecycle UnixSignals ConcurrencyHelpers AsyncAlgorithms OrderedCollections; do
        mapfile -t -O "${#yaml_objects[@]}" yaml_objects < <(find "$release/$name.build/" -name '*.o')
    done
}

for name in "$@"; do
    [[ -e Tests/Fuzz/Targets/$name.swift ]] || fail "there is no Tests/Fuzz/Targets/$name.swift"
done
[[ " $* " != *" configuration "* ]] || settings
# Two at a time: one alone keeps one core busy.
running=0
for name in "$@"; do
    if ((running == 2)); then
        wait -n
        running=1
    fi
    fuzzer "$name" &
    running=$((running + 1))
done
while ((running > 0)); do
    wait -n
    running=$((running - 1))
done
