"""kubectl, the program, against the cluster: what people type must do and print what it does elsewhere."""

import json
import subprocess

import pytest
from workloads import IMAGE, budget, container, daemonset, deployment, image_of, pod_spec, service, statefulset, uids

OLD_KUBECTL = (1, 24)  # `create token` and friends came with it


def revisions(namespace, name):
    return [line.split()[0] for line in namespace.kubectl("rollout", "history", name).splitlines()[2:] if line]


@pytest.fixture
def web(namespace):
    """A ready Deployment of three."""
    namespace.apply(deployment("web"))
    namespace.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return namespace


def test_apply_says_what_it_did(namespace):
    objects = (deployment("web"), service("web"))
    assert namespace.apply(*objects).splitlines() == ["deployment.apps/web created", "service/web created"]
    assert namespace.apply(*objects).splitlines() == ["deployment.apps/web unchanged", "service/web unchanged"]
    assert namespace.apply(deployment("web", 2)).splitlines() == ["deployment.apps/web configured"]
    assert namespace.get("deployments", "web")["spec"]["replicas"] == 2


def test_apply_removes_what_the_manifest_no_longer_has(namespace):
    namespace.apply(deployment("web", pods=pod_spec(containers=[container(env=[{"name": "A", "value": "1"}])])))
    namespace.apply(deployment("web"))
    assert "env" not in namespace.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]


def test_get_prints_the_columns_of_each_kind(web):
    headers = {
        "deployments": "NAME READY UP-TO-DATE AVAILABLE AGE",
        "pods": "NAME READY STATUS RESTARTS AGE",
        "replicasets": "NAME DESIRED CURRENT READY AGE",
    }
    for kind, header in headers.items():
        assert web.kubectl("get", kind).splitlines()[0].split() == header.split()
    assert web.kubectl("get", "deployment/web").splitlines()[1].split()[:4] == ["web", "3/3", "3", "3"]
    wide = web.kubectl("get", "pods", "-o", "wide").splitlines()
    assert wide[0].split()[5:7] == ["IP", "NODE"]
    assert wide[1].split()[1:3] == ["1/1", "Running"]
    assert web.kubectl("get", "all", "-o", "name").split()[-1].startswith("replicaset.apps/web-")
    assert web.kubectl("get", "pods", "-l", "app=none") == f"No resources found in {web.name} namespace.\n"


def test_get_of_what_is_not_there(namespace):
    assert namespace.kubectl("get", "pod", "web", status=1) == (
        'Error from server (NotFound): pods "web" not found\n')


def test_get_watches(namespace):
    command = namespace.cluster.command("-n", namespace.name, "get", "configmaps", "-w", "-o", "name",
                                        "--field-selector=metadata.name=web")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        try:
            namespace.kubectl("create", "configmap", "web")
            assert watching.stdout.readline() == "configmap/web\n"
            namespace.kubectl("label", "configmap", "web", "a=b")
            assert watching.stdout.readline() == "configmap/web\n"
        finally:
            watching.kill()


def test_describe(web):
    shown = web.kubectl("describe", "deployment/web")
    assert "3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in shown
    assert "ScalingReplicaSet" in shown
    shown = web.kubectl("describe", "pod", web.pods("web")[0]["metadata"]["name"])
    assert f"Image:          {IMAGE}1" in shown
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert reason in shown


