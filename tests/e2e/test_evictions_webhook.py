"""Evictions as the webhook answers them. No reconciler is at work, so that no pod leaves traffic by itself."""

import datetime
import json
import time

import conftest
import pytest
from devcluster.errors import ApiError
from devcluster.objects import condition, is_true
from test_webhook_cluster import POLICIES, POLICY
from workloads import budget, deployment, pod, pod_spec

DRAIN = "sluice.dev/drain"
GATE = "sluice.dev/traffic-ready"
TIMEOUT = 6  # seconds, of the policy
HOLDS = 300
DRAIN_TIMEOUT = f"--timeout={10 * TIMEOUT}s"


@pytest.fixture
def market(cluster, policies):
    """A managed namespace of a test's own."""
    with conftest.managed_namespace(cluster, policies) as made:
        yield made


def policy(name="web", timeout=TIMEOUT, **spec):
    return {"apiVersion": POLICIES.api_version, "kind": POLICIES.kind, "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "readinessGate": False, "preStop": {"sleepSeconds": 0},
                     "drain": {"propagationSeconds": 1, "waitSeconds": 1, "timeoutSeconds": timeout}, **spec}}


def serve(market, node, count=1, **spec):
    """A Deployment on one node, whose pods a policy has and the webhook knows; its pods."""
    market.apply(policy(**spec))
    labelled = pod("probe", labels={"app": "web"})
    market.wait_for(lambda: POLICY in market.create("pods", labelled, dry_run=True)["metadata"]["labels"])
    market.apply(deployment("web", count, pods=pod_spec(nodeName=node)))
    return market.wait_ready("web", count)


def evict(market, name, dry_run=False, **delete_options):
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    if delete_options:
        eviction["deleteOptions"] = delete_options
    return market.create("pods", eviction, name=name, subresource="eviction", dry_run=dry_run)


def refusal(market, name, **options):
    """The Status that refuses an eviction; None: it was allowed."""
    try:
        evict(market, name, **options)
    except ApiError as error:
        return error.status
    return None


def told_to_wait(market, name):
    """What the webhook says of an eviction that it does not allow.

    The API server would refuse it all the same: a webhook that has not seen the pod yet costs nothing.
    """
    def waits():
        status = refusal(market, name, preconditions={"resourceVersion": "1"})
        return status["code"] == 429 and status

    return market.wait_for(waits, timeout=5)


def mark(market, name):
    """The annotation that asks for the pod's drain, or None."""
    text = (market.get("pods", name)["metadata"].get("annotations") or {}).get(DRAIN)
    return json.loads(text) if text else None


def told_until_marked(market, name):
    """The annotation, once an eviction wrote it: of a pod that changes meanwhile the next one does."""
    return market.wait_for(lambda: told_to_wait(market, name) and mark(market, name), timeout=5)


def seconds_left(mark):
    """Of a drain that has not begun: its beginning is the reconciler's to write, and there is none."""
    assert "since" not in mark
    left = datetime.datetime.fromisoformat(mark["deadline"]) - datetime.datetime.now(datetime.timezone.utc)
    return left.total_seconds()


def say(market, name, reason, status="False"):
    """Plays the reconciler, which has brought the pod's traffic so far."""
    market.patch("pods", name, {"status": {"conditions": [
        {"type": GATE, "status": status, "reason": reason}]}}, subresource="status")


def name_of(found):
    return found["metadata"]["name"]


def is_going(market, name):
    found = market.find("pods", name)
    return not found or "deletionTimestamp" in found["metadata"]


def test_an_eviction_is_told_to_come_again_and_the_pod_is_marked_once(market, nodes):
    name = name_of(serve(market, nodes[0])[0])
    status = told_to_wait(market, name)
    assert (status["code"], status["reason"]) == (429, "TooManyRequests")
    assert status["details"]["retryAfterSeconds"] == 2
    assert f"pod {market.name}/{name} is being taken out of traffic (policy web): 0 s so far, 6 s at most; " \
           "it may be evicted then" in status["message"]
    found = market.wait_for(lambda: mark(market, name), timeout=2)
    assert found["op"] == "evict" and found["id"]
    assert 0 < seconds_left(found) <= TIMEOUT
    assert "sluice" in [entry["manager"] for entry in market.get("pods", name)["metadata"]["managedFields"]]
    told_to_wait(market, name)
    market.stays(lambda: mark(market, name) == found)
    assert not is_going(market, name)


def test_a_drained_pod_goes_at_once(market, nodes):
    name = name_of(serve(market, nodes[0], timeout=HOLDS)[0])
    told_to_wait(market, name)
    market.wait_for(lambda: mark(market, name), timeout=2)
    say(market, name, "Draining")
    assert told_to_wait(market, name)["code"] == 429
    say(market, name, "Drained")
    market.wait_for(lambda: refusal(market, name) is None, timeout=2)
    assert is_going(market, name)


