"""A load balancer's controller as people have it without Sluice, in little: it follows a Service's EndpointSlices and
has an HAProxy send requests to what they call ready, and to nothing else.

    python3 -B hack/demo/follow.py --kubeconfig FILE NAMESPACE SERVICE tcp://IPv4:PORT BACKEND

The backend's servers are slots, as server-template makes them. One that loses its pod is put into maintenance: what
it has begun it may finish. This is what ingress controllers for HAProxy do, and as soon as they can do it.
"""

import argparse
import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from devcluster.client import FAILURES, Client, Config  # noqa: E402: it takes the path above


class Slots:
    """The servers of a backend."""

    def __init__(self, address, backend):
        self._host, _, port = address.removeprefix("tcp://").rpartition(":")
        self._port = int(port)
        self._backend = backend
        self._free = None  # names
        self._taken = {}  # (address, port): name

    async def ask(self, *commands):
        """What the Runtime API answers to all of them."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write("; ".join(commands).encode() + b"\n")
        answer = await reader.read()
        writer.close()
        return answer.decode()

    async def fill(self, wanted):
        """Has these pods in it, and no others. wanted: {(address, port)}"""
        if self._free is None:
            lines = (await self.ask(f"show servers state {self._backend}")).splitlines()[2:]
            self._free = [line.split()[3] for line in lines if line]
        commands = []
        for pod in self._taken.keys() - wanted:
            self._free.append(self._taken.pop(pod))
            commands.append(f"set server {self._backend}/{self._free[-1]} state maint")
        for pod in sorted(wanted - self._taken.keys()):
            name = self._taken[pod] = self._free.pop(0)
            server = f"set server {self._backend}/{name}"
            commands += [f"{server} addr {pod[0]} port {pod[1]}", f"{server} state ready"]
        if commands:
            await self.ask(*commands)


def ready(slices):
    """{(address, port)} of their endpoints that are."""
    return {(address, port["port"]) for one in slices for port in one.get("ports") or ()
            for endpoint in one.get("endpoints") or () if endpoint["conditions"].get("ready")
            for address in endpoint["addresses"]}


async def follow(client, namespace, service, slots):
    labels = f"kubernetes.io/service-name={service}"
    while True:
        items, version = await client.list("endpointslices", namespace, labels=labels)
        known = {item["metadata"]["name"]: item for item in items}
        await slots.fill(ready(known.values()))
        try:
            async for kind, item in client.watch("endpointslices", version, namespace, labels=labels):
                if kind == "BOOKMARK":
                    continue
                known[item["metadata"]["name"]] = item
                if kind == "DELETED":
                    del known[item["metadata"]["name"]]
                await slots.fill(ready(known.values()))
        except FAILURES as error:
            print(f"watched no longer: {error!r}", file=sys.stderr)
        await asyncio.sleep(0.1)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("namespace", "service", "address", "backend"):
        parser.add_argument(name)
    parser.add_argument("--kubeconfig")
    options = parser.parse_args()
    async with Client(Config.from_kubeconfig(options.kubeconfig), "follow") as client:
        await follow(client, options.namespace, options.service, Slots(options.address, options.backend))


if __name__ == "__main__":
    asyncio.run(main())