def test_rollout_and_undo(web):
    web.kubectl("set", "image", "deployment/web", f"podinfo={IMAGE}2")
    assert web.kubectl("rollout", "status", "deployment/web", "--timeout=60s").endswith(
        'deployment "web" successfully rolled out\n')
    assert revisions(web, "deployment/web") == ["1", "2"]
    assert {image_of(pod) for pod in web.wait_ready("web", 3)} == {"2"}
    assert web.kubectl("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    web.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert revisions(web, "deployment/web") == ["2", "3"]
    assert {image_of(pod) for pod in web.wait_ready("web", 3)} == {"1"}


def test_rollout_restart_pause_resume(web):
    before = uids(web.pods("web"))
    web.kubectl("rollout", "pause", "deployment/web")
    assert "paused" in web.kubectl("rollout", "restart", "deployment/web", status=1)
    web.kubectl("set", "image", "deployment/web", f"podinfo={IMAGE}2")
    web.stays(lambda: uids(web.pods("web")) == before)
    web.kubectl("rollout", "resume", "deployment/web")
    web.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    web.kubectl("rollout", "restart", "deployment/web")
    web.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert not before & uids(web.pods("web"))


@pytest.mark.parametrize("make", [statefulset, daemonset])
def test_rollout_of_the_other_workloads(namespace, make):
    made = make("web")
    name = f"{made['kind'].lower()}/web"
    namespace.apply(made)
    namespace.kubectl("rollout", "status", name, "--timeout=60s")
    namespace.kubectl("set", "image", name, f"podinfo={IMAGE}2")
    namespace.kubectl("rollout", "status", name, "--timeout=60s")
    assert revisions(namespace, name) == ["1", "2"]
    namespace.kubectl("rollout", "undo", name)
    namespace.kubectl("rollout", "status", name, "--timeout=60s")
    namespace.wait_for(lambda: {image_of(pod) for pod in namespace.pods("web")} == {"1"})


def test_scale_and_wait(web):
    assert web.kubectl("scale", "deployment/web", "--replicas=5") == "deployment.apps/web scaled\n"
    web.kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    web.wait_ready("web", 5)
    assert "error" in web.kubectl("scale", "deployment/web", "--current-replicas=2", "--replicas=1", status=1)
    web.kubectl("delete", "deployment/web")
    web.kubectl("wait", "pods", "-l", "app=web", "--for=delete", "--timeout=60s")


def test_cordon_and_drain_keep_to_the_budget(namespace, nodes):
    namespace.apply(deployment("budgeted"), budget("budgeted", minAvailable=2))
    namespace.wait_ready("budgeted", 3)
    namespace.wait_for(
        lambda: namespace.get("poddisruptionbudgets", "budgeted")["status"].get("disruptionsAllowed") == 1)
    node = namespace.pods("budgeted")[0]["spec"]["nodeName"]
    printed = namespace.kubectl("drain", node, "--ignore-daemonsets", "--pod-selector=app=budgeted", "--timeout=90s")
    assert f"node/{node} cordoned" in printed and f"node/{node} " in printed.splitlines()[-1]
    assert all(pod["spec"]["nodeName"] != node for pod in namespace.wait_ready("budgeted", 3))
    assert "SchedulingDisabled" in namespace.kubectl("get", "node", node)
    namespace.kubectl("uncordon", node)
    assert "SchedulingDisabled" not in namespace.kubectl("get", "node", node)


def test_label_and_annotate(namespace):
    namespace.kubectl("create", "configmap", "it")
    assert namespace.kubectl("label", "configmap/it", "a=b") == "configmap/it labeled\n"
    assert "--overwrite" in namespace.kubectl("label", "configmap/it", "a=c", status=1)
    namespace.kubectl("label", "configmap/it", "a-")
    namespace.kubectl("annotate", "configmap/it", "example.com/note=yes")
    metadata = namespace.get("configmaps", "it")["metadata"]
    assert not metadata.get("labels") and metadata["annotations"]["example.com/note"] == "yes"


MORE = {"name": "more", "image": "registry.local/pause:1"}
PATCHES = {
    "strategic": {"spec": {"template": {"spec": {"containers": [MORE]}}}},
    "merge": {"spec": {"template": {"spec": {"containers": [MORE]}}}},
    "json": [{"op": "add", "path": "/spec/template/spec/containers/-", "value": MORE}],
}


@pytest.mark.parametrize(("kind", "names"), [
    ("strategic", {"more", "podinfo"}), ("merge", {"more"}), ("json", {"podinfo", "more"})])
def test_patch(namespace, kind, names):
    namespace.apply(deployment("web", 0))
    namespace.kubectl("patch", "deployment/web", f"--type={kind}", "-p", json.dumps(PATCHES[kind]))
    containers = namespace.get("deployments", "web")["spec"]["template"]["spec"]["containers"]
    assert {one["name"] for one in containers} == names


def test_delete_takes_what_it_owns(web):
    assert web.kubectl("delete", "deployment", "web") == 'deployment.apps "web" deleted' + (
        f" from {web.name} namespace\n" if web.cluster.kubectl_version >= (1, 34) else "\n")
    web.wait_for(lambda: not web.list("replicasets") and not web.list("pods"))


def test_delete_orphans_on_request(web):
    web.kubectl("delete", "deployment", "web", "--cascade=orphan")
    web.stays(lambda: len(web.pods("web")) == 3)
    assert "ownerReferences" not in web.list("replicasets")[0]["metadata"]


def test_logs(web):
    name = web.pods("web")[0]["metadata"]["name"]
    assert web.logs(name).strip()
    assert len(web.logs(name, "--tail=1").splitlines()) == 1


def test_dry_run_on_the_server_changes_nothing(namespace):
    namespace.apply(deployment("web"))
    printed = namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=deployment("web", 7))
    assert printed == "deployment.apps/web configured (server dry run)\n"
    shown = json.loads(namespace.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-",
                                         stdin=deployment("other")))
    assert shown["metadata"]["uid"] and shown["spec"]["strategy"]["type"] == "RollingUpdate"
    assert not namespace.find("deployments", "other")
    namespace.stays(lambda: namespace.get("deployments", "web")["spec"]["replicas"] == 3, 0.3)
    assert namespace.get("deployments", "web")["metadata"]["generation"] == 1