def test_a_drain_of_the_node_ends_when_the_deadline_passes(market, nodes):
    """With no reconciler alive."""
    before = serve(market, nodes[0], count=3)
    began = time.monotonic()
    said = market.kubectl("drain", nodes[0], "--pod-selector=app=web", DRAIN_TIMEOUT)
    took = time.monotonic() - began
    assert TIMEOUT <= took < 4 * TIMEOUT, said
    assert "the deadline of its drain has passed" in said  # nothing is cut without a word
    assert all(is_going(market, name_of(one)) for one in before)


def test_a_policy_that_holds_keeps_the_pod_beyond_its_deadline(market, nodes):
    drain = {"propagationSeconds": 0, "waitSeconds": 0, "timeoutSeconds": 1, "onTimeout": "Hold"}
    name = name_of(serve(market, nodes[0], drain=drain)[0])
    told_to_wait(market, name)
    market.wait_for(lambda: "onTimeout: Hold" in refusal(market, name)["message"], timeout=10)
    assert not is_going(market, name)
    say(market, name, "Drained")
    market.wait_for(lambda: refusal(market, name) is None, timeout=2)


@pytest.mark.parametrize("options", [{"dry_run": True}, {"dryRun": ["All"]}], ids=["of the request", "of the body"])
def test_a_dry_run_has_no_side_effect(market, nodes, options):
    name = name_of(serve(market, nodes[0])[0])
    version = market.get("pods", name)["metadata"]["resourceVersion"]
    assert refusal(market, name, **options) is None
    market.stays(lambda: not is_going(market, name) and not mark(market, name), seconds=1)
    assert market.get("pods", name)["metadata"]["resourceVersion"] == version


def test_a_pod_that_no_policy_has_is_evicted_at_once(market, nodes):
    serve(market, nodes[0])
    market.apply(deployment("other", 1, pods=pod_spec(nodeName=nodes[0])))
    name = name_of(market.wait_ready("other", 1)[0])
    assert refusal(market, name) is None
    assert is_going(market, name)


def test_a_policy_that_is_gone_or_allows_evictions_keeps_nobody(market, nodes):
    first, second = map(name_of, serve(market, nodes[0], count=2, timeout=HOLDS))
    told_to_wait(market, first)
    market.patch(POLICIES, "web", {"spec": {"evictions": "Allow"}}, kind="merge")
    market.wait_for(lambda: refusal(market, first) is None, timeout=5)
    market.patch(POLICIES, "web", {"spec": {"evictions": "Drain"}}, kind="merge")
    told_to_wait(market, second)
    market.delete(POLICIES, "web")
    market.wait_for(lambda: refusal(market, second) is None, timeout=5)


def test_the_budget_is_asked_once_the_pod_is_out_of_traffic(market, nodes):
    """By the API server, as ever."""
    name = name_of(serve(market, nodes[0], timeout=HOLDS)[0])
    market.apply(budget("web", minAvailable=1))
    market.wait_for(lambda: is_settled(market.get("poddisruptionbudgets", "web")))
    assert "out of traffic" in told_to_wait(market, name)["message"]
    say(market, name, "Drained")
    status = market.wait_for(lambda: of_budget(refusal(market, name)), timeout=2)
    assert status["code"] == 429
    assert not is_going(market, name)


def is_settled(found):
    status = found.get("status") or {}
    return status.get("observedGeneration") == found["metadata"]["generation"] and status.get("currentHealthy") == 1 \
        and condition(found, "DisruptionAllowed")


def of_budget(status):
    causes = status["details"].get("causes") or [{}]
    return causes[0].get("reason") == "DisruptionBudget" and status


def test_a_drain_that_somebody_else_asked_for_stays_theirs(market, nodes):
    name = name_of(serve(market, nodes[0], timeout=HOLDS)[0])
    theirs = {"op": "repair", "id": "disk-7"}
    market.patch("pods", name, {"metadata": {"annotations": {DRAIN: json.dumps(theirs)}}})
    market.wait_for(lambda: "asked for by another controller" in told_to_wait(market, name)["message"], timeout=5)
    market.stays(lambda: mark(market, name) == theirs, seconds=1)


def test_a_pod_made_anew_under_its_name_begins_anew(market, nodes):
    market.apply(policy(timeout=2))
    labels = {"app": "web"}
    probe = pod("probe", labels=labels)
    market.wait_for(lambda: POLICY in market.create("pods", probe, dry_run=True)["metadata"]["labels"])
    first = made_ready(market, pod("web-0", pod_spec(nodeName=nodes[0]), labels=labels))
    begun = told_until_marked(market, "web-0")
    market.kubectl("delete", "pod", "web-0", "--grace-period=0", "--force")
    second = made_ready(market, pod("web-0", pod_spec(nodeName=nodes[0]), labels=labels))
    assert first != second
    assert "0 s so far" in told_to_wait(market, "web-0")["message"]
    assert told_until_marked(market, "web-0")["deadline"] > begun["deadline"]
    # the API server's own precondition: the webhook does not know the pod that was
    assert refusal(market, "web-0", preconditions={"uid": first})["code"] == 409


def made_ready(market, manifest):
    """The uid of a pod that was just created and is Ready."""
    uid = market.create("pods", manifest)["metadata"]["uid"]
    market.wait_for(lambda: is_true(market.get("pods", name_of(manifest)), "Ready"))
    return uid
