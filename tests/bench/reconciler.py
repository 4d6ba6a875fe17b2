"""What the reconciler costs with 10,000 pods in 100 workloads: called by `hack/bench.sh reconciler`.

An API server of the development cluster holds StatefulSets, their revisions and pods, and a Rollout for each; there
are no controllers and no nodes: this program plays their part where it must. Beside the reconciler, in the same run,
`kubectl get pods -w` holds the same pods: what a program made of client-go takes for them.

Environment: SLUICE (a program; not built then), PODS, WORKLOADS, EVENTS, SAMPLES, READY (path of its health port).
"""

import asyncio
import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

from devcluster import pki
from devcluster.client import Client, Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLUICE = os.environ.get("SLUICE", str(ROOT / "build" / "release" / "sluice"))
PODS, WORKLOADS = int(os.environ.get("PODS", 10000)), int(os.environ.get("WORKLOADS", 100))
EVENTS, SAMPLES = int(os.environ.get("EVENTS", 2000)), int(os.environ.get("SAMPLES", 30))
NAMESPACE, CLIENTS, DEADLINE = "bench", 8, 300
CONFIG = """
listen: {{healthAddress: 127.0.0.1, healthPort: {port}}}
kube: {{qps: 0}}
log: {{level: warn}}
"""


def template(version):
    return {"metadata": {"labels": {"app": "bench", "tier": "backend"},
                         "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}},
            "spec": {"containers": [
                {"name": "app", "image": f"registry.example/team/app:{version}",
                 "ports": [{"name": "http", "containerPort": 8080}],
                 "env": [{"name": f"SETTING_{n}", "value": f"value {n}"} for n in range(10)],
                 "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}}},
                {"name": "proxy", "image": "registry.example/team/proxy:1"}]}}


def owner(kind, obj):
    return [{"apiVersion": "apps/v1", "kind": kind, "name": obj["metadata"]["name"],
             "uid": obj["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}]


def statuses(container_id):
    return [{"name": name, "containerID": f"containerd://{container_id}{name}", "image": name, "imageID": "sha256:1",
             "ready": True, "restartCount": 0, "started": True,
             "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}} for name in ("app", "proxy")]


def ready(since="2026-01-01T00:00:00Z", container_id="0" * 60, **more):
    return {"phase": "Running", "podIP": "10.0.0.1", "hostIP": "10.1.0.1", "startTime": since,
            "conditions": [{"type": name, "status": "True", "lastTransitionTime": since}
                           for name in ("Initialized", "PodScheduled", "ContainersReady", "Ready")],
            "containerStatuses": statuses(container_id), **more}


class Bench:
    def __init__(self, client):
        self.client = client

    async def workload(self, index):
        """One StatefulSet with its pods, as its controller and the kubelets would have left them."""
        name, count = f"web-{index}", PODS // WORKLOADS
        made = await self.client.create("statefulsets", {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"replicas": count, "serviceName": name, "selector": {"matchLabels": {"app": "bench"}},
                     "template": template(1)}})
        revision = await self.revision(made, 1)
        await self.observe(made, revision, revision)
        for ordinal in range(count):
            pod = {"apiVersion": "v1", "kind": "Pod",
                   "metadata": {"name": f"{name}-{ordinal}", "namespace": NAMESPACE,
                                "ownerReferences": owner("StatefulSet", made),
                                "labels": {**template(1)["metadata"]["labels"],
                                           "controller-revision-hash": revision,
                                           "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}"}},
                   "spec": {**template(1)["spec"], "schedulerName": "nobody"}}
            created = await self.client.create("pods", pod)
            await self.client.replace("pods", {**created, "status": ready()}, subresource="status")
        await self.client.request("POST", f"/apis/sluice.dev/v1alpha1/namespaces/{NAMESPACE}/rollouts", {
            "apiVersion": "sluice.dev/v1alpha1", "kind": "Rollout",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name},
                     "rolloutPlan": {"batchSize": count, "maxUnavailable": 1}}})

    async def revision(self, workload, number):
        name = f"{workload['metadata']['name']}-rev{number}"
        await self.client.create("controllerrevisions", {
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"controller-revision-hash": name},
                         "ownerReferences": owner("StatefulSet", workload)},
            "data": {"spec": {"template": {**workload["spec"]["template"], "$patch": "replace"}}}})
        return name

    async def observe(self, workload, current, update):
        count = PODS // WORKLOADS
        status = {"replicas": count, "readyReplicas": count, "currentRevision": current, "updateRevision": update,
                  "observedGeneration": workload["metadata"]["generation"], "currentReplicas": count}
        return await self.client.replace("statefulsets", {**workload, "status": status}, subresource="status")

    async def fill(self):
        for crd in sorted((ROOT / "manifests" / "crds").glob("*.yaml")):
            await self.client.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                                      yaml.safe_load(crd.read_text()))
        await self.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                                "metadata": {"name": NAMESPACE}})
        todo = list(range(WORKLOADS))

        async def work():
            while todo:
                await self.workload(todo.pop())
        await asyncio.gather(*(work() for _ in range(CLIENTS)))

    async def churn(self):
        """EVENTS changes of pods that lead to nothing."""
        todo = list(range(EVENTS))

        async def work():
            while todo:
                number = todo.pop()
                name = f"web-{number % WORKLOADS}-{number // WORKLOADS % (PODS // WORKLOADS)}"
                await self.client.patch("pods", name, NAMESPACE, {"metadata": {"annotations": {"n": str(number)}}})
        await asyncio.gather(*(work() for _ in range(CLIENTS)))

    async def upgrades(self):
        """Seconds from a pod that is ready again to the patch of the next one, SAMPLES times."""
        name, times = "web-0", []
        workload = await self.client.get("statefulsets", name, NAMESPACE)
        workload["spec"]["template"] = template(2)
        workload["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1000000000}}
        pods, version = await self.client.list("pods", NAMESPACE)
        workload = await self.client.replace("statefulsets", workload)
        update = await self.revision(workload, 2)
        await self.observe(workload, f"{name}-rev1", update)
        follow = asyncio.create_task(self.follow(name, version, times))
        keep = asyncio.create_task(self.keep_observing(name, update))
        try:
            await asyncio.wait_for(asyncio.shield(follow), DEADLINE)
        finally:
            keep.cancel()
            follow.cancel()
        return times

    async def keep_observing(self, name, update):
        """The controller's part: says that it has seen each change of the workload."""
        workload = await self.client.get("statefulsets", name, NAMESPACE)
        version = workload["metadata"]["resourceVersion"]
        async for _, obj in self.client.watch("statefulsets", version, NAMESPACE,
                                              fields=f"metadata.name={name}"):
            if obj["metadata"]["generation"] != obj["status"].get("observedGeneration"):
                await self.observe(obj, f"{name}-rev1", update)

    async def follow(self, name, version, times):
        """The kubelet's part: each pod that is patched runs its new image at once."""
        done, began = set(), None
        async for _, pod in self.client.watch("pods", version, NAMESPACE):
            seen = time.monotonic()
            if "sluice.dev/upgrading" not in pod["metadata"]["labels"] or pod["metadata"]["name"] in done:
                continue
            done.add(pod["metadata"]["name"])
            if began is not None:
                times.append(seen - began)
            if len(times) == SAMPLES:
                return
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            status = ready(now, f"{len(done):060d}", observedGeneration=pod["metadata"].get("generation"))
            for container in status["containerStatuses"]:
                container["state"]["running"]["startedAt"] = now
            began = time.monotonic()
            await self.client.patch("pods", pod["metadata"]["name"], NAMESPACE, {"status": status},
                                    subresource="status")


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid, field="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def process(*command, **options):
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


async def until(what, condition, pause=0.02):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what} after {DEADLINE} s")
        await asyncio.sleep(pause)


