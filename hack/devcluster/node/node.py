"""One node that the agent plays: its Node object, its Lease, the addresses of its pods, and the worker of each pod."""

import asyncio
import ipaddress
import logging

from ..cache import Cache
from ..client import FAILURES
from ..errors import ApiError
from ..objects import is_over, is_terminating, micro_now, now, set_condition
from ..recorder import Recorder
from .logs import LogServer
from .pod import PodWorker

log = logging.getLogger("node")
VERSION = "v1.36.2-devcluster"
LEASE_PERIOD, LEASE_SECONDS = 10, 40
STATUS_PERIOD = 300  # seconds
REGISTER_PAUSE = 0.5  # seconds
LEASES = "kube-node-lease"
CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Addresses:
    """The addresses of a node's pods, each again only after all the others."""

    def __init__(self, network):
        self.network = network
        self._free = {str(one): None for one in list(network.hosts())[1:]}  # in the order they were freed

    def keep(self, address):
        """Takes one again that a pod had under an agent before this one; None where it is not free."""
        if address not in self._free:
            return None
        del self._free[address]
        return address

    def take(self):
        """The next one; None where there is none."""
        address = next(iter(self._free), None)
        self._free.pop(address, None)
        return address

    def release(self, address):
        if address and ipaddress.ip_address(address) in self.network:
            self._free[address] = None


class Node:
    """What the workers of its pods need is public here."""

    def __init__(self, agent, name, number):
        """number: 1, 2, …: its share of the agent's network."""
        self.name = name
        self.client, self.images, self.sources = agent.client, agent.images, agent.sources
        self.environment, self.backoff, self.directory = agent.environment, agent.backoff, agent.directory
        self.capacity = agent.capacity
        subnets = list(agent.network.subnets(new_prefix=24))
        self.address = str(subnets[0][number])  # the first /24 is the nodes' own
        self.addresses = Addresses(subnets[number])
        self.events = Recorder(self.client, name)
        self.pods = Cache(self.client, "pods", fields=f"spec.nodeName={name}")
        self.pods.listeners.append(self._changed)
        self.workers = {}  # uid -> PodWorker
        self._finished = set()  # uids of pods that are kept by finalizers alone
        self.server = LogServer(self)
        self._tasks = {}  # uid -> task of its worker
        self._node = None

    async def run(self):
        """Ends by being cancelled; its pods' processes with it."""
        await self.server.start()
        await self._register()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.events.run())
                group.create_task(self._renew_lease())
                group.create_task(self._renew_status())
                group.create_task(self.pods.run())
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await self.server.stop()

    # Its pods.

    def _changed(self, old, new):
        uid = (new or old)["metadata"]["uid"]
        if old is not None and (new is None or old["metadata"]["uid"] != uid):
            self._finished.discard(old["metadata"]["uid"])
            if worker := self.workers.get(old["metadata"]["uid"]):
                worker.removed()
        if new is None or uid in self._finished:
            return
        if uid in self.workers:
            self.workers[uid].update(new)
        elif not is_over(new) or is_terminating(new):
            self._begin(uid, new)

    def _begin(self, uid, pod):
        self.workers[uid] = worker = PodWorker(self, pod)
        self._tasks[uid] = task = asyncio.create_task(worker.run())
        task.add_done_callback(lambda task: self._ended(uid, task))

    def _ended(self, uid, task):
        worker = self.workers.pop(uid)
        del self._tasks[uid]
        if not task.cancelled() and task.exception():
            log.error("%s", worker.title, exc_info=task.exception())
        elif not worker.gone:
            self._finished.add(uid)

    def worker(self, namespace, name):
        """That of a pod by its name; None where there is none."""
        pod = self.pods.get(namespace, name)
        return self.workers.get(pod["metadata"]["uid"]) if pod else None

    # Itself.

    async def _register(self):
        """Creates its Node, or takes over the one that is there; the API server may be up later than we are."""
        while self._node is None:
            try:
                self._node = await self._create()
            except FAILURES as error:
                log.warning("%s cannot be registered: %s", self.name, str(error) or repr(error))
                await asyncio.sleep(REGISTER_PAUSE)
        log.info("%s is registered: %s, pods in %s", self.name, self.address, self.addresses.network)

    async def _create(self):
        try:
            return await self.client.create("nodes", self._object())
        except ApiError as error:
            if error.code != 409:
                raise
        return await self.client.get("nodes", self.name)

    def _object(self):
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                  "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}
        network = str(self.addresses.network)
        return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels},
                "spec": {"podCIDR": network, "podCIDRs": [network]}, "status": self._status({})}

    def _status(self, old):
        status = {
            "capacity": self.capacity, "allocatable": self.capacity,
            "addresses": [{"type": "InternalIP", "address": self.address},
                          {"type": "Hostname", "address": self.name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.server.port}},
            "nodeInfo": {"kubeletVersion": VERSION, "kubeProxyVersion": "", "operatingSystem": "linux",
                         "architecture": "amd64", "containerRuntimeVersion": "devcluster://1", "machineID": self.name,
                         "systemUUID": self.name, "bootID": self.name, "osImage": "devcluster",
                         "kernelVersion": "devcluster"},
            "conditions": [dict(one) for one in old.get("conditions") or ()],
        }
        for kind, value, reason, message in CONDITIONS:
            set_condition(status, kind, value, reason, message, lastHeartbeatTime=now())
        return status

    async def _post_status(self):
        self._node = await self.client.patch("nodes", self.name, None, {"status": self._status(self._node["status"])},
                                             kind="strategic", subresource="status")

    async def _renew_status(self):
        await self._repeat(STATUS_PERIOD, self._post_status)

    async def _renew_lease(self):
        await self._repeat(LEASE_PERIOD, self._post_lease)

    async def _repeat(self, period, post):
        """A failure is left to the next time."""
        while True:
            try:
                await post()
            except FAILURES as error:
                log.warning("%s: %s", self.name, str(error) or repr(error))
            await asyncio.sleep(period)

    async def _post_lease(self):
        renewed = {"renewTime": micro_now(), "holderIdentity": self.name, "leaseDurationSeconds": LEASE_SECONDS}
        try:
            await self.client.patch("leases", self.name, LEASES, {"spec": renewed})
        except ApiError as error:
            if error.code != 404:
                raise
            owner = {"apiVersion": "v1", "kind": "Node", "name": self.name, "uid": self._node["metadata"]["uid"]}
            await self.client.create("leases", {
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": renewed,
                "metadata": {"name": self.name, "namespace": LEASES, "ownerReferences": [owner]}})
