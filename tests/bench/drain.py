"""What a drain takes beyond its own waits, and what 500 of them cost: called by `hack/bench.sh drain`.

An API server of the development cluster holds pods behind a real HAProxy; there are no controllers and no nodes, and
nobody sends requests, so that a drain with waits of 0 seconds is all overhead: from the annotation that asks for it to
the condition that says Drained, as a watch sees it. Then all pods are drained, BATCH at a time, as a rollout has it.
This program listens on the pods' addresses, for the checks of HAProxy.

Environment: SLUICE (a program; not built then), PODS, BATCH, SAMPLES.
"""

import asyncio
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import time

import yaml
from reconciler import CLIENTS, CONFIG, ROOT, SLUICE, cpu, fetch, free_port, metric, process, until

from devcluster import pki
from devcluster.client import Client, Config
from devcluster.objects import condition

PODS, BATCH = int(os.environ.get("PODS", 500)), int(os.environ.get("BATCH", 50))
SAMPLES = int(os.environ.get("SAMPLES", 40))
NAMESPACE, PORT = "bench", 8080
PATIENCE = 60  # seconds that nothing should ever take
READY, DRAIN = "sluice.dev/traffic-ready", "sluice.dev/drain"
NOW = "2026-01-01T00:00:00Z"


def policy(address):
    return {"apiVersion": "sluice.dev/v1alpha1", "kind": "TrafficPolicy",
            "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"app": "web"}},
                     "drain": {"waitSeconds": 0, "propagationSeconds": 0, "timeoutSeconds": 300},
                     "loadBalancers": [{"name": "edge", "haproxy": {"address": f"tcp://{address}:9999",
                                                                    "backend": "web", "port": PORT}}]}}


