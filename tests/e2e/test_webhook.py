"""The admission webhook registered with a cluster: what users of Sluice see of it."""

import contextlib
import json

import pytest
import sluice
from devcluster.errors import ApiError
from kube import Namespace
from workloads import IMAGE, daemonset, deployment, image_of, new_template, pod, pod_spec, statefulset, uids

SHOP = "shop"
GATE = "sluice.dev/traffic-ready"
HELD = "sluice.dev/held"
WRONG = {"apiVersion": "sluice.dev/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "wrong"},
         "spec": {"selector": {"matchLabels": {"sluice.dev/rollout": "x"}}}}


@pytest.fixture(scope="module")
def managed(cluster, policies):
    """The samples' namespace, managed, with their policies and rollouts. No reconciler is at work."""
    cluster.kubectl("apply", "-f", sluice.MANIFESTS / "samples" / "namespace.yaml")
    namespace = Namespace(cluster, SHOP)
    namespace.wait_for(lambda: namespace.find("serviceaccounts", "default"))
    namespace.kubectl("apply", "-f", sluice.MANIFESTS / "samples" / "policies")
    namespace.wait_for(lambda: is_called(namespace))
    yield namespace
    cluster.call("delete", "namespaces", SHOP)


def what_is_wrong(namespace):
    """What the API server says of a wrong policy."""
    path = f"/apis/sluice.dev/v1alpha1/namespaces/{SHOP}/trafficpolicies"
    try:
        namespace.cluster.call("request", "POST", path, WRONG, params={"dryRun": "All"})
    except ApiError as error:
        return error.message
    return ""


def is_called(namespace):
    """Whether the API server has noticed both configurations."""
    made = namespace.create("pods", pod("productpage"), dry_run=True)
    return what_is_wrong(namespace) and "readinessGates" in made["spec"]


@pytest.fixture
def shop(managed):
    """The same, emptied of workloads after each test."""
    yield managed
    managed.kubectl("delete", "deployments,statefulsets,daemonsets,replicasets,jobs", "--all")
    managed.wait_for(lambda: let_go(managed) or not managed.list("pods"))


def let_go(namespace):
    """Takes the finalizers off the pods, as the reconciler does, and deletes them without their long grace."""
    for one in namespace.list("pods"):
        with contextlib.suppress(ApiError):  # gone meanwhile, or changed: it is asked again
            namespace.patch("pods", one["metadata"]["name"], {"metadata": {"finalizers": None}}, kind="merge")
            namespace.delete("pods", one["metadata"]["name"], grace=0)


def come_up(namespace, name, count):
    """The pods of a workload, their gates set as the reconciler will."""
    pods = namespace.wait_for(lambda: len(namespace.pods(name)) == count and namespace.pods(name))
    for one in pods:
        namespace.set_condition(one, GATE, "True")
    return namespace.wait_ready(name, count)


# app -> finalizers, seconds of preStop, grace period as injected
INJECTED = {
    "productpage": (["slb.sluice.dev/edge"], 5, 10),
    "ratings": ([], 10, 15),
}


@pytest.mark.parametrize(("make", "name"), [(deployment, "productpage"), (statefulset, "ratings"),
                                            (daemonset, "productpage"), (daemonset, "agent")])
def test_pods_come_up_with_what_is_injected(shop, nodes, make, name):
    made = make(name) if make is daemonset else make(name, 3, **(
        {"podManagementPolicy": "Parallel"} if make is statefulset else {}))
    shop.apply(made)
    count = len(nodes) if make is daemonset else 3
    for one in come_up(shop, name, count):
        gates = [gate["conditionType"] for gate in one["spec"].get("readinessGates", ())]
        if name not in INJECTED:
            assert not gates and "finalizers" not in one["metadata"]
            continue
        finalizers, sleep, grace = INJECTED[name]
        assert gates == [GATE]
        assert one["metadata"].get("finalizers", []) == finalizers
        assert one["metadata"]["labels"]["sluice.dev/traffic-policy"] == name
        assert one["spec"]["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": sleep}}}
        assert one["spec"]["terminationGracePeriodSeconds"] == grace


