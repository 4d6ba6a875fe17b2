"""Sluice comes off a cluster: in order, or by force when it is gone already. Nothing sticks, and everything serves."""

import contextlib
import os
import re
import subprocess

import devcluster.cluster
import edge
import hooks
import kube
import pytest
import rollouts
import sluice
from devcluster.objects import condition, is_true
from rollouts import Rolled, batches, confirmed
from workloads import deployment, statefulset

LEASE = {"leaseDuration": "3s", "renewDeadline": "2s", "retryPeriod": "500ms"}
CLEAN = "nothing of Sluice is left on workloads, Rollouts and pods\n"
UNREACHABLE = {"name": "edge", "haproxy": {"address": "tcp://127.0.0.1:1", "backend": "be", "port": 8080}}


class House:
    """A cluster of a test's own with both roles at work, which may lose all of it."""

    def __init__(self, cluster, directory, stack):
        self.cluster = cluster
        self.stack = stack
        policies = directory / "policies"
        for made in policies, directory / "webhook":
            made.mkdir()
        self.webhook = stack.enter_context(contextlib.ExitStack())
        self.webhook.enter_context(sluice.registered(cluster, directory / "webhook", policies))
        account = sluice.account_kubeconfig(cluster, directory / "kubeconfig")
        self.reconciler = sluice.Reconciler(directory / "reconciler", account, "--leader-elect", leaderElection=LEASE)
        stack.callback(self.reconciler.stop)
        self.reconciler.start()
        cluster.call("create", "namespaces", {"metadata": {"name": "shop", "labels": rollouts.MANAGED}})
        self.shop = rollouts.Shop(cluster, "shop")
        self.shop.policies = policies
        self.shop.wait_for(lambda: self.shop.find("serviceaccounts", "default"))

    def uninstall(self, *arguments, status=0):
        """What it printed, and what it complained of."""
        done = self._uninstall(*arguments)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout, done.stderr

    def _uninstall(self, *arguments):
        return subprocess.run([sluice.binary(), "uninstall", "--kubeconfig", self.cluster.kubeconfig, *arguments],
                              text=True, capture_output=True, timeout=kube.PATIENCE, check=False)

    def lease_runs_out(self):
        """That of a reconciler that was killed."""
        self.shop.wait_for(lambda: "holds the Lease" not in self._uninstall("--dry-run").stderr)

    def labelled(self):
        return self.cluster.call("list", "pods", labels=edge.LABEL)[0]

    def vanishes(self):
        """That all there was can be deleted, and is gone then."""
        self.cluster.kubectl("delete", "-f", sluice.MANIFESTS / "crds", "--timeout=30s")
        self.cluster.kubectl("delete", "namespace", "shop", "--timeout=30s")
        assert not self.cluster.call("list", "pods")[0]
        left = self.cluster.kubectl("get", "crd,namespace,mutatingwebhookconfiguration,validatingwebhookconfiguration",
                                    "-o", "name")
        assert not re.search("sluice|shop", left)


@pytest.fixture
def house(tmp_path):
    if os.environ.get("KUBECONFIG"):
        pytest.skip("takes the CustomResourceDefinitions of the cluster with it")
    started = devcluster.cluster.Cluster(tmp_path / "cluster")
    started.up(2, owner=os.getpid())
    cluster = kube.Cluster(started.kubeconfig)
    try:
        with contextlib.ExitStack() as stack:
            yield House(cluster, tmp_path, stack)
    finally:
        cluster.close()
        started.down()


def gates(pods):
    return {(condition(pod, edge.READY) or {}).get("status") for pod in pods}


def test_in_order_the_reconciler_leaves_nothing_to_do(house, proxy):
    shop = house.shop
    shop.apply(edge.policy("web", proxy.balancer()))
    web = Rolled(shop, "Deployment").apply().come_up().plan(batches(1, "100%"))
    assert len(house.labelled()) == 3
    web.push("2")
    pods = web.wait_healthy("2")
    assert gates(pods) == {"True"} and proxy.serves() == edge.addresses(pods)

    house.cluster.kubectl("label", "namespace", "shop", "sluice.dev/managed-")
    said = house.uninstall("-n", "shop", status=1)[1]
    assert "goes on with 1 trafficpolicies" in said and "goes on with 1 rollouts" in said

    house.cluster.kubectl("delete", "rollouts.sluice.dev,trafficpolicies.sluice.dev", "--all", "-A", "--timeout=30s")
    shop.wait_for(lambda: not house.labelled())
    shop.wait_for(lambda: not proxy.servers())
    said, complaints = house.uninstall("-n", "shop")  # labels that say which Rollout a pod came by
    assert re.sub(r"Pod .*: (label sluice.dev/(rollout|batch) removed(, )?)+\n", "", said) == CLEAN
    assert not complaints
    said = house.uninstall(status=1)[1]
    assert "kubectl delete mutatingwebhookconfiguration sluice-webhook" in said
    assert "holds the Lease sluice-reconciler" in said

    house.reconciler.stop()  # which gives the Lease up
    house.webhook.close()
    assert house.uninstall() == (CLEAN, "")
    assert {pod["metadata"]["uid"] for pod in web.pods()} == {pod["metadata"]["uid"] for pod in pods}
    shop.wait_ready("web", 3)
    house.vanishes()


