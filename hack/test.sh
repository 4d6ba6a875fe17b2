#!/usr/bin/env bash
# Runs every test, on a machine where nothing is installed yet: this is what CI runs.
#
#   ./hack/test.sh            everything
#   ./hack/test.sh STEP…      only these steps: shell python format debug cluster e2e tidy asan tsan
#
# Ends with one line a step. The first failure stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

steps=(shell python format debug cluster e2e tidy asan tsan)
if [ $# -gt 0 ]; then
    steps=("$@")
fi
export SL_WERROR=ON
export CTEST_OUTPUT_ON_FAILURE=1
jobs=$(nproc)

build() { # PRESET
    cmake --preset "$1" >"build/$1.log" 2>&1 || { cat "build/$1.log"; return 1; }
    cmake --build --preset "$1" -j "$jobs" >"build/$1.log" 2>&1 || { tail -n 60 "build/$1.log"; return 1; }
}

build_and_test() { # PRESET
    build "$1"
    ctest --preset "$1" -j "$jobs"
}

step_shell() {
    shellcheck -x hack/*.sh hack/demo/*.sh tests/*/*.sh .ci/run
}

step_python() {
    /usr/bin/python3 -m flake8 hack tests manifests/samples
}

step_format() {
    git ls-files -z 'src/*.[ch]' 'tests/*.[ch]' | xargs -0 clang-format --dry-run -Werror
}

step_debug() {
    build_and_test debug
}

step_cluster() { # what the development cluster is made of
    /usr/bin/python3 -B -m pytest -q -p no:cacheprovider tests/devcluster
}

step_e2e() { # with the roles of the debug preset, on a development cluster for each worker: they mostly wait
    build debug
    env -u KUBECONFIG SLUICE="$PWD/build/debug/sluice" \
        /usr/bin/python3 -B -m pytest -q -p no:cacheprovider -n 3 --dist loadfile tests/e2e
}

step_tidy() { # reads build/debug/compile_commands.json
    cmake --preset debug >build/tidy.log 2>&1 || { cat build/tidy.log; return 1; }
    git ls-files -z 'src/*.c' 'tests/*.c' ':!tests/fuzz' |
        xargs -0 -n 4 -P "$jobs" clang-tidy --quiet -p build/debug 2>build/tidy.log ||
        { cat build/tidy.log; return 1; }
}

step_asan() { # replays the fuzz corpora too
    build_and_test asan
}

step_tsan() { # the tests labelled `threaded`
    build_and_test tsan
}

./hack/setup.sh
mkdir -p build
summary=()
for step in "${steps[@]}"; do
    printf '\n== %s\n' "$step"
    began=$SECONDS
    "step_$step"
    summary+=("$(printf '%-7s ok  %4d s' "$step" $((SECONDS - began)))")
done
printf '\n== all steps passed\n'
printf '%s\n' "${summary[@]}"
