"""The hand-over of FACTS 9: a stock Deployment whose pods move to a new ReplicaSet in place."""

import hooks
import pytest
from devcluster.errors import ApiError
from devcluster.objects import copy, is_true, owner_reference
from workloads import container_id, deployment, image_of, images, template, uids

HASH = "pod-template-hash"
OURS = "handover1"
REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture
def hook(tmp_path):
    made = hooks.Hook(tmp_path)
    yield made
    made.close()


def our_replicaset(owner, old):
    """A ReplicaSet made by hand for the Deployment's new template, with a hash of our own."""
    made = copy(old)
    annotations = {**old["metadata"]["annotations"], REVISION: str(int(old["metadata"]["annotations"][REVISION]) + 1)}
    made["metadata"] = {"name": f"{owner['metadata']['name']}-{OURS}", "annotations": annotations,
                        "labels": {**old["metadata"]["labels"], HASH: OURS},
                        "ownerReferences": [owner_reference(owner)]}
    made["spec"]["replicas"] = 0
    made["spec"]["selector"]["matchLabels"][HASH] = OURS
    made["spec"]["template"] = copy(owner["spec"]["template"])
    made["spec"]["template"]["metadata"]["labels"][HASH] = OURS
    del made["status"]
    return made


def refuse_creations(namespace, hook):
    """Has the hook refuse the pods that ReplicaSets create from now on, and waits until that is in force."""
    hook.answer = lambda request: hooks.deny(403, "a hand-over is under way", reason="Forbidden")
    probe = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
             "spec": template("probe", {"containers": [{"name": "a", "image": "registry.local/podinfo:1"}]})["spec"]}

    def refused():
        try:
            namespace.create("pods", probe, dry_run=True)
        except ApiError:
            return True
        return False

    namespace.wait_for(refused)
    hook.requests.clear()


def scale(namespace, name, change):
    replicas = namespace.get("replicasets", name)["spec"]["replicas"]
    namespace.patch("replicasets", name, {"spec": {"replicas": replicas + change}})


def move(namespace, pod, new, old):
    """One pod: new ReplicaSet +1; hash label, owner and image in one patch; old ReplicaSet -1."""
    scale(namespace, new["metadata"]["name"], +1)
    body = {"metadata": {"labels": {HASH: OURS},
                         "ownerReferences": [{"$patch": "replace"}, owner_reference(new)]}, **images("2")}
    namespace.patch("pods", pod["metadata"]["name"], body)
    scale(namespace, old["metadata"]["name"], -1)
    namespace.wait_for(lambda: container_id(namespace.get("pods", pod["metadata"]["name"]))
                       not in (container_id(pod), None))
    namespace.wait_for(lambda: is_true(namespace.get("pods", pod["metadata"]["name"]), "Ready"))


def test_fact_09_a_deployment_is_handed_over_in_place(namespace, hook):
    namespace.apply(deployment("web", 4))
    before = namespace.wait_ready("web", 4)
    old = namespace.list("replicasets")[0]
    strategy = namespace.get("deployments", "web")["spec"]["strategy"]
    owner = namespace.patch("deployments", "web", {"spec": {
        "paused": True, "strategy": {"type": "Recreate", "rollingUpdate": None}, "template": images("2")}})
    new = namespace.create("replicasets", our_replicaset(owner, old))
    with hooks.registered(namespace, "validating", hook, "CREATE :pods"):
        refuse_creations(namespace, hook)
        for pod in before:
            move(namespace, pod, new, old)
        namespace.stays(lambda: uids(namespace.pods("web")) == uids(before))
        assert all(request["object"]["metadata"]["generateName"] for request in hook.requests)
    namespace.patch("deployments", "web", [
        {"op": "replace", "path": "/spec/strategy", "value": strategy},
        {"op": "remove", "path": "/spec/paused"}], kind="json")
    namespace.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    after = namespace.wait_ready("web", 4)
    assert uids(after) == uids(before)
    assert [pod["status"]["podIP"] for pod in after] == [pod["status"]["podIP"] for pod in before]
    assert {image_of(pod) for pod in after} == {"2"}
    assert [one["metadata"]["name"] for one in namespace.list("replicasets") if one["spec"]["replicas"]] == [
        f"web-{OURS}"]
    history = namespace.kubectl("rollout", "history", "deployment/web").split()
    assert history[-4::2] == ["1", "2"]
