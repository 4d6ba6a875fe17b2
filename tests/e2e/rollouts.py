"""A workload under a Rollout: what users do to it, and what they see of it."""

import contextlib
import json
import subprocess

from devcluster.errors import ApiError
from devcluster.resources import Resource
from kube import Namespace
from workloads import IMAGE, daemonset, deployment, image_of, new_template, pod_spec, statefulset, uids

ROLLOUTS = Resource("sluice.dev", "v1alpha1", "rollouts", "Rollout")
HELD = "sluice.dev/held"
MANAGED = {"sluice.dev/managed": "true"}
MAKE = {"Deployment": deployment, "StatefulSet": statefulset, "DaemonSet": daemonset}
WATCHED = 120  # seconds that states are watched for: a hang guard
STATE = ".status.rollingState", ".status.batchRollingState", ".status.currentBatch"


def batches(*replicas, **plan):
    """A rolloutPlan with these batches. All of a batch at once: it is quick, and tests of the budget say otherwise."""
    return {"rolloutBatches": [one if isinstance(one, dict) else {"replicas": one} for one in replicas],
            "maxUnavailable": "100%", **plan}


def confirmed(*replicas, **plan):
    """Batches that each wait for somebody's go."""
    return batches(*replicas, needWaitingForConfirm=True, **plan)


def rollout(kind, name, plan, **spec):
    return {"apiVersion": ROLLOUTS.api_version, "kind": ROLLOUTS.kind, "metadata": {"name": name},
            "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": kind, "name": name},
                     "rolloutPlan": plan, **spec}}


class Shop(Namespace):
    """A namespace with Rollouts."""

    policies = None  # a directory of the webhook's that is asked about it, besides the API


