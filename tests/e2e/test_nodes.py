"""Nodes that fall silent, come back and go: an agent of the test's own plays one more node for it."""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest
from devcluster.cluster import build_podinfo
from devcluster.objects import condition, is_true
from devcluster.supervisor import take_network
from kube import PATIENCE
from test_pods import fetch
from workloads import container_id, daemonset, deployment, pod, pod_spec, uids

HACK = pathlib.Path(__file__).resolve().parents[2] / "hack"
SILENT = 2 * PATIENCE  # seconds in which a node that says nothing is noticed: 40 or 50, by default


class Agent:
    """Plays the node `name`."""

    def __init__(self, kubeconfig, directory, network):
        self.name = f"extra-{uuid.uuid4().hex[:6]}"
        self.directory = directory
        self._command = [sys.executable, "-B", "-m", "devcluster.node", f"--kubeconfig={kubeconfig}",
                         f"--directory={directory}", f"--nodes={self.name}", f"--pod-network={network}",
                         f"--podinfo={build_podinfo()}"]

    def start(self):
        with open(f"{self.directory}.log", "ab") as output:
            self._process = subprocess.Popen(self._command, env=os.environ | {"PYTHONPATH": str(HACK)},
                                             stdout=output, stderr=output)

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def agent(cluster, namespace, tmp_path):
    number, held = take_network()
    made = Agent(cluster.kubeconfig, tmp_path / "node", f"127.{number}.0.0/16")
    made.start()
    namespace.wait_for(lambda: namespace.find("nodes", made.name))
    namespace.wait_for(lambda: not cluster.call("get", "nodes", made.name)["spec"].get("taints"))
    yield made
    namespace.kubectl("delete", "deployments,daemonsets", "--all")
    namespace.kubectl("delete", "pods", "--all", "--grace-period=0", "--force")
    made.kill()
    namespace.kubectl("delete", "node", made.name, "--ignore-not-found")
    held.close()


def on(agent, **more):
    return pod_spec(nodeSelector={"kubernetes.io/hostname": agent.name}, **more)


def test_pods_go_on_under_an_agent_that_was_killed_and_is_back(namespace, agent):
    namespace.apply(deployment("web", 5, pods=on(agent)))
    before = namespace.wait_ready("web", 5)
    for _ in range(2):
        known = {one["metadata"]["name"]: container_id(one) for one in namespace.pods("web")}
        agent.kill()
        agent.start()
        namespace.wait_for(lambda: all(container_id(one) != known[one["metadata"]["name"]]
                                       for one in namespace.pods("web")))
        after = namespace.wait_ready("web", 5)
    assert uids(after) == uids(before)
    assert [one["status"]["podIP"] for one in after] == [one["status"]["podIP"] for one in before]
    for one in after:
        said = one["status"]["containerStatuses"][0]
        assert said["restartCount"] == 2 and said["lastState"]["terminated"]["exitCode"] == 255
        fetch(namespace, one["metadata"]["name"], "/")


def test_a_pod_deleted_while_its_agent_was_away_is_let_go(namespace, agent):
    namespace.create("pods", pod("web", on(agent)))
    namespace.wait_ready("web", 1)
    agent.kill()
    namespace.delete("pods", "web")
    namespace.stays(lambda: namespace.find("pods", "web"))
    agent.start()
    namespace.wait_for(lambda: not namespace.find("pods", "web"))


def test_a_daemonset_comes_to_a_new_node_and_leaves_with_it(namespace, agent, nodes):
    namespace.apply(daemonset("agent"))
    pods = namespace.wait_ready("agent", len(nodes))
    assert agent.name in {one["spec"]["nodeName"] for one in pods}
    agent.kill()
    namespace.kubectl("delete", "node", agent.name)
    namespace.wait_for(lambda: namespace.get("daemonsets", "agent")["status"]["desiredNumberScheduled"]
                       == len(nodes) - 1)


def test_the_pods_of_a_silent_node_are_replaced_elsewhere(namespace, agent, cluster):
    tolerations = [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute",
                    "tolerationSeconds": 1} for key in ("unreachable", "not-ready")]
    prefer = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}]}}}
    cordoned = [one["metadata"]["name"] for one in cluster.call("list", "nodes")[0]
                if one["metadata"]["name"] != agent.name]
    for name in cordoned:
        namespace.kubectl("cordon", name)
    try:
        namespace.apply(deployment("web", 2, pods=pod_spec(tolerations=tolerations, affinity=prefer)))
        lost = namespace.wait_ready("web", 2)
        assert {one["spec"]["nodeName"] for one in lost} == {agent.name}
    finally:
        for name in cordoned:
            namespace.kubectl("uncordon", name)
    agent.kill()
    namespace.wait_for(lambda: condition(cluster.call("get", "nodes", agent.name), "Ready")["status"] == "Unknown",
                       SILENT)
    namespace.wait_for(lambda: not any(is_true(one, "Ready") for one in namespace.list("pods")
                                       if one["metadata"]["uid"] in uids(lost)))  # that is said a moment later
    new = namespace.wait_ready("web", 2)
    assert not uids(new) & uids(lost)
    left = [one for one in namespace.list("pods") if one["spec"]["nodeName"] == agent.name]
    assert all("deletionTimestamp" in one["metadata"] and not is_true(one, "Ready") for one in left) and len(left) == 2
    assert {condition(one, "DisruptionTarget")["reason"] for one in left} == {"DeletionByTaintManager"}
    agent.start()
    namespace.wait_for(lambda: len(namespace.list("pods")) == 2)
    namespace.wait_for(lambda: not cluster.call("get", "nodes", agent.name)["spec"].get("taints"))


def fill(directory):
    """Makes files until there is no room for another."""
    directory.mkdir()
    with pytest.raises(OSError):
        for number in itertools.count():
            (directory / str(number)).touch()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_delays_pods_and_loses_none(namespace, agent):
    agent.kill()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=100", "tmpfs", agent.directory], check=True)
    try:
        agent.start()
        namespace.wait_for((agent.directory / "pods").exists)
        fill(agent.directory / "filler")
        namespace.apply(deployment("web", 3, pods=on(agent)))
        namespace.wait_for(lambda: sum(bool(one["spec"].get("nodeName")) for one in namespace.pods("web")) == 3)
        namespace.stays(lambda: all(one["status"]["phase"] == "Pending" for one in namespace.pods("web")))
        before = uids(namespace.pods("web"))
        shutil.rmtree(agent.directory / "filler")
        assert uids(namespace.wait_ready("web", 3)) == before
    finally:
        subprocess.run(["umount", "--lazy", agent.directory], check=True)
