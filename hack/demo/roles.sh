# shellcheck shell=bash disable=SC2154
# Sourced by hack/demo.sh: the webhook and the reconciler, run beside the development cluster and registered with it as
# manifests/ says, in place of the pods of their Deployments.
#
#     start_sluice PROGRAM    $work: a directory for all files, with the cluster in $work/cluster
#
# Appends to the array `processes`, and calls `fail` and `quietly`.

system=sluice-system webhook=sluice-webhook reconciler=sluice-reconciler

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

start_role() { # PROGRAM, ROLE, MESSAGE, ARGUMENT…: runs it until it has logged that message
    local program=$1 role=$2 message=$3
    shift 3
    : >"$work/$role.log" # the loop below may read it before the role's shell opens it
    "$program" "$role" --config "$work/$role.yaml" "$@" 2>>"$work/$role.log" &
    processes+=($!)
    for _ in $(seq 100); do
        ! grep -q '"msg":"'"$message"'"' "$work/$role.log" || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/$role.log" >&2
    fail "the $role did not start"
}

lead_service() { # leads the webhook's Service to the process on this machine, and says whose certificate it has
    local port ca kind name webhooks
    port=$(sed -n 's/.*"msg":"serving".*"port":\([0-9]*\).*/\1/p' "$work/webhook.log")
    ca=$(base64 -w0 "$work/tls/ca.crt")
    quietly kubectl apply -f - <<YAML
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: $webhook-local
  namespace: $system
  labels: {kubernetes.io/service-name: $webhook}
addressType: IPv4
endpoints:
- addresses: [127.0.0.1]
  conditions: {ready: true}
ports:
- {name: https, port: $port, protocol: TCP}
YAML
    for kind in mutatingwebhookconfiguration validatingwebhookconfiguration; do
        webhooks=
        for name in $(kubectl get "$kind" "$webhook" -o 'jsonpath={.webhooks[*].name}'); do
            webhooks+="{\"name\":\"$name\",\"clientConfig\":{\"caBundle\":\"$ca\"}},"
        done
        quietly kubectl patch "$kind" "$webhook" --type=strategic -p "{\"webhooks\":[${webhooks%,}]}"
    done
}

start_sluice() { # PROGRAM
    quietly kubectl -n "$system" scale "deployment/$webhook" "deployment/$reconciler" --replicas=0
    quietly "$1" certs issue --dns "$webhook.$system.svc" --out "$work/tls"
    account "$webhook"
    account "$reconciler"
    cat >"$work/webhook.yaml" <<YAML
listen: {address: 127.0.0.1, port: 0, healthAddress: 127.0.0.1, healthPort: 0}
tls: {directory: $work/tls}
policies: {kube: {kubeconfig: $work/$webhook.kubeconfig}, paths: []}
shutdown: {delay: 0s}
YAML
    echo 'listen: {healthAddress: 127.0.0.1, healthPort: 0}' >"$work/reconciler.yaml"
    start_role "$1" webhook serving
    lead_service
    start_role "$1" reconciler synced --kubeconfig "$work/$reconciler.kubeconfig"
}
