"""What the design takes as given about native workloads, a test for each numbered fact.

Each holds on a real control plane as well: that is what makes it a fact.
"""

import time

import pytest
from devcluster.errors import ApiError
from devcluster.objects import is_true, seconds
from workloads import (GATE, GATED, IMAGE, container, container_id, daemonset, deployment, image_of, images,
                       new_template, partition, pod, pod_spec, statefulset, uids)

REVISION = "controller-revision-hash"
NEVER = 2147483646  # minReadySeconds after which no pod is available in anybody's time
HIGH = 1000  # a partition above every ordinal


def in_place(version, revision):
    """The patch that moves a pod to a revision without replacing it."""
    return {"metadata": {"labels": {REVISION: revision}}, **images(version)}


def addresses(pods):
    return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods}


def held_statefulset(ns, name, at=HIGH):
    """A StatefulSet of three ready pods with a new template that its partition holds back; (pods, update revision)."""
    ns.apply(statefulset(name, updateStrategy=partition(at), podManagementPolicy="Parallel"))
    before = ns.wait_ready(name, 3)
    ns.patch("statefulsets", name, new_template("2"))

    def noticed():
        status = ns.get("statefulsets", name)["status"]
        return status["updateRevision"] != status["currentRevision"] and status["updateRevision"]

    return before, ns.wait_for(noticed)


def move_all(ns, name, before, revision):
    """Moves each pod to the new revision in place, and sees that it is the same pod in a new container."""
    for count, old in enumerate(reversed(before), start=1):
        pod_name = old["metadata"]["name"]
        ns.patch("pods", pod_name, in_place("2", revision))
        ns.wait_for(lambda: container_id(ns.get("pods", pod_name)) not in (container_id(old), None))
        ns.wait_for(lambda: ns.get("statefulsets", name)["status"].get("updatedReplicas") == count)
    after = ns.wait_ready(name, len(before))
    assert uids(after) == uids(before)
    assert addresses(after) == addresses(before)


def test_fact_01_statefulset_counts_pods_moved_in_place(namespace):
    before, revision = held_statefulset(namespace, "web")
    move_all(namespace, "web", before, revision)
    namespace.patch("statefulsets", "web", {"spec": {"updateStrategy": partition(0)}})
    namespace.wait_for(lambda: namespace.get("statefulsets", "web")["status"]["currentRevision"] == revision)
    namespace.stays(lambda: uids(namespace.pods("web")) == uids(before))


def test_fact_02_current_revision_advances_below_a_high_partition(namespace):
    before, revision = held_statefulset(namespace, "web")
    move_all(namespace, "web", before, revision)
    namespace.wait_for(lambda: namespace.get("statefulsets", "web")["status"]["currentRevision"] == revision)
    namespace.kubectl("scale", "statefulset/web", "--replicas=4")
    pods = namespace.wait_ready("web", 4)
    assert pods[3]["metadata"]["labels"][REVISION] == revision
    assert image_of(pods[3]) == "2"


def test_fact_03_lost_pods_come_back_by_the_partition(namespace):
    before, revision = held_statefulset(namespace, "web", at=2)
    namespace.wait_for(lambda: [image_of(pod) for pod in namespace.wait_ready("web", 3)] == ["1", "1", "2"])
    assert uids(namespace.pods("web")[:2]) == uids(before[:2])
    for ordinal, image in ((0, "1"), (2, "2")):
        lost = namespace.get("pods", f"web-{ordinal}")
        namespace.delete("pods", f"web-{ordinal}")
        namespace.wait_for(lambda: lost["metadata"]["uid"] not in uids(namespace.list("pods")))
        pods = namespace.wait_ready("web", 3)
        assert image_of(pods[ordinal]) == image


def test_fact_03_only_the_label_is_compared(namespace):
    before, revision = held_statefulset(namespace, "web")
    namespace.patch("pods", "web-1", {"metadata": {"labels": {REVISION: revision}}})
    namespace.patch("statefulsets", "web", {"spec": {"updateStrategy": partition(0)}})
    namespace.wait_for(lambda: [image_of(pod) for pod in namespace.wait_ready("web", 3)] == ["2", "1", "2"])
    assert uids(namespace.pods("web")) & uids(before) == uids(before[1:2])


