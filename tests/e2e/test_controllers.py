"""What the controllers do from end to end: jobs, owners and what they own, namespaces, budgets, many replicas."""

import uuid

from devcluster.errors import ApiError
from devcluster.objects import condition, owner_reference
from kube import PATIENCE
from test_pods import shell
from workloads import (budget, deployment, image_of, new_template, partition, pod, pod_spec, replicaset, statefulset,
                       uids)

KEEP = "example.com/keep"


def job(name, script, *, pods=None, **spec):
    template = {"spec": pod_spec(containers=[shell("a", script)], restartPolicy="Never", **(pods or {}))}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, **spec}}


def test_a_job_counts_what_succeeds(namespace):
    namespace.apply(job("sum", "exit 0", completions=4, parallelism=2))
    namespace.kubectl("wait", "job/sum", "--for=condition=Complete", "--timeout=60s")
    said = namespace.get("jobs", "sum")["status"]
    assert said["succeeded"] == 4 and said["completionTime"] and not said.get("active")
    assert len(namespace.list("pods")) == 4


def test_a_job_fails_at_its_backoff_limit(namespace):
    namespace.apply(job("sum", "exit 1", backoffLimit=0))
    namespace.kubectl("wait", "job/sum", "--for=condition=Failed", "--timeout=60s")
    assert condition(namespace.get("jobs", "sum"), "Failed")["reason"] == "BackoffLimitExceeded"


def test_a_job_goes_with_its_pods_when_its_time_is_over(namespace):
    namespace.apply(job("sum", "exit 0", ttlSecondsAfterFinished=1))
    namespace.wait_for(lambda: namespace.find("jobs", "sum"))
    namespace.wait_for(lambda: not namespace.find("jobs", "sum") and not namespace.list("pods"))


def test_a_deletion_in_the_foreground_waits_for_what_is_owned(namespace):
    namespace.apply(deployment("web", 2))
    first = namespace.wait_ready("web", 2)[0]["metadata"]["name"]
    namespace.patch("pods", first, {"metadata": {"finalizers": [KEEP]}})
    namespace.kubectl("delete", "deployment/web", "--cascade=foreground", "--wait=false")
    namespace.wait_for(lambda: [one["metadata"]["name"] for one in namespace.list("pods")] == [first])
    namespace.stays(lambda: namespace.find("deployments", "web") and namespace.list("replicasets"))
    assert namespace.get("deployments", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    namespace.patch("pods", first, {"metadata": {"finalizers": None}}, kind="merge")
    namespace.wait_for(lambda: not namespace.find("deployments", "web") and not namespace.list("replicasets"))


def test_orphans_are_adopted_by_who_selects_them(namespace):
    namespace.apply(replicaset("web", 2))
    before = namespace.wait_ready("web", 2)
    namespace.kubectl("delete", "replicaset/web", "--cascade=orphan")
    assert uids(namespace.pods("web")) == uids(before)
    namespace.wait_for(lambda: not any(one["metadata"].get("ownerReferences") for one in namespace.pods("web")))
    namespace.apply(replicaset("web", 2))
    new = namespace.get("replicasets", "web")
    namespace.wait_for(lambda: all(one["metadata"].get("ownerReferences") for one in namespace.pods("web")))
    assert uids(namespace.pods("web")) == uids(before)
    assert {one["metadata"]["ownerReferences"][0]["uid"] for one in namespace.pods("web")} == uids([new])


def crd(group):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"things.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": schema}}]}}


def test_what_a_custom_resource_owns_goes_with_it(namespace, cluster):
    group = f"e2e-{uuid.uuid4().hex[:6]}.example.com"
    cluster.call("create", "customresourcedefinitions", crd(group))
    try:
        cluster.kubectl("wait", f"crd/things.{group}", "--for=condition=Established", "--timeout=60s")
        path = f"/apis/{group}/v1/namespaces/{namespace.name}/things"
        made = namespace.wait_for(lambda: create_thing(cluster, path, group))
        namespace.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "owned", "ownerReferences": [owner_reference(made)]}})
        namespace.stays(lambda: namespace.find("configmaps", "owned"))
        cluster.call("request", "DELETE", f"{path}/one")
        namespace.wait_for(lambda: not namespace.find("configmaps", "owned"), 2 * PATIENCE)
    finally:
        cluster.call("delete", "customresourcedefinitions", f"things.{group}")


