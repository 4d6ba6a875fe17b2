"""Controllers and nodes for tests, beside the API server of serving.py, in the test's own process and event loop."""

import argparse
import asyncio
import contextlib
import ipaddress

from devcluster.controllers.runtime import World, run_all
from devcluster.errors import ApiError
from devcluster.node.agent import Agent
from serving import client_of, serving

PATIENCE = 30  # seconds that nothing should ever take
# of pods in tests: no development cluster takes it, so that one may run beside them
NETWORK = ipaddress.ip_network("127.14.0.0/16")


async def until(condition):
    """What a function without parameters, awaitable or not, returns once that is true."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        answer = condition()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, condition
        await asyncio.sleep(0.02)


def wait_for(condition):
    """The same from outside an event loop."""
    return asyncio.run(until(condition))


async def found(client, resource, name, namespace="default"):
    """An object, or None."""
    try:
        return await client.get(resource, name, namespace)
    except ApiError as error:
        if error.code != 404:
            raise
        return None


@contextlib.asynccontextmanager
async def _beside(work):
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def controllers(*kinds):
    """(client, World, API server) while controllers of these kinds run."""
    async with serving() as api, client_of(api) as client:
        world = World(client)
        async with _beside(run_all(world, [kind(world) for kind in kinds])):
            yield client, world, api


@contextlib.asynccontextmanager
async def node(directory, **options):
    """(client, agent, API server) while an agent plays node-1."""
    chosen = argparse.Namespace(**{"directory": directory, "pod_network": NETWORK, "backoff": 10.0, "cpu": "4",
                                   "memory": "4Gi", "pods": 10, "podinfo": None, "sluice": None, "nodes": ["node-1"],
                                   **options})
    async with serving() as api, client_of(api) as client:
        agent = Agent(client, chosen)
        async with _beside(agent.run()):
            await until(lambda: found(client, "nodes", "node-1", None))
            yield client, agent, api
