"""How many: pods that run, and pods that are only objects. The times are printed (pytest -s), not asserted."""

import asyncio
import time

from devcluster.client import Client, Config
from workloads import deployment, pod, pod_spec

RUNNING, RUNNING_PATIENCE = 200, 120  # pods, seconds of a hang guard
STORED, STORED_PATIENCE = 10_000, 180
CLIENTS = 8


def test_many_pods_come_up(namespace, nodes):
    began = time.monotonic()
    namespace.apply(deployment("web", RUNNING))

    def ready():
        return namespace.get("deployments", "web").get("status", {}).get("readyReplicas") == RUNNING

    namespace.wait_for(ready, RUNNING_PATIENCE)
    print(f"{RUNNING} pods ready on {len(nodes)} nodes after {time.monotonic() - began:.1f} s")


def test_ten_thousand_pods_that_no_node_runs(namespace):
    began = time.monotonic()
    asyncio.run(asyncio.wait_for(create_all(namespace), STORED_PATIENCE))
    created = time.monotonic() - began
    stored = len(namespace.list("pods"))
    print(f"{STORED} pods created by {CLIENTS} clients in {created:.1f} s, "
          f"listed in {time.monotonic() - began - created:.1f} s")
    assert stored == STORED


async def create_all(namespace):
    """Creates the pods; the name of a scheduler that there is not keeps scheduler, nodes and collectors away."""
    body = pod("web", pod_spec(schedulerName="nobody"))
    numbers = iter(range(STORED))

    async def work(client):
        for number in numbers:
            await client.create("pods", {**body, "metadata": {"name": f"web-{number}"}}, namespace.name)

    async with Client(Config.from_kubeconfig(namespace.cluster.kubeconfig), "e2e-scale") as client:
        await asyncio.gather(*(work(client) for _ in range(CLIENTS)))
