#!/usr/bin/env bash
# stage.sh BINARY FOLDER: puts the binary and what it needs of Swift's libraries into a folder that can be copied to a machine
# without Swift. The loader looks for them beside the binary ($ORIGIN in its run path).
set -euo pipefail
binary=$1
folder=$2

mkdir -p "$folder"
cp "$binary" "$folder/"
ldd "$binary" | awk '$3 ~ /\/swift\// { print $3 }' | xargs -r cp --dereference --target-directory "$folder"
