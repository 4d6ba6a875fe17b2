"""What the webhook does by the objects of the API: policies that come and go, hand-overs, namespaces."""

import datetime
import json
import time

import conftest
import pytest
import rollouts
from devcluster.errors import ApiError
from devcluster.objects import owner_reference
from devcluster.resources import Resource
from workloads import pod, replicaset

POLICIES = Resource("sluice.dev", "v1alpha1", "trafficpolicies", "TrafficPolicy")
POLICY = "sluice.dev/traffic-policy"
ROLLOUT = "sluice.dev/rollout"
HANDOVER = "sluice.dev/handover"
AHEAD = 5  # seconds


@pytest.fixture
def market(cluster, policies):
    """A managed namespace of a test's own. No reconciler is at work."""
    with conftest.managed_namespace(cluster, policies) as made:
        yield made


def policy(name, app, sleep=3):
    return {"apiVersion": POLICIES.api_version, "kind": POLICIES.kind, "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": app}}, "preStop": {"sleepSeconds": sleep}}}


def injected(namespace, app="web"):
    """The labels of ours that a pod of an app would get."""
    made = namespace.create("pods", pod(app), dry_run=True)
    return {key: value for key, value in made["metadata"]["labels"].items() if key.startswith("sluice.dev/")}


def test_a_traffic_policy_counts_as_long_as_it_is_there(market):
    assert not injected(market)
    market.apply(policy("web", "web"))
    market.wait_for(lambda: injected(market) == {POLICY: "web"}, timeout=5)
    market.patch(POLICIES, "web", {"spec": {"selector": {"matchLabels": {"app": "other"}}}}, kind="merge")
    market.wait_for(lambda: not injected(market), timeout=5)
    assert injected(market, "other") == {POLICY: "web"}
    market.delete(POLICIES, "web")
    market.wait_for(lambda: not injected(market, "other"), timeout=5)


def test_a_rollout_labels_the_pods_of_its_workload_without_a_policy(market):
    market.apply(rollouts.rollout("StatefulSet", "db", rollouts.batches(1, 2)))
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "1", "controller": True}

    def labels():
        made = market.create("pods", pod("db-0", ownerReferences=[owner]), dry_run=True)
        return {key: value for key, value in made["metadata"]["labels"].items() if key.startswith("sluice.dev/")}

    market.wait_for(lambda: labels() == {ROLLOUT: "db"}, timeout=5)


def test_of_a_name_in_both_sources_the_files_policy_counts(market):
    file = market.policies / f"{market.name}-web.json"
    made = policy("web", "web", sleep=9)
    made["metadata"]["namespace"] = market.name
    market.apply(policy("web", "web", sleep=3))

    def sleep():
        containers = market.create("pods", pod("web"), dry_run=True)["spec"]["containers"]
        return containers[0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds")

    market.wait_for(lambda: sleep() == 3, timeout=5)
    hidden = market.policies / f".{market.name}-web"
    hidden.write_text(json.dumps(made))
    hidden.rename(file)
    market.wait_for(lambda: sleep() == 9, timeout=5)
    file.unlink()
    market.wait_for(lambda: sleep() == 3, timeout=5)


def mark(namespace, name, seconds):
    """Marks a ReplicaSet for a hand-over; the time until which its pods are refused."""
    until = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=seconds)
    text = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    namespace.patch("replicasets", name, {"metadata": {"annotations": {HANDOVER: text}}})
    return until.timestamp(), text


def refusal(namespace, owner):
    """What the API server says of a pod that the ReplicaSet would create; None: it takes it."""
    try:
        namespace.create("pods", pod("probe", ownerReferences=[owner_reference(owner)]), dry_run=True)
    except ApiError as error:
        return error
    return None


def test_a_marked_replicaset_gets_no_pod_until_the_time_has_passed(market):
    market.apply(replicaset("web", 0))
    owner = market.get("replicasets", "web")
    assert refusal(market, owner) is None
    until, text = mark(market, "web", AHEAD)
    error = market.wait_for(lambda: refusal(market, owner), timeout=2)
    assert (error.code, error.reason) == (403, "Forbidden")
    assert f"pods of ReplicaSet web are refused until {text}: its Deployment is being handed over" in error.message
    market.patch("replicasets", "web", {"spec": {"replicas": 1}})
    while time.time() < until - 0.2:
        assert not market.pods("web")
        time.sleep(0.1)
    events = market.kubectl("get", "events", "--field-selector=reason=FailedCreate")
    assert "are refused until" in events
    market.wait_for(lambda: market.pods("web"))
    assert time.time() >= until


def test_a_mark_that_is_taken_off_refuses_nothing(market):
    market.apply(replicaset("web", 0))
    owner = market.get("replicasets", "web")
    mark(market, "web", 60)
    market.wait_for(lambda: refusal(market, owner), timeout=2)
    market.patch("replicasets", "web", {"metadata": {"annotations": {HANDOVER: None}}})
    market.wait_for(lambda: refusal(market, owner) is None, timeout=2)