# kind, name -> the field that holds it
HOLDS = {
    "deployments": (deployment, "productpage", ("paused",), True),
    "statefulsets": (statefulset, "ratings", ("updateStrategy", "rollingUpdate", "partition"), 1000000000),
    "daemonsets": (daemonset, "agent", ("updateStrategy", "type"), "OnDelete"),
}


@pytest.mark.parametrize("resource", HOLDS)
def test_a_template_change_is_held(shop, nodes, resource):
    make, name, path, value = HOLDS[resource]
    shop.apply(make(name, **({"podManagementPolicy": "Parallel"} if make is statefulset else {})))
    before = come_up(shop, name, len(nodes) if make is daemonset else 3)
    kind = resource.removesuffix("s")
    shop.kubectl("set", "image", f"{kind}/{name}", f"podinfo={IMAGE}2")
    held = shop.get(resource, name)
    field = held["spec"]
    for key in path:
        field = field[key]
    assert field == value
    assert json.loads(held["metadata"]["annotations"][HELD])
    shop.stays(lambda: uids(shop.pods(name)) == uids(before))
    assert {image_of(one) for one in shop.pods(name)} == {"1"}


def test_an_image_in_service_is_not_changed(shop):
    shop.apply(deployment("productpage", 1))
    one = come_up(shop, "productpage", 1)[0]
    shop.patch("pods", one["metadata"]["name"], {"status": {"conditions": [
        {"type": GATE, "status": "True", "reason": "InService"}]}}, subresource="status")
    refused = shop.kubectl("set", "image", f"pod/{one['metadata']['name']}", f"podinfo={IMAGE}2", status=1)
    assert 'admission webhook "pod-update.sluice.dev" denied the request: ' in refused


def test_a_wrong_policy_is_refused(shop):
    assert 'admission webhook "policy.sluice.dev" denied the request: ' in what_is_wrong(shop)
    printed = shop.kubectl("create", "-f", "-", status=1, stdin=WRONG)  # the causes, and nothing else
    assert printed.startswith('The TrafficPolicy "wrong" is invalid: spec.selector')


def test_jobs_are_left_alone(shop):
    spec = pod_spec(containers=[{"name": "a", "image": "registry.local/shell:1", "command": ["/bin/true"]}],
                    restartPolicy="Never")
    shop.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {
        "template": {"metadata": {"labels": {"app": "productpage"}}, "spec": spec}}})
    shop.kubectl("wait", "job/once", "--for=condition=Complete", "--timeout=60s")
    assert all("readinessGates" not in one["spec"] for one in shop.list("pods"))


def test_a_webhook_that_is_gone_stops_what_it_must(shop, cluster):
    """Its failurePolicies: new pods start without it, a new template waits for it. API servers take a moment."""
    def why_refused():
        try:
            shop.patch("deployments", "productpage", new_template("2"), dryRun="All")
        except ApiError as error:
            return error.message
        return ""

    resource = sluice.CONFIGURATIONS[0]
    configs = sluice.client_configs(cluster, resource)
    gone = {"service": {"name": "gone", "namespace": sluice.SYSTEM, "path": "/mutate"}}
    shop.apply(deployment("productpage"))
    come_up(shop, "productpage", 3)
    sluice.lead(cluster, resource, dict.fromkeys(configs, gone))
    try:
        shop.wait_for(lambda: 'service "gone" not found' in why_refused())
        refused = shop.kubectl("set", "image", "deployment/productpage", f"podinfo={IMAGE}2", status=1)
        assert 'failed calling webhook "workload-update.sluice.dev": failed to call webhook: ' in refused
        assert 'service "gone" not found' in refused
        shop.kubectl("scale", "deployment/productpage", "--replicas=4")
        shop.wait_for(lambda: len(shop.pods("productpage")) == 4)
    finally:
        sluice.lead(cluster, resource, configs)
    shop.wait_for(lambda: not why_refused())
    shop.patch("deployments", "productpage", new_template("2"))
    assert HELD in shop.get("deployments", "productpage")["metadata"]["annotations"]
