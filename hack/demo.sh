#!/usr/bin/env bash
# The main job on a whole cluster: starts the development cluster, the webhook and the reconciler,
# applies the sample workloads with kubectl, and shows what is injected, a new template that is held, a
# change that is refused, and a StatefulSet upgraded in place, batch by batch.
#
# Installs what is missing, builds, leaves nothing behind. Exit status 0: all went as it should.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
system=sluice-system service=sluice-webhook reconciler=sluice-reconciler
image=registry.local/podinfo
work=
processes=()

clean_up() {
    local process
    for process in "${processes[@]}"; do
        { kill "$process" 2>/dev/null && wait "$process"; } || true
    done
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
export PATH=$PWD/build/$preset:$PATH # where kubectl finds kubectl-sluice

echo "== cluster"
eval "$(./hack/devcluster.sh up --dir "$work/cluster")"
show kubectl get nodes

echo
echo "== webhook"
# Webhook and reconciler run beside the cluster, not in pods of their Deployments.
show kubectl apply -k manifests/
quietly kubectl -n "$system" scale "deployment/$service" "deployment/$reconciler" --replicas=0

account() { # NAME: a kubeconfig with a token of that ServiceAccount; the token stays out of argument lists
    kubectl create --raw "/api/v1/namespaces/$system/serviceaccounts/$1/token" -f - >"$work/$1.json" <<JSON
{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
JSON
    sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' "$work/$1.json" >"$work/$1.token"
    cat >"$work/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: demo
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
clusters:
- {name: demo, cluster: {server: "https://127.0.0.1:$(cat "$work/cluster/apiserver.port")",
                         certificate-authority: $work/cluster/pki/ca.crt}}
users: [{name: demo, user: {tokenFile: $work/$1.token}}]
YAML
}

start() { # ROLE, MESSAGE, ARGUMENT…: runs it until it has logged that message
    local role=$1 message=$2
    shift 2
    : >"$work/$role.log" # the loop below may read it before the role's shell opens it
    "$sluice" "$role" --config "$work/$role.yaml" "$@" 2>>"$work/$role.log" &
    processes+=($!)
    for _ in $(seq 100); do
        ! grep -q '"msg":"'"$message"'"' "$work/$role.log" || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/$role.log" >&2
    fail "the $role did not start"
}

"$sluice" certs issue --dns "$service.$system.svc" --out "$work/tls"
account "$service"
cat >"$work/webhook.yaml" <<YAML
listen: {address: 127.0.0.1, port: 0, healthAddress: 127.0.0.1, healthPort: 0}
tls: {directory: $work/tls}
policies: {kube: {kubeconfig: $work/$service.kubeconfig}, paths: []}
shutdown: {delay: 0s}
YAML
start webhook serving
port_of() { # KEY: a port in the line that says that the webhook is ready
    sed -n 's/.*"msg":"serving".*"'"$1"'":\([0-9]*\).*/\1/p' "$work/webhook.log"
}
port=$(port_of port)
expect "/readyz of the webhook" ok curl -fsS "http://127.0.0.1:$(port_of healthPort)/readyz"
echo "serving on 127.0.0.1:$port"
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

# What will be the reconciler's, when it brings pods into traffic (the next milestone).
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
echo "== a StatefulSet is upgraded in place, batch by batch"
account "$reconciler"
echo 'listen: {healthAddress: 127.0.0.1, healthPort: 0}' >"$work/reconciler.yaml"
start reconciler synced --kubeconfig "$work/$reconciler.kubeconfig"
show kubectl apply -f manifests/samples/rollouts/web.yaml
expect "how many pods of web are ready" 5 shop get statefulset/web -o 'jsonpath={.status.readyReplicas}'
same() { # what an upgrade in place keeps
    shop get pods -l app=web -o 'jsonpath={range .items[*]}{.metadata.uid} {.status.podIP}{"\n"}{end}'
}
same >"$work/before"
show kubectl -n shop set image statefulset/web "podinfo=$image:2"
progress() { # of each line how far it is, without the sentence that says what is waited for
    local line last=
    while read -r line; do
        line=${line%%: *}
        [ "${line#* }" = "$last" ] || echo "    $line"
        last=${line#* } # all but the time
    done
}
echo "\$ kubectl sluice get web -n shop -w"
kubectl sluice get web -n shop -w > >(progress) &
watch=$!
processes+=("$watch")
for batch in 1 2; do
    expect "the phase" "WaitingForConfirmation $((batch - 1))" shop get rollouts.sluice.dev/web \
        -o 'jsonpath={.status.phase} {.status.currentBatch}'
    [ "$batch" = 2 ] || show kubectl sluice get web -n shop
    show kubectl sluice confirm web -n shop
done
show kubectl sluice wait web -n shop --for Healthy
kill "$watch"
same | diff "$work/before" - || fail "an upgrade in place made new pods"
show kubectl sluice get web -n shop
show kubectl -n shop rollout status statefulset/web
show kubectl sluice list -n shop

echo
for process in "${processes[@]:0:2}"; do
    kill "$process" 2>/dev/null || fail "a role is gone"
    wait "$process" || fail "a role stopped with exit status $?" # 0: the webhook has cut no request
done
processes=()
./hack/devcluster.sh down --dir "$work/cluster"
echo "3 workloads came up through the webhook, 3 new templates are held, 1 change was refused,"
echo "5 pods were upgraded in place in 3 batches."