def pod(number):
    """One as the webhook would have made it."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"web-{number}", "namespace": NAMESPACE, "finalizers": ["slb.sluice.dev/edge"],
                         "labels": {"app": "web", "sluice.dev/traffic-policy": "web"}},
            "spec": {"schedulerName": "nobody", "readinessGates": [{"conditionType": READY}],
                     "containers": [{"name": "app", "image": "registry.example/app:1"}]}}


def ip(number):
    """In a network that no development cluster takes."""
    return f"127.13.{number // 250}.{number % 250 + 1}"


async def listen():
    async def close(_, writer):
        writer.close()

    return await asyncio.start_server(close, [ip(number) for number in range(PODS)], PORT)


def running(number):
    return {"phase": "Running", "podIP": ip(number), "startTime": NOW,
            "conditions": [{"type": name, "status": "True", "lastTransitionTime": NOW}
                           for name in ("Initialized", "PodScheduled", "ContainersReady")],
            "containerStatuses": [{"name": "app", "containerID": f"containerd://{number:064d}", "image": "app",
                                   "imageID": "sha256:1", "ready": True, "restartCount": 0, "started": True,
                                   "state": {"running": {"startedAt": NOW}}}]}


class Bench:
    def __init__(self, client):
        self.client = client
        self._states = {}  # name: the reason of its condition
        self._seen = asyncio.Condition()

    async def fill(self, address):
        for crd in sorted((ROOT / "manifests" / "crds").glob("*.yaml")):
            await self.client.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                                      yaml.safe_load(crd.read_text()))
        await self.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                                "metadata": {"name": NAMESPACE}})
        await self.client.request("POST", f"/apis/sluice.dev/v1alpha1/namespaces/{NAMESPACE}/trafficpolicies",
                                  policy(address))

        async def make(number):
            made = await self.client.create("pods", pod(number))
            await self.client.replace("pods", {**made, "status": running(number)}, subresource="status")
        await self.each(make)

    @staticmethod
    async def each(do, numbers=range(PODS)):
        """CLIENTS at a time."""
        todo = list(reversed(numbers))

        async def work():
            while todo:
                await do(todo.pop())
        await asyncio.gather(*(work() for _ in range(CLIENTS)))

    async def follow(self):
        items, version = await self.client.list("pods", NAMESPACE)
        for item in items:
            self._states[item["metadata"]["name"]] = (condition(item, READY) or {}).get("reason")
        async for kind, item in self.client.watch("pods", version, NAMESPACE):
            if kind == "BOOKMARK":
                continue
            async with self._seen:
                self._states[item["metadata"]["name"]] = (condition(item, READY) or {}).get("reason")
                self._seen.notify_all()

    async def are(self, state, numbers=range(PODS)):
        """Until all of them are in that state."""
        def others():
            return {name: self._states.get(name) for name in (f"web-{number}" for number in numbers)
                    if self._states.get(name) != state}

        try:
            async with asyncio.timeout(PATIENCE), self._seen:
                await self._seen.wait_for(lambda: not others())
        except TimeoutError:
            sys.exit(f"bench: not {state} after {PATIENCE} s: {others()}")

    async def ask(self, number, drain):
        await self.client.patch("pods", f"web-{number}", NAMESPACE, {"metadata": {"annotations": {DRAIN: drain}}})

    async def one(self, number):
        """Seconds that the drain of one takes, and its way back."""
        began = time.monotonic()
        await self.ask(number, '{"op":"bench","id":"1"}')
        await self.are("Drained", [number])
        drained = time.monotonic()
        await self.ask(number, None)
        await self.are("InService", [number])
        return drained - began, time.monotonic() - drained

    async def all(self):
        for first in range(0, PODS, BATCH):
            batch = range(first, min(first + BATCH, PODS))
            await self.each(lambda number: self.ask(number, '{"op":"bench","id":"2"}'), batch)
            await self.are("Drained", batch)


class Costs:
    """What the reconciler has asked of the API server since it was last looked at, for each pod."""

    def __init__(self, port):
        self._port = port
        self._before = self._read()

    def _read(self):
        text = fetch(self._port, "/metrics")
        return {verb: metric(text, "sluice_api_requests_total", f'verb="{verb}"')
                for verb in ("patch", "create", "update")}

    def since(self):
        before, self._before = self._before, self._read()
        counts = {verb: (self._before[verb] - before[verb]) / PODS for verb in before}
        return ", ".join(f"{count:.2f} {verb}" for verb, count in counts.items() if count)


def say(what, value):
    print(f"{what:50} {value:>36}", flush=True)


async def measure(bench, directory, kubeconfig):
    port = free_port()
    config = directory / "reconciler.yaml"
    config.write_text(CONFIG.format(port=port))
    with process(SLUICE, "reconciler", "--config", str(config), "--kubeconfig", str(kubeconfig)) as sluice:
        began = time.monotonic()
        await until("the reconciler is not ready", lambda: sluice.poll() is not None or fetch(port, "/readyz"))
        costs = Costs(port)
        await bench.are("InService")
        say(f"{PODS} pods put into service", f"{time.monotonic() - began:.1f} s")
        say("  API requests a pod", costs.since())
        times = [await bench.one(number) for number in range(SAMPLES)]
        for what, seconds in zip(("a drain beyond its waits", "its way back"), map(sorted, zip(*times))):
            say(f"{what}, median", f"{statistics.median(seconds) * 1000:.0f} ms")
            say(f"  worst of {SAMPLES}", f"{seconds[-1] * 1000:.0f} ms")
        await asyncio.sleep(1)  # Events
        costs.since()
        began, before = time.monotonic(), cpu(sluice.pid)
        await bench.all()
        say(f"{PODS} pods drained, {BATCH} at a time", f"{time.monotonic() - began:.1f} s")
        say("  CPU of the reconciler a pod", f"{(cpu(sluice.pid) - before) / PODS * 1000:.1f} ms")
        await asyncio.sleep(2)  # Events
        say("  API requests a pod", costs.since())


async def main():
    address = f"127.14.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = pathlib.Path(name)
        pki.create(directory)
        stack.enter_context(process(
            "haproxy", "-db", "-f", str(ROOT / "hack" / "demo" / "haproxy.cfg"),
            env=os.environ | {"ADDRESS": address}, stderr=open(directory / "haproxy.log", "wb")))
        stack.enter_context(process(
            sys.executable, "-B", "-m", "devcluster.apiserver", "--directory", name,
            env=os.environ | {"PYTHONPATH": str(ROOT / "hack")}, stderr=open(directory / "apiserver.log", "wb")))
        await until("no API server", (directory / "apiserver.port").exists)
        pki.write_kubeconfigs(directory, int((directory / "apiserver.port").read_text()))
        kubeconfig = directory / "admin.kubeconfig"
        async with Client(Config.from_kubeconfig(kubeconfig)) as client:
            server = await listen()
            bench = Bench(client)
            await bench.fill(address)
            follow = asyncio.create_task(bench.follow())
            await measure(bench, directory, kubeconfig)
            assert not follow.done(), follow
            follow.cancel()
            server.close()


if __name__ == "__main__":
    asyncio.run(main())