def test_by_force_all_that_was_left_half_way_comes_off(house):
    """A run that waits, pods that never joined since their HAProxy is away, one of them being deleted."""
    shop = house.shop
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(confirmed(1, "100%"))
    web.push("2")
    web.wait("WaitingForConfirmation", 0)
    edge.apply_policy(shop, "stuck", UNREACHABLE)
    shop.apply(deployment("stuck", replicas=3))
    shop.wait_for(lambda: len(house.labelled()) == 3 and all(
        is_true(pod, "ContainersReady") and pod["metadata"].get("finalizers") for pod in house.labelled()))
    assert not any(is_true(pod, "Ready") for pod in house.labelled())
    house.reconciler.kill()
    assert "still installed" in house.uninstall(status=1)[1]
    house.webhook.close()
    house.lease_runs_out()
    going = shop.pods("stuck")[0]["metadata"]["name"]
    shop.kubectl("delete", "pod", going, "--wait=false")

    planned, _ = house.uninstall("--dry-run")
    assert "StatefulSet shop/web: updateStrategy restored" in planned
    assert "Rollout shop/web: finalizer removed (dry run)" in planned
    assert planned.count(": gate set True, finalizer slb.sluice.dev/edge removed") >= 2
    assert f"Pod shop/{going}: finalizer slb.sluice.dev/edge removed" in planned
    assert web.is_held()

    with subprocess.Popen([sluice.binary(), "uninstall", "--kubeconfig", house.cluster.kubeconfig],
                          stdout=subprocess.PIPE, text=True) as cut:
        assert cut.stdout.readline().startswith("StatefulSet shop/web: updateStrategy restored")
        cut.kill()
    said, complaints = house.uninstall()
    assert said.endswith(CLEAN) and not complaints
    assert house.uninstall() == (CLEAN, "")

    pods = shop.wait_ready("stuck", 3)
    assert "True" in gates(pods)
    assert not any(mark.startswith("sluice.dev/") for pod in pods for mark in pod["metadata"]["labels"])
    shop.wait_for(lambda: not shop.find("pods", going))
    web.is_restored()
    shop.wait_for(lambda: web.versions() == {"2": 3})  # as its own strategy says
    shop.wait_ready("web", 3)
    house.vanishes()


def test_it_says_which_pods_a_load_balancer_may_still_have(house):
    shop = house.shop
    shop.apply(edge.policy("stuck", UNREACHABLE), deployment("stuck", replicas=1))
    pod = shop.wait_for(house.labelled)[0]["metadata"]["name"]
    shop.wait_for(lambda: shop.get("pods", pod)["metadata"].get("finalizers"))
    house.reconciler.kill()
    said, complaints = house.uninstall("--force", "--dry-run")
    assert not complaints
    assert f"load balancer edge of TrafficPolicy shop/stuck may still have 1 pod: {pod}\n" in said
    assert "HAProxy at tcp://127.0.0.1:1: 'set server be/shop:stuck:POD state maint'" in said


def test_one_namespace_is_left_by_its_label(shop):
    """Others of the cluster go on: the webhook is still registered, and a reconciler runs."""
    command = [sluice.binary(), "uninstall", "--kubeconfig", shop.cluster.kubeconfig, "-n", shop.name]
    refused = subprocess.run(command, text=True, capture_output=True, check=False)
    assert refused.returncode == 1
    assert f"kubectl label namespace {shop.name} sluice.dev/managed-" in refused.stderr
    shop.cluster.kubectl("label", "namespace", shop.name, "sluice.dev/managed-")
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, CLEAN, "")


def test_what_may_not_be_changed_is_said(namespace, tmp_path):
    """The rest is cleaned all the same, and the next time finds it."""
    namespace.apply(statefulset("web", replicas=2))
    namespace.wait_ready("web", 2)
    namespace.kubectl("label", "pods", "web-0", "web-1", "sluice.dev/batch=1")
    command = [sluice.binary(), "uninstall", "--kubeconfig", namespace.cluster.kubeconfig, "-n", namespace.name]
    hook = hooks.Hook(tmp_path)
    with hooks.registered(namespace, "validating", hook, "UPDATE :pods"):
        hook.answer = lambda request: hooks.deny(403, "not today", reason="Forbidden") if (
            request["name"] == "web-0") else hooks.allow(request)
        namespace.wait_for(lambda: namespace.kubectl("label", "pod", "web-1", "x=y", "--overwrite") and hook.requests)
        done = subprocess.run(command, text=True, capture_output=True, check=False)
    hook.close()
    assert done.returncode == 1
    assert re.search(rf"uninstall: Pod {namespace.name}/web-0: .*not today\n", done.stderr)
    assert done.stderr.endswith("uninstall: 1 object was not cleaned: see above, and run it again\n")
    assert done.stdout == f"Pod {namespace.name}/web-1: label sluice.dev/batch removed\n"
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Pod {namespace.name}/web-0: label sluice.dev/batch removed\n{CLEAN}"
