#!/usr/bin/env bash
# What Sluice is for, with numbers: the same Deployment of ten pods twice on one development cluster,
# behind the same HAProxy, under the same load; one with Sluice, one as people have it without (a
# controller that follows the EndpointSlices). Both are upgraded twice, lose a node, are scaled down
# and have pods deleted; the table at the end says what became of every request.
#
# Installs what is missing, builds, leaves nothing behind. Exit status 0: with Sluice none was lost.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
image=registry.local/podinfo
python=(/usr/bin/python3 -B)
# of this run alone, and in a network that no development cluster takes
export ADDRESS=127.15.$(($$ >> 8 & 255)).$(($$ & 255 | 1))
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

expect() { # WHAT, VALUE, COMMAND…: waits until the command prints the value
    local what=$1 value=$2 seen=
    shift 2
    for _ in $(seq 300); do
        seen=$("$@" 2>&1) || true
        [ "$seen" != "$value" ] || return 0
        sleep 0.1
    done
    fail "$what is $seen, not $value"
}

pods_of() { # NAMESPACE: how many there are, and how many of them are ready
    kubectl -n "$1" get pods -l app=web --no-headers | awk '$2 == "1/1" { ready++ } END { print NR, ready + 0 }'
}

both_ready() { # COUNT: all pods of both are ready and in service, and no others are there
    local namespace
    for namespace in shop plain; do
        expect "how many pods of $namespace are ready" "$1 $1" pods_of "$namespace"
    done
}

# shellcheck source=hack/demo/roles.sh
. hack/demo/roles.sh
./hack/setup.sh
work=$(mktemp -d)

echo "== build ($preset)"
quietly cmake --preset "$preset"
quietly cmake --build --preset "$preset" --target sluice
export PATH=$PWD/build/$preset:$PATH # where kubectl finds kubectl-sluice

echo "== a cluster, Sluice, and an HAProxy"
eval "$(./hack/devcluster.sh up --dir "$work/cluster")"
echo '$ kubectl apply -k manifests/'
quietly kubectl apply -k manifests/
start_sluice sluice
haproxy -db -f hack/demo/haproxy.cfg >"$work/haproxy.log" 2>&1 &
processes+=($!)

echo
echo "== a pod of the namespace plain (-), and what Sluice makes of it in the namespace shop (+)"
for namespace in plain shop; do
    quietly kubectl create namespace "$namespace"
done
show kubectl label namespace shop sluice.dev/managed=true
sed "s/ADDRESS/$ADDRESS/" hack/demo/sluice.yaml >"$work/sluice.yaml"
quietly kubectl -n shop apply -f "$work/sluice.yaml"
as_stored() { # NAMESPACE: without what differs anyway
    kubectl -n "$1" run web --image="$image:1" --labels=app=web --dry-run=server -o yaml |
        awk '/^  managedFields:/ { skip = 1; next } skip && /^  [a-z]/ { skip = 0 }
             !skip && !/creationTimestamp|uid|namespace|token|kube-api-access/'
}
injected() {
    as_stored shop | grep -c -e 'conditionType: sluice.dev/traffic-ready' -e slb.sluice.dev/edge -e preStop
}
expect "what is injected" 3 injected
diff -U 1 --label plain --label shop <(as_stored plain) <(as_stored shop) || true

echo
echo "== ten pods in each, behind an HAProxy"
quietly kubectl -n plain apply -f hack/demo/web.yaml
show kubectl -n shop apply -f hack/demo/web.yaml
"${python[@]}" hack/demo/follow.py --kubeconfig "$KUBECONFIG" plain web "tcp://$ADDRESS:9999" slots &
processes+=($!)
both_ready 10

echo
echo "== load on both: 12 clients that keep their connection, 4 that make new ones, 24 whose requests take 0.8 s"
mkfifo "$work/steps" "$work/running"
"${python[@]}" hack/load.py --steps --json "$work/load.json" --flawless "with Sluice" --keep-alive 12 --new 4 \
    --slow 24 --sleep 800 "with Sluice=http://$ADDRESS:8080" "without=http://$ADDRESS:8081" \
    <"$work/steps" >"$work/table" &
load=$!
exec 3>"$work/steps"
expect "the load" running head -n 1 "$work/table"

step() { # NAME: from here on requests count in that step
    echo
    echo "== $1"
    echo "$1" >&3
}

without() { # a command on the other namespace, at the same time
    "$@" >"$work/without" 2>&1 &
    beside=$!
}

delete_three() { # NAMESPACE
    kubectl -n "$1" get pods -l app=web -o name | awk 'NR <= 3' | xargs kubectl -n "$1" delete
}

settle() { # COUNT: both are done
    wait "$beside" || { cat "$work/without" >&2; fail "failed without Sluice"; }
    both_ready "$1"
    sleep 1 # for what they have begun
}

step "a new image, in place"
without kubectl -n plain set image deployment/web "podinfo=$image:2"
kubectl -n shop get pods -l app=web -o 'jsonpath={.items[*].metadata.uid} {.items[*].status.podIP}' >"$work/before"
show kubectl -n shop set image deployment/web "podinfo=$image:2"
expect "the batch under way" 1 kubectl -n shop get rollout.sluice.dev/web -o 'jsonpath={.status.currentBatch}'
sleep 1.5
show kubectl sluice traffic -n shop
show kubectl sluice get web -n shop
show kubectl sluice wait web -n shop --for Healthy
settle 10
kubectl -n shop get pods -l app=web -o 'jsonpath={.items[*].metadata.uid} {.items[*].status.podIP}' |
    diff - "$work/before" || fail "an upgrade in place made new pods"

step "a new image, new pods"
quietly kubectl -n shop patch rollout.sluice.dev/web --type=merge -p '{"spec": {"update": "Recreate"}}'
without kubectl -n plain rollout restart deployment/web
show kubectl -n shop set image deployment/web "podinfo=$image:3"
show kubectl sluice wait web -n shop --for Healthy
settle 10

step "kubectl drain"
without true # it evicts the pods of both
show kubectl drain node-2 --ignore-daemonsets
settle 10
quietly kubectl uncordon node-2

step "scale-down"
without kubectl -n plain scale deployment/web --replicas=6
show kubectl -n shop scale deployment/web --replicas=6
settle 6

step "kubectl delete"
without delete_three plain
delete_three shop
settle 6

exec 3>&-
lost=0
wait "$load" || lost=$?
echo
tail -n +2 "$work/table"
echo "(p99: what a request takes beyond the time that it asks for)"
for process in "${processes[@]}"; do
    kill -0 "$process" 2>/dev/null || fail "a process is gone, see above"
done
[ "$lost" = 0 ] || fail "with Sluice requests were lost"
