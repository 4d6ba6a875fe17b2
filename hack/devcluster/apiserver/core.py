"""The parts of the API server put together, the verbs they answer, and the objects that a new cluster has."""

import asyncio
import logging
import uuid

from .. import resources
from ..objects import now
from ..resources import find
from .admission.webhooks import Admission
from .custom.lifecycle import DEFINITIONS, Definitions
from .http import bodies
from .http.auth import Authenticator
from .http.faults import Faults
from .kinds import defaults
from .registry import Registry
from .storage.store import Store
from .storage.versions import storage
from .verbs import reviews, services
from .verbs.deletion import Deleter
from .verbs.eviction import Evictions
from .verbs.pods import Pods
from .verbs.reads import Reader
from .verbs.writes import Writer

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
ACCOUNTS = find("serviceaccounts")
log = logging.getLogger("core")


class Tasks:
    """What runs beside the requests. A failure is logged."""

    def __init__(self):
        self._running = set()

    def add(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task):
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            log.error("task failed", exc_info=task.exception())

    async def close(self):
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class Lookup:
    """What admission reads of the store."""

    def __init__(self, store):
        self._store = store

    def get(self, name, namespace, obj_name):
        item = self._store.get(storage(find(name)), namespace, obj_name)
        return item and item.obj

    def list(self, name, namespace=""):
        return [item.obj for _, item in self._store.select(storage(find(name)), namespace)]


class Core:
    """Everything behind the HTTP side. `answer` gives (code, bytes) for what is neither a watch nor a log."""

    def __init__(self, directory):
        self.tasks = Tasks()
        self.store = Store()
        self.registry = Registry()
        self.faults = Faults(self.store)
        self.auth = Authenticator(directory, self._account)
        self.admission = Admission(Lookup(self.store), defaults.default)
        self.reader = Reader(self.store, self.registry)
        self.deleter = Deleter(self.store, self.registry, self.admission, self.reader, self._after)
        self.definitions = Definitions(self.store, self.registry, self.deleter, self.tasks)
        self.writer = Writer(self.store, self.registry, self.admission, self.definitions, self._after)
        self.pods = Pods(self.store, self.admission, self._after)
        self.evictions = Evictions(self.store, self.admission, self.deleter, self._after)
        self._verbs = {
            "get": self._get, "list": self._list, "create": self._create, "update": self.writer.replace,
            "patch": self.writer.patch, "delete": self.deleter.delete,
            "deletecollection": self.deleter.collection}
        self._subresources = {
            "binding": self.pods.bind, "eviction": self.evictions.evict, "token": self._token}

    async def close(self):
        await self.tasks.close()
        await self.pods.close()
        await self.admission.close()

    async def answer(self, request):
        bodies.check_options(request)
        handler = self._subresources.get(request.subresource) or self._verbs[request.verb]
        return await handler(request)

    async def _get(self, request):
        if request.subresource == "scale":
            return 200, self.writer.show(request, self.reader.item(request))
        return 200, self.reader.get(request)

    async def _list(self, request):
        return 200, self.reader.list(request)

    async def _create(self, request):
        if reviews.is_review(request.resource):
            return reviews.review(self.auth, request)
        return await self.writer.create(request)

    async def _token(self, request):
        return reviews.token(self.auth, request, self.reader.item(request).obj)

    def _account(self, namespace, name):
        item = self.store.get(storage(ACCOUNTS), namespace, name)
        return item and item.obj

    def _after(self, resource, old, new):
        """Told of every change to what is stored."""
        if resource is DEFINITIONS:
            self.definitions.changed(old, new)

    def bootstrap(self, address, port):
        """Makes what a cluster has before anyone has done anything; the API server is at address:port."""
        for name in NAMESPACES:
            self._seed("namespaces", name, "", labels={"kubernetes.io/metadata.name": name})
        labels = {"component": "apiserver", "provider": "kubernetes"}
        ports = [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}]
        self._seed("services", "kubernetes", "default", labels=labels, spec={
            "clusterIP": services.FIRST, "clusterIPs": [services.FIRST], "ports": ports, "type": "ClusterIP"})
        bare = [{"name": "https", "port": port, "protocol": "TCP"}]
        self._seed("endpoints", "kubernetes", "default",
                   labels={"endpointslice.kubernetes.io/skip-mirror": "true"},
                   subsets=[{"addresses": [{"ip": address}], "ports": bare}])
        self._seed("endpointslices", "kubernetes", "default",
                   labels={"kubernetes.io/service-name": "kubernetes"}, addressType="IPv4", ports=bare,
                   endpoints=[{"addresses": [address], "conditions": {"ready": True}}])

    def _seed(self, kind, name, namespace, *, labels, **body):
        resource = resources.find(kind)
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "uid": str(uuid.uuid4()),
                    "creationTimestamp": now(), "labels": labels}
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **body}
        defaults.default(resource, obj)
        if kind == "endpointslices":
            metadata["generation"] = 1
        if kind == "namespaces":
            obj["spec"], obj["status"] = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
        self.store.put(storage(resource), obj)