def test_server_side_apply_and_its_conflicts(namespace):
    def data(value):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}, "data": {"key": value}}

    def apply(manager, value, *flags, status=0):
        return namespace.kubectl("apply", "--server-side", f"--field-manager={manager}", *flags, "-f", "-",
                                 stdin=data(value), status=status)

    assert apply("first", "1") == "configmap/it serverside-applied\n"
    refused = apply("second", "2", status=1)
    assert 'Apply failed with 1 conflict: conflict with "first": .data.key' in refused
    assert namespace.get("configmaps", "it")["data"] == {"key": "1"}
    apply("second", "2", "--force-conflicts")
    assert namespace.get("configmaps", "it")["data"] == {"key": "2"}
    managers = {entry["manager"] for entry in namespace.get("configmaps", "it")["metadata"]["managedFields"]}
    assert "second" in managers


def test_diff(namespace):
    namespace.apply(deployment("web"))
    assert namespace.kubectl("diff", "-f", "-", stdin=deployment("web")) == ""
    printed = namespace.kubectl("diff", "-f", "-", stdin=deployment("web", 4), status=1)
    assert "-  replicas: 3" in printed and "+  replicas: 4" in printed


def test_create_token(namespace):
    if namespace.cluster.kubectl_version < OLD_KUBECTL:
        pytest.skip("this kubectl has no `create token`: it came with 1.24")
    token = namespace.kubectl("create", "token", "default").strip()
    who = namespace.cluster.call("request", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}})
    assert who["status"]["authenticated"]
    assert who["status"]["user"]["username"] == f"system:serviceaccount:{namespace.name}:default"


def test_auth_can_i(namespace):
    assert namespace.kubectl("auth", "can-i", "create", "deployments").strip() == "yes"


def test_api_resources(cluster):
    names = cluster.kubectl("api-resources", "-o", "name").split()
    assert {"pods", "deployments.apps", "poddisruptionbudgets.policy", "endpointslices.discovery.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io"} <= set(names)
