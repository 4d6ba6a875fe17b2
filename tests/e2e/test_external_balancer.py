"""The example of a balancer with a controller of its own: what manifests/samples/external-balancer does with pods."""

import json
import pathlib
import re
import subprocess
import sys
import time

import pytest
import yaml
from edge import DRAIN, apply_policy, finalizers, state
from kube import PATIENCE
from workloads import deployment, uids

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "manifests" / "samples" / "external-balancer"
FINALIZER = "slb.sluice.dev/slb"
SLB = {"name": "slb", "external": {}}
WAIT = 1  # seconds that the controller leaves a pod at weight 0
ASKED = {"metadata": {"annotations": {DRAIN: json.dumps({"op": "move", "id": "1"})}}}
NOT_ASKED = {"metadata": {"annotations": {DRAIN: None}}}


class External:
    """The controller as a process beside `kubectl proxy`, and the file that it writes."""

    def __init__(self, namespace, directory):
        self._namespace = namespace
        self._backends = directory / "backends"
        self._backends.touch()
        self._log = directory / "controller.log"
        self._proxy = subprocess.Popen(namespace.cluster.command("proxy", "--port=0"), stdout=subprocess.PIPE,
                                       text=True)
        self._url = "http://" + re.search(r"127\.0\.0\.1:\d+", self._proxy.stdout.readline()).group()
        self._process = None

    def start(self):
        with open(self._log, "ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", SAMPLE / "controller.py", f"--api={self._url}",
                 f"--namespace={self._namespace.name}", "--policy=web", "--name=slb", f"--wait={WAIT}",
                 f"--backends={self._backends}"], stdout=output, stderr=output)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        self.kill()
        self._proxy.terminate()
        self._proxy.wait()
        self._proxy.stdout.close()

    def weights(self):
        """{pod: weight} of what is mounted."""
        lines = [line.split() for line in self._backends.read_text().splitlines()]
        return {name: int(weight) for _, weight, name in lines}

    def addresses(self):
        return {line.split()[0] for line in self._backends.read_text().splitlines()}


@pytest.fixture
def external(shop, tmp_path):
    made = External(shop, tmp_path)
    made.start()
    yield made
    made.stop()


def name_of(pod):
    return pod["metadata"]["name"]


def come_up(shop, external, count=2):
    apply_policy(shop, "web", SLB)
    shop.apply(deployment("web", count))
    pods = shop.wait_ready("web", count)
    shop.wait_for(lambda: external.weights() == {name_of(pod): 100 for pod in pods})
    return pods


def left_in_order(shop, external, name, is_gone):
    """Follows a pod until it is gone, as the caller has it: it was at weight 0 before it was unmounted, and unmounted
    before its finalizer was off."""
    weights = []
    deadline = time.monotonic() + PATIENCE
    gone = False
    while not gone:
        assert time.monotonic() < deadline, weights
        pod = shop.find("pods", name)
        weight = external.weights().get(name)  # read after the pod: who has no finalizer has to be out here
        assert weight is None or (pod and finalizers(pod))
        if weights[-1:] != [weight]:
            weights.append(weight)
        gone = is_gone(pod)
        time.sleep(0.05)
    assert weights in ([100, 0, None], [0, None])


def test_the_condition_is_true_first_and_the_controller_follows(shop, external):
    pods = come_up(shop, external)
    assert external.addresses() == {f"{pod['status']['podIP']}:8080" for pod in pods}
    for pod in shop.pods("web"):
        assert state(pod) == "InService" and finalizers(pod) == [FINALIZER]


def test_a_pod_leaves_it_before_it_is_drained_and_comes_back(shop, external):
    first, second = come_up(shop, external)
    shop.patch("pods", name_of(first), ASKED)
    left_in_order(shop, external, name_of(first), lambda pod: state(pod) == "Drained")
    assert external.weights() == {name_of(second): 100}
    shop.patch("pods", name_of(first), NOT_ASKED)
    shop.wait_for(lambda: external.weights() == {name_of(first): 100, name_of(second): 100})
    assert state(shop.get("pods", name_of(first))) == "InService"


def test_a_deleted_pod_stays_until_the_controller_lets_it_go(shop, external):
    first, second = come_up(shop, external)
    shop.delete("pods", name_of(first))
    left_in_order(shop, external, name_of(first), lambda pod: pod is None)
    after = shop.wait_ready("web", 2)
    assert uids([second]) < uids(after)
    shop.wait_for(lambda: external.weights() == {name_of(pod): 100 for pod in after})


def test_a_drain_waits_while_the_controller_is_away(shop, external):
    first, _ = come_up(shop, external)
    external.kill()
    shop.patch("pods", name_of(first), ASKED)
    shop.wait_for(lambda: state(shop.get("pods", name_of(first))) == "Draining")
    shop.stays(lambda: state(shop.get("pods", name_of(first))) == "Draining", 4)
    assert finalizers(shop.get("pods", name_of(first))) == [FINALIZER]
    external.start()
    shop.wait_for(lambda: state(shop.get("pods", name_of(first))) == "Drained")


def test_its_deployment_has_the_rights_and_the_arguments_that_it_needs(cluster):
    built = {one["kind"]: one for one in yaml.safe_load_all(cluster.kubectl("kustomize", SAMPLE))}
    container, = built["Deployment"]["spec"]["template"]["spec"]["containers"]
    balancer, = built["TrafficPolicy"]["spec"]["loadBalancers"]
    arguments = dict(zip(container["args"][::2], container["args"][1::2]))
    assert arguments["--name"] == balancer["name"]
    assert arguments["--policy"] == built["TrafficPolicy"]["metadata"]["name"]
    assert {"get", "list", "watch", "patch"} == set(built["Role"]["rules"][0]["verbs"])
    assert list(built["ConfigMap"]["data"]) == ["controller.py"]