def test_fact_03_highest_ordinal_first_and_ready_before_the_next(namespace):
    namespace.apply(statefulset("web", pods=pod_spec(**GATED), podManagementPolicy="Parallel"))
    before = namespace.wait_for(lambda: len(namespace.pods("web")) == 3 and namespace.pods("web"))
    for one in before:
        namespace.set_condition(one, GATE, "True")
    namespace.wait_ready("web", 3)
    namespace.patch("statefulsets", "web", new_template("2"))
    for left in (2, 1, 0):
        replaced = before[left]["metadata"]
        new = namespace.wait_for(lambda: next((pod for pod in namespace.pods("web") if is_true(pod, "ContainersReady")
                                               and pod["metadata"]["name"] == replaced["name"]
                                               and pod["metadata"]["uid"] != replaced["uid"]), None))
        namespace.stays(lambda: uids(before[:left]) <= uids(namespace.pods("web")))
        namespace.set_condition(new, GATE, "True")


def test_fact_04_daemonset_counts_pods_moved_in_place(namespace, nodes):
    namespace.apply(daemonset("agent", updateStrategy={"type": "OnDelete"}))
    before = namespace.wait_ready("agent", len(nodes))
    namespace.patch("daemonsets", "agent", new_template("2"))
    newest = namespace.wait_for(lambda: next((one for one in namespace.list("controllerrevisions")
                                              if one["revision"] == 2), None))
    bare = newest["metadata"]["labels"][REVISION]
    assert newest["metadata"]["name"] == f"agent-{bare}"
    for count, old in enumerate(before, start=1):
        name = old["metadata"]["name"]
        namespace.patch("pods", name, in_place("2", bare))
        namespace.wait_for(lambda: container_id(namespace.get("pods", name)) not in (container_id(old), None))
        namespace.wait_for(
            lambda: namespace.get("daemonsets", "agent")["status"].get("updatedNumberScheduled") == count)
    after = namespace.wait_ready("agent", len(nodes))
    assert uids(after) == uids(before) and addresses(after) == addresses(before)


def strategy(surge, unavailable):
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def counts(ns, app):
    """(old pods, new pods)"""
    found = [image_of(pod) for pod in ns.pods(app)]
    return found.count("1"), found.count("2")


def test_fact_05_deployment_stops_where_its_budget_ends(namespace):
    namespace.apply(deployment("web", 5))
    namespace.wait_ready("web", 5)
    namespace.patch("deployments", "web", new_template(
        "2", minReadySeconds=NEVER, progressDeadlineSeconds=NEVER + 1, strategy=strategy(0, 2)))
    for surge, unavailable, expected in ((0, 2, (3, 2)), (2, 2, (3, 4)), (0, 4, (1, 4))):
        namespace.patch("deployments", "web", {"spec": {"strategy": strategy(surge, unavailable)}})
        namespace.wait_for(lambda: counts(namespace, "web") == expected)
        namespace.stays(lambda: counts(namespace, "web") == expected)
    namespace.patch("deployments", "web", {"spec": {
        "minReadySeconds": 0, "progressDeadlineSeconds": 600, "strategy": strategy("25%", "25%")}})
    namespace.wait_for(lambda: counts(namespace, "web") == (0, 5))
    namespace.kubectl("rollout", "status", "deployment/web", "--timeout=30s")


def test_fact_05_paused_with_the_template_holds_all(namespace):
    namespace.apply(deployment("web", 2))
    before = namespace.wait_ready("web", 2)
    generation = namespace.patch("deployments", "web", new_template("2", paused=True))["metadata"]["generation"]
    namespace.wait_for(
        lambda: namespace.get("deployments", "web")["status"].get("observedGeneration") == generation)
    namespace.stays(lambda: uids(namespace.pods("web")) == uids(before))


def test_fact_05_surge_and_unavailable_cannot_both_be_zero(namespace):
    with pytest.raises(ApiError) as refused:
        namespace.create("deployments", deployment("web", strategy=strategy(0, 0)))
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    assert "may not be 0 when `maxSurge` is 0" in refused.value.message


