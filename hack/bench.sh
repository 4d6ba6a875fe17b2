#!/usr/bin/env bash
# What a review costs: the webhook beside the least that a TLS server can do (tests/bench/tls_echo.c),
# on this machine, in one run.
#
#     hack/bench.sh               print the tables
#     hack/bench.sh --check       and fail when a number of the goals is missed
#     hack/bench.sh --calibrate   the echo server against itself: what the noise of this machine is
#     hack/bench.sh reconciler    the reconciler with 10,000 pods (tests/bench/reconciler.py), instead
#     hack/bench.sh drain         what draining pods takes (tests/bench/drain.py), instead
#
# Both servers answer the same POST of a Pod's AdmissionReview (tests/fixtures/bench), in turn, a few
# seconds each, ROUNDS times; a table's row is the median of its rounds. CPU time is the server's own
# (user and system, from /proc), so that the load generator on the same machine does not count.
# Environment: ROUNDS, DURATION (seconds a round), CONNECTIONS, THREADS (the servers'), BODY (a file),
# SLUICE and ECHO_SERVER (programs; not built then).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
rounds=${ROUNDS:-5}
duration=${DURATION:-3}
connections=${CONNECTIONS:-8}
threads=${THREADS:-2}
body=${BODY:-$root/tests/fixtures/bench/pod-create-7k.json}
many=200 # connections of the memory goal

mode=${1:-}
case $mode in
"" | --check | --calibrate | reconciler | drain) ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit 2
    ;;
esac

fail() {
    echo "bench: $*" >&2
    exit 1
}

for tool in wrk curl openssl awk; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done

work=$(mktemp -d)
declare -A pids=() ports=() paths=()

cleanup() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

build() { # target...
    (cd "$root" && { [[ -f build/release/build.ninja ]] || cmake --preset release; } &&
        cmake --build --preset release --target "$@") >"$work/build.log" 2>&1 ||
        { tail -n 20 "$work/build.log" >&2; fail "the release build failed"; }
}

free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    fail "no free port"
}

certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
}

start_echo() { # name
    ports[$1]=$(free_port)
    paths[$1]=/
    "$echo_server" "${ports[$1]}" "$work/tls.crt" "$work/tls.key" "$threads" 2>"$work/$1.log" &
    pids[$1]=$!
}

webhook_files() { # port, health port
    mkdir "$work/policies"
    cat >"$work/webhook.yaml" <<YAML
listen: {address: 127.0.0.1, port: $1, healthAddress: 127.0.0.1, healthPort: $2}
tls: {directory: $work}
policies: {paths: [$work/policies]}
limits: {threads: $threads, maxConnections: 256}
log: {level: warn}
YAML
    cat >"$work/policies/productpage.yaml" <<YAML
apiVersion: sluice.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: productpage, namespace: shop}
spec:
  selector: {matchLabels: {app: productpage}}
  preStop: {sleepSeconds: 5}
  loadBalancers:
  - {name: edge, haproxy: {address: "tcp://10.0.0.2:9999", backend: web, port: 8080}}
  - {name: slb, external: {}}
YAML
}

start_webhook() { # name
    local health
    ports[$1]=$(free_port)
    health=$(free_port)
    paths[$1]="/mutate?timeout=10s"
    webhook_files "${ports[$1]}" "$health"
    "$sluice" webhook --config "$work/webhook.yaml" 2>"$work/$1.log" &
    pids[$1]=$!
}

url() { # name
    echo "https://localhost:${ports[$1]}${paths[$1]}"
}

# Waits until the server gives its answer, which must be a 200, and keeps it.
await() { # name
    local status
    for _ in $(seq 100); do
        kill -0 "${pids[$1]}" 2>/dev/null || { cat "$work/$1.log" >&2; fail "$1 ended"; }
        status=$(curl -s -o "$work/$1.answer" -w '%{http_code}' --cacert "$work/tls.crt" \
            --connect-to "localhost:${ports[$1]}:127.0.0.1:${ports[$1]}" \
            -H 'Content-Type: application/json' --data-binary "@$body" "$(url "$1")") || true
        [[ $status == 200 ]] && return
        sleep 0.1
    done
    fail "$1 answers $status: $(head -c 300 "$work/$1.answer" 2>/dev/null)"
}

