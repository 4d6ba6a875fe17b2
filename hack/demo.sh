#!/usr/bin/env bash
# The main job on a whole cluster: starts the development cluster and the webhook, registers it, applies
# the sample workloads with kubectl, and shows what is injected, a new template that is held, and a
# change that is refused.
#
# Installs what is missing, builds, leaves nothing behind. Exit status 0: all went as it should.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
system=sluice-system service=sluice-webhook
image=registry.local/podinfo
work=
server=

clean_up() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
    if [ -n "$work" ]; then
        ./hack/devcluster.sh down --dir "$work/cluster" 2>/dev/null || true
        rm -rf "$work"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() { # SENTENCE
    echo "demo: $1" >&2
    exit 1
}

quietly() { # a command whose output matters only when it fails
    "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; fail "failed: $*"; }
}

show() { # a command, printed before it is run
    printf '$ %s\n' "$*"
    "$@" 2>&1 || fail "failed: $*"
}

shop() {
    kubectl -n shop "$@"
}

expect() { # WHAT, VALUE, COMMAND…: waits until the command prints the value
    local what=$1 value=$2 seen=
    shift 2
    for _ in $(seq 200); do
        seen=$("$@" 2>&1) || true
        [ "$seen" != "$value" ] || return 0
        sleep 0.1
    done
    fail "$what is $seen, not $value"
}

./hack/setup.sh
work=$(mktemp -d)

echo "== build ($preset)"
quietly cmake --preset "$preset"
quietly cmake --build --preset "$preset" --target sluice
sluice=build/$preset/sluice

echo "== cluster"
eval "$(./hack/devcluster.sh up --dir "$work/cluster")"
show kubectl get nodes

echo
echo "== webhook"
"$sluice" certs issue --dns "$service.$system.svc" --out "$work/tls"
cat >"$work/webhook.yaml" <<YAML
listen: {address: 127.0.0.1, port: 0, healthAddress: 127.0.0.1, healthPort: 0}
tls: {directory: $work/tls}
policies: {paths: [manifests/samples/policies]}
shutdown: {delay: 0s}
YAML
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
[ -n "$port" ] || { cat "$work/server.log" >&2; fail "the webhook did not start"; }
curl -fsS "http://127.0.0.1:$(port_of healthPort)/readyz" >/dev/null || fail "the webhook is not ready"
echo "serving on 127.0.0.1:$port"

# The webhook runs beside the cluster, not in a pod of the Deployment: its Service leads there.
show kubectl apply -k manifests/
quietly kubectl -n "$system" scale "deployment/$service" --replicas=0
quietly kubectl apply -f - <<YAML
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: $service-local
  namespace: $system
  labels: {kubernetes.io/service-name: $service}
addressType: IPv4
endpoints:
- addresses: [127.0.0.1]
  conditions: {ready: true}
ports:
- {name: https, port: $port, protocol: TCP}
YAML
ca=$(base64 -w0 "$work/tls/ca.crt")
for kind in mutatingwebhookconfiguration validatingwebhookconfiguration; do
    webhooks=
    for name in $(kubectl get "$kind" "$service" -o 'jsonpath={.webhooks[*].name}'); do
        webhooks+="{\"name\":\"$name\",\"clientConfig\":{\"caBundle\":\"$ca\"}},"
    done
    quietly kubectl patch "$kind" "$service" --type=strategic -p "{\"webhooks\":[${webhooks%,}]}"
done

echo
echo "== workloads"
show kubectl apply -f manifests/samples/namespace.yaml -f manifests/samples/policies -f manifests/samples/workloads

# What the reconciler (the next milestone) does when a pod has joined traffic. The token stays out of argument lists.
printf 'Authorization: Bearer %s\n' "$(cut -d, -f1 "$work/cluster/tokens.csv")" >"$work/authorization"
put_in_service() { # POD
    curl -fsS -o "$work/log" --cacert "$work/cluster/pki/ca.crt" -X PATCH \
        -H "@$work/authorization" \
        -H 'Content-Type: application/strategic-merge-patch+json' \
        -d '{"status":{"conditions":[{"type":"sluice.dev/traffic-ready","status":"True","reason":"InService"}]}}' \
        "https://127.0.0.1:$(cat "$work/cluster/apiserver.port")/api/v1/namespaces/shop/pods/$1/status" ||
        fail "the gate of $1 cannot be set"
}
gates_set_and_ready() { # puts the pods there are in service; how many are ready
    local pod
    for pod in $(shop get pods -o name); do
        put_in_service "${pod#pod/}"
    done
    shop get deployment/productpage statefulset/ratings -o 'jsonpath={.items[*].status.readyReplicas}'
}
expect "how many pods of productpage and ratings are ready" "3 3" gates_set_and_ready
expect "how many pods of agent are ready" 3 shop get daemonset/agent -o 'jsonpath={.status.numberReady}'
show kubectl -n shop get pods -o wide

echo
echo "== injected: the same pod in a namespace that is not managed (-), and in shop (+)"
as_stored() { # NAMESPACE: what the API server would store, without what differs anyway
    kubectl -n "$1" run web --image="$image:1" --labels=app=productpage --dry-run=server -o yaml |
        awk '/^  managedFields:/ { skip = 1; next } skip && /^  [a-z]/ { skip = 0 }
             !skip && !/creationTimestamp|uid|namespace|token|kube-api-access/'
}
as_stored default >"$work/default.yaml"
as_stored shop >"$work/shop.yaml"
diff -U 2 --label default --label shop "$work/default.yaml" "$work/shop.yaml" && fail "nothing was injected"
for injected in 'conditionType: sluice.dev/traffic-ready' slb.sluice.dev/edge sluice.dev/traffic-policy preStop; do
    grep -q "$injected" "$work/shop.yaml" || fail "$injected is not injected"
done

echo
echo "== a new template is held"
held() { # KIND/NAME, JSONPATH of the field that holds it, VALUE
    local before
    before=$(shop get pods -o 'jsonpath={.items[*].metadata.uid}')
    show kubectl -n shop set image "$1" "podinfo=$image:2"
    show kubectl -n shop get "$1" -o "jsonpath={.metadata.name}: $2, held: {.metadata.annotations.sluice\.dev/held}{'\n'}"
    expect "what holds $1" "$3" shop get "$1" -o "jsonpath=$2"
    sleep 1
    expect "the pods of $1" "$before" shop get pods -o 'jsonpath={.items[*].metadata.uid}'
}
held deployment/productpage '{.spec.paused}' true
held statefulset/ratings '{.spec.updateStrategy.rollingUpdate.partition}' 1000000000
held daemonset/agent '{.spec.updateStrategy.type}' OnDelete

echo
echo "== a change that is refused: the image of a pod in service"
pod=$(shop get pods -l app=productpage -o 'jsonpath={.items[0].metadata.name}')
printf '$ kubectl -n shop set image pod/%s podinfo=%s:2\n' "$pod" "$image"
shop set image "pod/$pod" "podinfo=$image:2" >"$work/refused" 2>&1 && fail "an image was changed in service"
cat "$work/refused"
grep -q 'admission webhook "pod-update.sluice.dev" denied the request' "$work/refused" || fail "it is not what refused it"

echo
kill "$server" 2>/dev/null || fail "the webhook is gone"
wait "$server" || fail "the webhook stopped with exit status $?" # 0: without cutting a request
server=
./hack/devcluster.sh down --dir "$work/cluster"
echo "3 workloads came up through the webhook, 3 new templates are held, 1 change was refused."