def fetch(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def metric(text, name, labels=""):
    return sum(float(value) for value in re.findall(rf"^{name}\{{[^}}]*{labels}[^}}]*\}} (\S+)", text, re.M))


async def measure(bench, directory, kubeconfig):
    port, rows = free_port(), []
    config = directory / "reconciler.yaml"
    config.write_text(CONFIG.format(port=port))
    began = time.monotonic()
    with process(SLUICE, "reconciler", "--config", str(config), "--kubeconfig", str(kubeconfig)) as sluice:
        await until("the reconciler is not ready", lambda: sluice.poll() is not None or fetch(port, "/readyz"))
        if sluice.poll() is not None:
            sys.exit(f"bench: the reconciler ended with {sluice.returncode}")
        rows.append(("time to sync", f"{time.monotonic() - began:.2f} s"))
        await asyncio.sleep(3)  # the first status of every Rollout
        rows.append((f"RSS with {PODS} pods, {WORKLOADS} workloads", f"{resident(sluice.pid):.1f} MiB"))
        text = fetch(port, "/metrics")
        pods = metric(text, "sluice_cache_bytes", 'resource="pods"') / PODS
        rows.append(("bytes a pod, in the cache", f"{pods:.0f}"))
        before = cpu(sluice.pid)
        await bench.churn()
        await asyncio.sleep(1)
        rows.append(("CPU for 1,000 pod events", f"{(cpu(sluice.pid) - before) / EVENTS * 1e6:.0f} ms"))
        times = sorted(await bench.upgrades())
        rows.append(("from an event to the action it causes, median", f"{statistics.median(times) * 1000:.1f} ms"))
        rows.append((f"  worst of {len(times)}", f"{times[-1] * 1000:.1f} ms"))
        rows.append(("RSS at the end", f"{resident(sluice.pid):.1f} MiB"))
    with process("kubectl", f"--kubeconfig={kubeconfig}", "get", "pods", "-A", "-w", "-o", "json",
                 stdout=subprocess.DEVNULL) as kubectl:
        await asyncio.sleep(20)
        rows.append(("kubectl get pods -w: RSS, peak", f"{resident(kubectl.pid, 'VmHWM'):.1f} MiB"))
    return rows


async def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        pki.create(directory)
        environment = os.environ | {"PYTHONPATH": str(ROOT / "hack")}
        with process(sys.executable, "-B", "-m", "devcluster.apiserver", "--directory", name, env=environment,
                     stderr=open(directory / "apiserver.log", "wb")):
            await until("no API server", (directory / "apiserver.port").exists)
            pki.write_kubeconfigs(directory, int((directory / "apiserver.port").read_text()))
            kubeconfig = directory / "admin.kubeconfig"
            async with Client(Config.from_kubeconfig(kubeconfig)) as client:
                bench = Bench(client)
                began = time.monotonic()
                await bench.fill()
                print(f"{PODS} pods made in {time.monotonic() - began:.0f} s", file=sys.stderr)
                for what, value in await measure(bench, directory, kubeconfig):
                    print(f"{what:50} {value:>12}")


if __name__ == "__main__":
    asyncio.run(main())