cpu_ticks() { # pid: user and system time
    local stat
    stat=$(<"/proc/$1/stat")
    stat=${stat##*) } # the name may hold spaces
    # shellcheck disable=SC2086
    set -- $stat
    echo $((${12} + ${13}))
}

memory() { # pid, VmRSS or VmHWM: KiB
    awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

# Appends "table name requests/s p50 p99 cpu-µs-per-request" to the results.
measure() { # table, name, connections, seconds, wrk's last arguments
    local table=$1 name=$2 count=$3 seconds=$4 before after line
    shift 4
    before=$(cpu_ticks "${pids[$name]}")
    wrk -t 1 -c "$count" -d "${seconds}s" -s "$root/tests/bench/post.lua" "$(url "$name")" \
        -- "$body" "$@" >"$work/wrk.log" 2>&1 || { cat "$work/wrk.log" >&2; fail "wrk failed"; }
    after=$(cpu_ticks "${pids[$name]}")
    line=$(awk '$1 == "RESULT"' "$work/wrk.log")
    [[ -n $line ]] || { cat "$work/wrk.log" >&2; fail "wrk reports nothing"; }
    awk -v table="$table" -v name="$name" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
        $2 == 0 || $6 != 0 { exit 1 }
        { print table, name, $2 / $3, $4, $5, ticks * 1e6 / hz / $2 }' \
        <<<"$line" >>"$work/results" || fail "$name: requests failed: $line"
}

median() { # table, name, column
    awk -v table="$1" -v name="$2" -v c="$3" '$1 == table && $2 == name { print $c }' \
        "$work/results" | sort -g | awk '{ v[NR] = $1 }
        END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

table() { # table, title
    local name column base
    printf '\n%s\n%-10s %12s %10s %10s %14s %8s\n' "$2" server requests/s 'p50 µs' 'p99 µs' \
        'CPU µs/request' ratio
    base=$(median "$1" echo 6)
    for name in "${names[@]}"; do
        local row=()
        for column in 3 4 5 6; do
            row+=("$(median "$1" "$name" "$column")")
        done
        printf '%-10s %12.0f %10.0f %10.0f %14.1f %8s\n' "$name" "${row[@]}" \
            "$(awk -v a="${row[3]}" -v b="$base" 'BEGIN { printf "%.2f", a / b }')"
    done
}

missed=0
goal() { # what, value, most, unit
    local verdict=reached
    awk -v a="$2" -v b="$3" 'BEGIN { exit !(a < b) }' || { verdict=MISSED; missed=1; }
    printf '%-42s %8.2f  (under %s %s) %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

if [[ $mode == reconciler || $mode == drain ]]; then
    [[ -n ${SLUICE:-} ]] || build sluice
    trap - EXIT
    rm -rf "$work"
    PYTHONPATH=$root/hack exec /usr/bin/python3 -B "$root/tests/bench/$mode.py"
fi

sluice=${SLUICE:-$root/build/release/sluice}
echo_server=${ECHO_SERVER:-$root/build/release/tests/bench/bench-tls-echo}
targets=()
[[ -n ${ECHO_SERVER:-} ]] || targets+=(bench-tls-echo)
[[ -n ${SLUICE:-} || $mode == --calibrate ]] || targets+=(sluice)
((${#targets[@]} == 0)) || build "${targets[@]}"

certificates
subject=webhook
if [[ $mode == --calibrate ]]; then
    subject=echo-again
    start_echo "$subject"
else
    start_webhook "$subject"
fi
start_echo echo
names=("$subject" echo)
sleep 1 # the first requests come after the memory of an idle server was read
idle=$(memory "${pids[$subject]}" VmRSS)
for name in "${names[@]}"; do
    await "$name"
done

[[ $subject != webhook ]] || grep -q '"patch"' "$work/webhook.answer" ||
    fail "the webhook answers without a patch: $(head -c 300 "$work/webhook.answer")"

printf 'machine: %s CPUs (%s), Linux %s\n' "$(nproc)" \
    "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(uname -r)"
printf 'load: %s bytes, %s connections, %s rounds of %s s for each, servers with %s threads\n' \
    "$(wc -c <"$body")" "$connections" "$rounds" "$duration" "$threads"
for name in "${names[@]}"; do
    printf 'answer of %s: %s bytes\n' "$name" "$(wc -c <"$work/$name.answer")"
done

for name in "${names[@]}"; do
    measure warm-up "$name" "$connections" 1
done
for _ in $(seq "$rounds"); do
    for name in "${names[@]}"; do
        measure keep-alive "$name" "$connections" "$duration"
    done
    for name in "${names[@]}"; do
        measure handshake "$name" "$connections" "$duration" close
    done
done
table keep-alive 'keep-alive'
table handshake 'a TLS connection for each request'

measure many "$subject" "$many" 4 &
measuring=$!
sleep 3
under_load=$(memory "${pids[$subject]}" VmRSS)
wait "$measuring"
printf '\nmemory of %s, KiB: idle %s, under %s connections %s, peak %s\n\n' "$subject" "$idle" \
    "$many" "$under_load" "$(memory "${pids[$subject]}" VmHWM)"

goal 'CPU of a review / CPU of an echo' \
    "$(awk -v a="$(median keep-alive "$subject" 6)" -v b="$(median keep-alive echo 6)" \
        'BEGIN { print a / b }')" 3 times
goal 'memory, idle' "$(awk -v k="$idle" 'BEGIN { print k / 1024 }')" 10 MiB
goal "memory, $many connections" "$(awk -v k="$under_load" 'BEGIN { print k / 1024 }')" 40 MiB
[[ $mode != --check ]] || exit "$missed"