def gated_pods(ns, make, name, replicas, **spec):
    """A workload whose pods have a gate that is True on all of them; the ready pods."""
    ns.apply(make(name, replicas, pods=pod_spec(**GATED), **spec))
    pods = ns.wait_for(lambda: len(ns.pods(name)) == replicas and ns.pods(name))
    for one in pods:
        ns.set_condition(one, GATE, "True")
    return ns.wait_ready(name, replicas)


def test_fact_06_pods_out_of_service_are_removed_first(namespace):
    before = gated_pods(namespace, deployment, "web", 5, strategy=strategy(0, 2))
    for one in before[1:3]:
        namespace.set_condition(one, GATE, "False")
    namespace.wait_for(lambda: namespace.get("deployments", "web")["status"].get("availableReplicas") == 3)
    namespace.patch("deployments", "web", new_template("2"))
    namespace.wait_for(lambda: counts(namespace, "web") == (3, 2))
    namespace.stays(lambda: counts(namespace, "web") == (3, 2))
    left = {one["metadata"]["uid"] for one in namespace.pods("web") if image_of(one) == "1"}
    assert left == uids(before) - uids(before[1:3])


ALLOWED = {
    "an image": images("2"),
    "activeDeadlineSeconds": {"spec": {"activeDeadlineSeconds": 600}},
    "a toleration more": {"spec": {"tolerations": [{"key": "example.com/new", "operator": "Exists"}]}},
    "a label": {"metadata": {"labels": {"example.com/new": "yes"}}},
    "an annotation": {"metadata": {"annotations": {"example.com/new": "yes"}}},
}
REFUSED = {
    "a gate": {"spec": GATED},
    "resources": {"spec": {"containers": [{"name": "podinfo", "resources": {"requests": {"cpu": "2m"}}}]}},
    "the grace period": {"spec": {"terminationGracePeriodSeconds": 9}},
    "a container's environment": {"spec": {"containers": [{"name": "podinfo", "env": [{"name": "A", "value": "B"}]}]}},
}


def test_fact_07_what_of_a_pod_can_be_updated(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[container(resources={"requests": {"cpu": "1m"}})])))
    for body in ALLOWED.values():
        namespace.patch("pods", "web", body, dryRun="All")
    for what, body in REFUSED.items():
        with pytest.raises(ApiError) as refused:
            namespace.patch("pods", "web", body)
        assert refused.value.code == 422, what
        assert "pod updates may not change fields other than" in refused.value.message, what
    resized = namespace.patch("pods", "web", REFUSED["resources"], subresource="resize")
    assert resized["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "2m"


def test_fact_07_no_finalizer_once_being_deleted(namespace):
    namespace.create("pods", pod("web", finalizers=["example.com/first"]))
    namespace.patch("pods", "web", {"metadata": {"finalizers": ["example.com/second"]}})
    namespace.delete("pods", "web")
    with pytest.raises(ApiError) as refused:
        namespace.patch("pods", "web", {"metadata": {"finalizers": ["example.com/third"]}})
    assert refused.value.code == 422
    assert "no new finalizers can be added if the object is being deleted" in refused.value.message
    namespace.patch("pods", "web", {"metadata": {"labels": {"example.com/new": "yes"}}})
    namespace.patch("pods", "web", {"metadata": {"finalizers": None}}, kind="merge")


def test_fact_08_observed_generation_comes_before_the_restart(namespace):
    sleep = 3
    namespace.create("pods", pod("web", pod_spec(containers=[
        container(lifecycle={"preStop": {"sleep": {"seconds": sleep}}})], terminationGracePeriodSeconds=10)))
    old = namespace.wait_ready("web", 1)[0]
    began = time.time()
    generation = namespace.patch("pods", "web", images("2"))["metadata"]["generation"]
    observed = namespace.wait_for(lambda: namespace.get("pods", "web")["status"].get("observedGeneration") == generation
                                  and namespace.get("pods", "web"))
    assert container_id(observed) == container_id(old)
    new = namespace.wait_for(lambda: container_id(namespace.get("pods", "web")) not in (container_id(old), None)
                             and namespace.get("pods", "web"))
    started = new["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    assert seconds(started) - began >= sleep - 1  # timestamps are whole seconds
    assert new["metadata"]["uid"] == old["metadata"]["uid"]
    assert new["status"]["containerStatuses"][0]["image"] == f"{IMAGE}2"