def create_thing(cluster, path, group):
    """An object of the new kind; None while the API server does not know it yet."""
    try:
        return cluster.call("request", "POST", path, {
            "apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one"}})
    except ApiError as error:
        if error.code != 404:
            raise
        return None


def test_a_namespace_says_what_keeps_it(namespace, cluster):
    namespace.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap",
                                    "metadata": {"name": "kept", "finalizers": [KEEP]}})
    namespace.apply(deployment("web", 1))
    namespace.wait_ready("web", 1)
    cluster.call("delete", "namespaces", namespace.name)

    def remaining():
        said = condition(cluster.call("get", "namespaces", namespace.name), "NamespaceFinalizersRemaining")
        return said and said["status"] == "True" and said["message"]

    assert f"{KEEP} in 1 resource instances" in namespace.wait_for(remaining)
    assert not namespace.list("pods") and not namespace.list("deployments")
    namespace.patch("configmaps", "kept", {"metadata": {"finalizers": None}}, kind="merge")
    namespace.wait_for(lambda: not namespace.find("namespaces", namespace.name))
    cluster.call("create", "namespaces", {"metadata": {"name": namespace.name}})  # the fixture deletes it


def test_a_budget_allows_one_eviction_after_the_other(namespace, nodes):
    namespace.apply(deployment("guarded", 4, pods=pod_spec(nodeSelector={"kubernetes.io/hostname": nodes[0]})),
                    budget("guarded", maxUnavailable=1))
    before = namespace.wait_ready("guarded", 4)
    namespace.wait_for(
        lambda: namespace.get("poddisruptionbudgets", "guarded")["status"].get("disruptionsAllowed") == 1)
    allowed = 0
    for one in before:
        name = one["metadata"]["name"]
        try:
            namespace.create("pods", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}},
                             name=name, subresource="eviction")
            allowed += 1
        except ApiError as error:
            assert error.code == 429
    assert allowed == 1
    namespace.wait_ready("guarded", 4)
    namespace.wait_for(
        lambda: namespace.get("poddisruptionbudgets", "guarded")["status"].get("disruptionsAllowed") == 1)


def test_a_statefulset_scales_beside_its_partition(namespace):
    namespace.apply(statefulset("web", 3, updateStrategy=partition(2), podManagementPolicy="Parallel"))
    namespace.wait_ready("web", 3)
    namespace.patch("statefulsets", "web", new_template("2"))
    namespace.wait_for(lambda: [image_of(one) for one in namespace.wait_ready("web", 3)] == ["1", "1", "2"])
    namespace.kubectl("scale", "statefulset/web", "--replicas=5")
    assert [image_of(one) for one in namespace.wait_ready("web", 5)] == ["1", "1", "2", "2", "2"]
    namespace.kubectl("scale", "statefulset/web", "--replicas=1")
    assert [image_of(one) for one in namespace.wait_ready("web", 1)] == ["1"]
    namespace.kubectl("scale", "statefulset/web", "--replicas=2")
    assert [image_of(one) for one in namespace.wait_ready("web", 2)] == ["1", "1"]


def test_hundreds_of_replicas_that_fit_nowhere(namespace):
    namespace.apply(deployment("web", 300, pods=pod_spec(nodeSelector={"example.com/none": "here"})))
    for replicas in (300, 10, 0):
        namespace.kubectl("scale", "deployment/web", f"--replicas={replicas}")
        namespace.wait_for(lambda: len(namespace.list("pods")) == replicas, 4 * PATIENCE)
        namespace.wait_for(lambda: namespace.get("deployments", "web")["status"].get("replicas", 0) == replicas)


def test_a_deleted_pod_stays_while_a_finalizer_keeps_it(namespace):
    namespace.create("pods", pod("web", finalizers=[KEEP]))
    namespace.wait_ready("web", 1)
    namespace.delete("pods", "web", grace=1)
    namespace.wait_for(lambda: namespace.get("pods", "web")["status"]["phase"] in ("Succeeded", "Failed"))
    namespace.stays(lambda: namespace.find("pods", "web"))
    namespace.patch("pods", "web", {"metadata": {"finalizers": None}}, kind="merge")
    namespace.wait_for(lambda: not namespace.find("pods", "web"))
