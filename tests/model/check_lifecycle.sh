#!/usr/bin/env bash
# Verifies lifecycle.pml with spin: that it holds, and that it holds no more with any one of its
# rules broken. Usage: check_lifecycle.sh DIRECTORY, for what spin generates.
set -euo pipefail

model=$(dirname "$(readlink -f "$0")")/lifecycle.pml
mkdir -p "$1"
cd "$1"
failed=0

# verify NAME CFLAGS PAN_FLAGS DEFINES…: says what spin finds.
verify() {
    local name=$1 cflags=$2 flags=$3
    shift 3
    rm -rf "$name"
    mkdir "$name"
    (
        cd "$name"
        spin -a "$@" "$model" >spin.log
        # shellcheck disable=SC2086 # both are lists of words
        gcc $cflags -w -DNOREDUCE -o pan pan.c
        # shellcheck disable=SC2086
        ./pan $flags -m1000000 >pan.log 2>&1 || true
        # An incomplete search proves nothing.
        if grep -Eq 'max search depth too small|out of memory|Search not completed' pan.log &&
            ! grep -q 'errors: [1-9]' pan.log; then
            echo "incomplete"
        else
            grep -Eo 'errors: [0-9]+' pan.log || echo "no result"
        fi
    )
}

# expect VERDICT NAME …: as verify; two at a time.
running=0
expect() {
    if [ "$running" -eq 2 ]; then
        wait -n || failed=1
        running=1
    fi
    expect_one "$@" &
    running=$((running + 1))
}
expect_one() {
    local verdict=$1 found
    shift
    found=$(verify "$@")
    if [ "$found" != "$verdict" ]; then
        echo "FAILED: $1: $found, expected $verdict; see $PWD/$1" >&2
        return 1
    fi
    echo "ok: $1"
}

safety="-DSAFETY -DNOCLAIM"
liveness="-DNFAIR=3"
formula() { echo "-a -f -w20 -N $1"; }
smaller=(-DLIVENESS -DASKS=1)

expect "errors: 0" holds-proceed "-O1 $safety" -w22
expect "errors: 0" holds-in-trouble "-O1 $safety" -w22 -DASKS=1 -DTROUBLES=2
expect "errors: 0" holds-hold "-O1 $safety" -w22 -DPROCEEDS=0
for ltl in finalizer_comes_off drain_taken_back_returns; do
    expect "errors: 0" "holds-$ltl" "-O1 $liveness" "$(formula "$ltl")" "${smaller[@]}"
done

rules=$(sed -nE '/^#ifndef/q; s/^#define ([A-Z_]+) ([0-9]+) +\/\*.*/\1=\2/p' "$model")
for rule in $rules; do
    proceeds=1
    [ "${rule%=*}" != HOLD ] || proceeds=0
    expect "errors: 1" "breaks-${rule%=*}" "-O0 $safety" -w20 \
        "-DBREAK=${rule#*=}" "-DPROCEEDS=$proceeds"
done
expect "errors: 1" breaks-finalizer_comes_off "-O0 $liveness" "$(formula finalizer_comes_off)" \
    "${smaller[@]}" -DBREAK=PROCEED
expect "errors: 1" breaks-drain_taken_back_returns "-O0 $liveness" \
    "$(formula drain_taken_back_returns)" "${smaller[@]}" -DBREAK=TAKEN_BACK
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
