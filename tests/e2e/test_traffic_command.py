"""What people see of traffic: the status of a TrafficPolicy, and `sluice traffic`."""

import contextlib
import re
import subprocess

import edge
import kube
import pytest
import sluice
from workloads import deployment

DRAIN = {"metadata": {"annotations": {edge.DRAIN: '{"op":"resize","id":"1"}'}}}
BACK = {"metadata": {"annotations": {edge.DRAIN: None}}}


@pytest.fixture
def web(shop, proxy):
    """Two pods behind a load balancer."""
    edge.apply_policy(shop, "web", proxy.balancer())
    shop.apply(deployment("web", replicas=2))
    return shop.wait_ready("web", 2)


def command(namespace, *arguments):
    return [sluice.binary(), "traffic", "--kubeconfig", namespace.cluster.kubeconfig, "-n", namespace.name, *arguments]


def traffic(namespace, *arguments, status=0):
    done = subprocess.run(command(namespace, *arguments), text=True, capture_output=True, timeout=kube.PATIENCE,
                          check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout or done.stderr


def status_of(namespace):
    return namespace.get(edge.POLICIES, "web").get("status", {})


def settled(namespace, **counts):
    namespace.wait_for(lambda: counts.items() <= status_of(namespace).items())
    return status_of(namespace)


def conditions(status):
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def test_a_status_follows_pods_and_load_balancers(shop, proxy, web):
    status = settled(shop, pods=2, inService=2, joining=0, observedGeneration=1)
    assert status["loadBalancers"] == [{"name": "edge", "healthy": True, "message": "", "members": {
        "in": 2, "out": 0, "absent": 0, "unknown": 0}}]
    assert conditions(status) == {"BalancersHealthy": ("True", "AllAnswer"), "Ready": ("True", "Ready")}
    version = shop.get(edge.POLICIES, "web")["metadata"]["resourceVersion"]
    shop.stays(lambda: shop.get(edge.POLICIES, "web")["metadata"]["resourceVersion"] == version)

    shop.patch("pods", web[0]["metadata"]["name"], DRAIN)
    settled(shop, inService=1, drained=1)
    proxy.kill()
    shop.wait_for(lambda: conditions(status_of(shop))["Ready"] == ("False", "BalancerDown"))
    assert not status_of(shop)["loadBalancers"][0]["healthy"]
    assert re.search(r"web +2 .* False .* False", shop.kubectl("get", "trafficpolicies"))
    proxy.start()
    shop.wait_for(lambda: conditions(status_of(shop))["Ready"] == ("True", "Ready"))


def test_a_policy_and_a_pod_are_shown(shop, web):
    settled(shop, inService=2)
    name = web[0]["metadata"]["name"]
    assert re.search(r"\nweb +2 +0 +2 +0 +0 +0 +edge 2/2 +True ", traffic(shop))
    picture = traffic(shop, "web")
    assert "Pods:        2: 2 InService\nBalancers:   edge: 2 in\n" in picture
    assert re.search(rf"\n{name} +InService +\d+s +edge ", picture)
    assert "Waits for:   nothing\n" in traffic(shop, name)
    assert traffic(shop, "-o", "name") == "trafficpolicy.sluice.dev/web\n"
    assert traffic(shop, f"pod/{name}", "-o", "name") == f"pod/{name}\n"
    assert "neither a TrafficPolicy nor a pod" in traffic(shop, "nobody", status=2)


@contextlib.contextmanager
def lines(namespace, *arguments):
    with subprocess.Popen(["timeout", str(kube.PATIENCE), *command(namespace, *arguments, "-w")], text=True,
                          stdout=subprocess.PIPE) as watch:
        try:
            yield (line.split(" ", 1)[1].rstrip("\n") for line in watch.stdout)
        finally:
            watch.terminate()


def test_into_a_pipe_each_change_is_a_line(shop, web):
    settled(shop, inService=2)
    name = web[0]["metadata"]["name"]
    at = f"pod {shop.name}/{name}"
    with lines(shop, name) as said:
        assert next(said) == f"{at}: InService, balancers edge"
        shop.patch("pods", name, DRAIN)
        seen = []
        while not seen or not seen[-1].startswith(f"{at}: Drained, other 1"):
            seen.append(next(said))
        assert any(one.startswith(f"{at}: Draining, other 1, balancers edge") for one in seen)
        shop.patch("pods", name, BACK)
        while next(said) != f"{at}: InService, balancers edge":
            pass