class Rolled:
    """A workload of one kind and the Rollout of the same name."""

    def __init__(self, namespace, kind, name="web", count=3):
        self.namespace = namespace
        self.kind = kind
        self.name = name
        self.count = count
        self.resource = kind.lower() + "s"
        self.before = None

    # --- what users do ---

    def manifest(self, version="1", **spec):
        pods = spec.pop("pods", None) or pod_spec(version)
        if self.kind != "DaemonSet":
            spec["replicas"] = self.count
        if self.kind == "StatefulSet":
            spec["podManagementPolicy"] = "Parallel"
        return MAKE[self.kind](self.name, pods=pods, **spec)

    def apply(self, **spec):
        self.namespace.apply(self.manifest(**spec))
        return self

    def plan(self, plan, **spec):
        """Creates the Rollout, and waits until all who have to do with it know it."""
        self.namespace.apply(rollout(self.kind, self.name, plan, **spec))
        self.namespace.wait_for(lambda: self.status().get("phase"))
        self.namespace.wait_for(self.would_be_held)
        return self

    def come_up(self):
        """Waits until its pods are ready: what they were before a run."""
        self.before = self.namespace.wait_ready(self.name, self.count) if self.count else []
        return self

    def push(self, version):
        self.namespace.kubectl("set", "image", f"{self.kind.lower()}/{self.name}", f"podinfo={IMAGE}{version}")

    def change(self, **spec):
        """Changes fields of the Rollout's spec."""
        self.namespace.patch(ROLLOUTS, self.name, {"spec": spec}, kind="merge")

    def confirm(self, batch, run=None):
        self.change(confirm={"run": run or self.run(), "batch": batch})

    def order(self, what):
        self.change(command={"run": self.run(), "do": what})

    # --- what they see ---

    def get(self):
        return self.namespace.get(self.resource, self.name)

    def would_be_held(self):
        """Whether the webhook holds a new template; yes where it is not asked."""
        if not self.namespace.policies:
            return True
        held = self.namespace.patch(self.resource, self.name, new_template("other"), dryRun="All")
        return HELD in held["metadata"].get("annotations", {})

    def status(self):
        return self.namespace.get(ROLLOUTS, self.name).get("status", {})

    def run(self):
        return self.status()["run"]["id"]

    def pods(self):
        return self.namespace.pods(self.name)

    def versions(self):
        """How many pods have which image."""
        found = [image_of(pod) for pod in self.pods()]
        return {version: found.count(version) for version in found}

    def is_held(self):
        return HELD in self.get()["metadata"].get("annotations", {})

    # --- what tests wait for ---

    def wait(self, phase, batch=None, **status):
        """Waits for a phase, in a batch where one is given; the status then."""
        expected = {"phase": phase, **({} if batch is None else {"currentBatch": batch}), **status}

        def reached():
            found = self.status()
            return expected.items() <= found.items() and found

        try:
            return self.namespace.wait_for(reached)
        except AssertionError as error:
            raise AssertionError(f"not {expected}: {json.dumps(self.status(), indent=1)}\n{error}") from None

    def wait_healthy(self, version):
        """Waits until a run to that version has ended well and left nothing behind; the pods."""
        self.namespace.wait_for(lambda: set(self.versions()) <= {version})
        self.wait("Healthy", rollingState="RolloutSucceed")
        self.is_restored()
        return self.namespace.wait_ready(self.name, self.count) if self.count else []

    def is_restored(self):
        """That nothing of a run is left on the workload, its Rollout and its pods."""
        found = self.get()
        assert HELD not in found["metadata"].get("annotations", {})
        managers = [entry["manager"] for entry in found["metadata"].get("managedFields", ())
                    if not entry.get("subresource")]
        assert "sluice" not in managers
        assert not found["spec"].get("paused")
        if self.kind == "Deployment":  # an undo would take the annotation back from there
            assert not any(HELD in one["metadata"].get("annotations", {})
                           for one in self.namespace.list("replicasets", labels=f"app={self.name}"))
        strategy = "strategy" if self.kind == "Deployment" else "updateStrategy"
        assert found["spec"][strategy]["type"] == "RollingUpdate"
        if self.kind == "StatefulSet":
            assert not found["spec"][strategy].get("rollingUpdate", {}).get("partition")
        self.namespace.wait_for(lambda: not self.namespace.get(ROLLOUTS, self.name)["metadata"].get("finalizers"))
        self.namespace.wait_for(lambda: not any(
            "sluice.dev/upgrading" in pod["metadata"]["labels"]
            or "sluice.dev/upgrade" in pod["metadata"].get("annotations", {}) for pod in self.pods()))

    def was_in_place(self, after, restarts=1):
        """That each pod is the one from before, at the same address, its container started anew so many times."""
        def seen(pods):
            return {pod["metadata"]["name"]: (pod["metadata"]["uid"], pod["status"]["podIP"]) for pod in pods}

        assert seen(after) == seen(self.before)
        assert [pod["status"]["containerStatuses"][0]["restartCount"] for pod in after] == [restarts] * self.count

    def was_recreated(self, after):
        assert len(after) == self.count
        assert not uids(after) & uids(self.before)

    def kubectl_agrees(self, revisions):
        """That kubectl sees an ordinary workload: it is rolled out, and has so many revisions."""
        target = f"{self.kind.lower()}/{self.name}"
        said = self.namespace.kubectl("rollout", "status", target, "--timeout=30s")
        assert "successfully rolled out" in said or " complete" in said
        history = self.namespace.kubectl("rollout", "history", target).splitlines()
        assert len([line for line in history if line[:1].isdigit()]) == revisions

    @contextlib.contextmanager
    def states(self):
        """Every state that its status has from now on, in order: those of a watch, none left out."""
        columns = "/".join(f"{{{path}}}" for path in STATE)
        command = ["timeout", str(WATCHED), *self.namespace.cluster.command(
            "-n", self.namespace.name, "get", f"rollouts.sluice.dev/{self.name}", "-w", "-o",
            f'jsonpath={columns}{{"\\n"}}')]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
            try:
                yield (line.strip() for line in watch.stdout)
            finally:
                watch.terminate()

    def gone(self):
        """Deletes the Rollout, and waits until it is let go."""
        self.namespace.delete(ROLLOUTS, self.name)

        def is_gone():
            try:
                self.namespace.get(ROLLOUTS, self.name)
            except ApiError as error:
                return error.code == 404
            return False

        self.namespace.wait_for(is_gone)
