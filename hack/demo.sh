#!/usr/bin/env bash
# The main job on real input: starts the webhook over TLS with the sample policies, sends it what a real
# API server sent (tests/fixtures/admission) and some requests that it refuses or warns about
# (tests/fixtures/demo), and prints who asked for what and what became of it.
#
# Installs what is missing, builds, leaves nothing behind. Exit status 0: all answered as they should be.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
work=
server=

clean_up() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

quietly() { # a command whose output matters only when it fails
    "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; echo "demo: failed: $*" >&2; exit 1; }
}

./hack/setup.sh
work=$(mktemp -d)

echo "== build ($preset)"
quietly cmake --preset "$preset"
quietly cmake --build --preset "$preset" --target sluice
sluice=build/$preset/sluice

echo "== certificate"
"$sluice" certs issue --dns sluice-webhook.sluice-system.svc --out "$work/tls"

echo "== webhook"
cat >"$work/webhook.yaml" <<YAML
listen: {address: 127.0.0.1, port: 0, healthAddress: 127.0.0.1, healthPort: 0}
tls: {directory: $work/tls}
policies: {paths: [manifests/samples/policies]}
shutdown: {delay: 0s}
YAML
fail() { # SENTENCE: after the end of the webhook's log
    tail -n 20 "$work/server.log" >&2
    echo "demo: $1" >&2
    exit 1
}

: >"$work/server.log" # the loop below may read it before the webhook's shell opens it
"$sluice" webhook --config "$work/webhook.yaml" 2>>"$work/server.log" &
server=$!

port_of() { # KEY: a port in the line that says that the server is ready
    sed -n 's/.*"msg":"serving".*"'"$1"'":\([0-9]*\).*/\1/p' "$work/server.log"
}
for _ in $(seq 100); do
    [ -z "$(port_of port)" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
port=$(port_of port)
[ -n "$port" ] || fail "the webhook did not start"
curl -fsS "http://127.0.0.1:$(port_of healthPort)/readyz" >/dev/null || fail "the webhook is not ready"
echo "serving on 127.0.0.1:$port"

echo
/usr/bin/python3 -B hack/demo_client.py --sluice "$sluice" --policies manifests/samples/policies \
    --ca "$work/tls/ca.crt" --port "$port" \
    tests/fixtures/admission/*.json tests/fixtures/demo/*.json || fail "not all was answered as it should be"

kill "$server" 2>/dev/null || fail "the webhook is gone"
wait "$server" || fail "the webhook stopped with exit status $?" # 0: without cutting a request
server=
