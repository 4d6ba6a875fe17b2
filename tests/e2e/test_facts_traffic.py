"""What the design takes as given about pods, traffic and evictions, a test for each numbered fact."""

import hooks
import pytest
from devcluster.errors import ApiError
from devcluster.objects import condition, is_true
from workloads import GATE, GATED, budget, deployment, pod, pod_spec, replicaset, uids

MINE = "example.com/mine"


@pytest.fixture
def hook(tmp_path):
    made = hooks.Hook(tmp_path)
    yield made
    made.close()


def eviction(name):
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}


def evict(namespace, name):
    return namespace.create("pods", eviction(name), name=name, subresource="eviction")


def wait_called(namespace, hook, name):
    """Until the API server calls the hook for evictions, seen by one of a pod that is not there."""
    def called():
        try:
            evict(namespace, name)
        except ApiError as error:
            assert error.code in (404, 429), error.message
        return hook.requests

    namespace.wait_for(called)
    hook.requests.clear()


def test_fact_12_an_eviction_deletes_without_delete_admission(namespace, hook):
    namespace.create("pods", pod("web"))
    namespace.wait_ready("web", 1)
    with hooks.registered(namespace, "validating", hook, "CREATE :pods/eviction", "DELETE :pods"):
        wait_called(namespace, hook, "absent")
        evict(namespace, "web")
        namespace.wait_for(lambda: not namespace.pods("web"))
    operations = [request["operation"] for request in hook.requests
                  if not request["userInfo"]["username"].startswith("system:node")]
    assert operations == ["CREATE"]
    assert hook.requests[0]["subResource"] == "eviction"
    assert hook.requests[0]["object"]["kind"] == "Eviction"


def test_fact_12_the_webhook_comes_before_the_budget(namespace, hook):
    namespace.apply(deployment("web", 1), budget("web", minAvailable=1))
    name = namespace.wait_ready("web", 1)[0]["metadata"]["name"]
    namespace.wait_for(lambda: namespace.get("poddisruptionbudgets", "web")["status"].get("currentHealthy") == 1)
    with pytest.raises(ApiError) as refused:
        evict(namespace, name)
    assert refused.value.code == 429
    assert refused.value.message == "Cannot evict pod as it would violate the pod's disruption budget."
    hook.answer = lambda request: hooks.deny(403, "first drain it", reason="Forbidden")
    with hooks.registered(namespace, "validating", hook, "CREATE :pods/eviction"):
        def seen():
            with pytest.raises(ApiError) as error:
                evict(namespace, name)
            return "first drain it" in error.value.message

        namespace.wait_for(seen)


def test_fact_12_drain_retries_a_429_until_it_is_allowed(namespace, hook, nodes):
    namespace.apply(deployment("drained", 1, pods=pod_spec(nodeName=nodes[0])))
    namespace.wait_ready("drained", 1)
    denials = iter(range(2))

    def answer(request):
        if request["name"] != "absent" and next(denials, None) is not None:
            return hooks.deny(429, "draining", reason="TooManyRequests", details={"retryAfterSeconds": 2})
        return hooks.allow(request)

    hook.answer = answer
    with hooks.registered(namespace, "validating", hook, "CREATE :pods/eviction"):
        wait_called(namespace, hook, "absent")
        namespace.kubectl("drain", nodes[0], "--ignore-daemonsets", "--pod-selector=app=drained", "--timeout=60s")
    assert len(hook.requests) >= 3


def test_fact_13_finalizers_keep_the_object_not_the_containers(namespace):
    namespace.create("pods", pod("web", finalizers=[MINE, "example.com/other"]))
    namespace.wait_ready("web", 1)
    namespace.delete("pods", "web", grace=1)
    namespace.wait_for(
        lambda: namespace.get("pods", "web")["status"]["containerStatuses"][0]["state"].get("terminated"))
    namespace.patch("pods", "web", {"metadata": {"finalizers": []}})
    assert namespace.get("pods", "web")["metadata"]["finalizers"] == [MINE, "example.com/other"]
    namespace.patch("pods", "web", {"metadata": {"$deleteFromPrimitiveList/finalizers": [MINE]}})
    assert namespace.get("pods", "web")["metadata"]["finalizers"] == ["example.com/other"]
    namespace.patch("pods", "web", {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/other"]}})
    namespace.wait_for(lambda: not namespace.find("pods", "web"))


def test_fact_14_a_replicaset_removes_unready_pods_then_cheap_ones(namespace):
    namespace.apply(replicaset("web", 4, pods=pod_spec(**GATED)))
    pods = namespace.wait_for(lambda: len(namespace.pods("web")) == 4 and namespace.pods("web"))
    for one in pods:
        namespace.set_condition(one, GATE, "True")
    namespace.wait_ready("web", 4)
    namespace.patch("pods", pods[2]["metadata"]["name"], {
        "metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}}})
    namespace.set_condition(pods[1], GATE, "False")
    namespace.wait_for(lambda: namespace.get("replicasets", "web")["status"]["readyReplicas"] == 3)
    for replicas, gone in ((3, pods[1]), (2, pods[2])):
        before = uids(namespace.pods("web"))
        namespace.kubectl("scale", "replicaset/web", f"--replicas={replicas}")
        namespace.wait_for(lambda: len(namespace.pods("web")) == replicas)
        assert before - uids(namespace.pods("web")) == {gone["metadata"]["uid"]}


def test_fact_15_an_absent_gate_condition_is_not_ready(namespace):
    namespace.create("pods", pod("web", pod_spec(**GATED)))
    namespace.wait_for(lambda: is_true(namespace.get("pods", "web"), "ContainersReady"))
    namespace.stays(lambda: not is_true(namespace.get("pods", "web"), "Ready"))
    ready = condition(namespace.get("pods", "web"), "Ready")
    assert (ready["reason"], ready["message"]) == (
        "ReadinessGatesNotReady", f'corresponding condition of pod readiness gate "{GATE}" does not exist.')
    namespace.set_condition(namespace.get("pods", "web"), GATE, "True")
    namespace.wait_for(lambda: is_true(namespace.get("pods", "web"), "Ready"))
