#!/usr/bin/env bash
# layers.sh BUILD: a layer's include of a lower layer compiles and any other does not, with the very
# flags that the build compiles the layer with.
set -euo pipefail
build=$1
source_root=$(cd "$(dirname "$0")/../.." && pwd)

declare -A below=( # what each layer may use (DESIGN.md), itself aside
    [base]=""
    [codec]="base"
    [core]="base codec"
    [net]="base"
    [kube]="base codec core net"
    [run]="base codec core net kube"
    [cli]="base codec core net kube run"
)

header_of() { # LAYER: any header of it
    local headers=("$source_root/src/$1"/*.h)
    echo "$1/$(basename "${headers[0]}")"
}

flags_of() { # LAYER: compiler and flags, one a line, from any source of the layer
    /usr/bin/python3 - "$build/compile_commands.json" "/src/$1/" <<'PYTHON'
import json, shlex, sys

entry = next(entry for entry in json.load(open(sys.argv[1])) if sys.argv[2] in entry["file"])
words = iter(shlex.split(entry["command"]))
print(next(words))
for word in words:
    if word in ("-isystem", "-I"):
        print(word, next(words), sep="\n")
    elif word.startswith(("-I", "-D", "-std")):
        print(word)
PYTHON
}

for directory in "$source_root"/src/*/; do
    layer=$(basename "$directory")
    [ -n "${below[$layer]+known}" ] || { echo "layers: src/$layer is not in the list" >&2; exit 1; }
done

tried=0
for layer in "${!below[@]}"; do
    mapfile -t compile < <(flags_of "$layer")
    for other in "${!below[@]}"; do
        header=$(header_of "$other")
        expected=refused
        [[ " ${below[$layer]} $layer " == *" $other "* ]] && expected=compiles
        found=compiles
        if ! said=$("${compile[@]}" -fsyntax-only -x c - <<<"#include \"$header\"" 2>&1); then
            found=refused
            grep -qE 'No such file|file not found' <<<"$said" || { echo "$said" >&2; exit 1; }
        fi
        if [ "$found" != "$expected" ]; then
            echo "layers: $layer including $header $found, must be: $expected" >&2
            exit 1
        fi
        tried=$((tried + 1))
    done
done
[ "$tried" -eq $((${#below[@]} * ${#below[@]})) ]
