"""What only pods have: binding to a node, and their logs, fetched from the node."""

import aiohttp

from ... import errors
from ...errors import ApiError
from ...objects import dig, now, set_condition
from ...resources import find
from ..admission import plugins
from ..admission.webhooks import Attributes
from ..http import bodies
from ..storage.store import encode
from ..storage.versions import storage
from .writes import options

PODS, NODES = find("pods"), find("nodes")
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
LOG_PARAMETERS = ("follow", "tailLines", "previous", "sinceSeconds", "timestamps", "limitBytes")


def _refuse_binding(pod, name):
    """Why a pod cannot be assigned; None where it can."""
    if "deletionTimestamp" in pod["metadata"]:
        return f"pod {name} is being deleted, cannot be assigned to a host"
    if dig(pod, "spec", "nodeName"):
        return f"pod {name} is already assigned to node \"{pod['spec']['nodeName']}\""
    if dig(pod, "spec", "schedulingGates"):
        return f"pod {name} has non-empty .spec.schedulingGates"
    return None


def _bound(pod, binding):
    """A pod on the node that a Binding names."""
    metadata = {**pod["metadata"]}
    for field in ("annotations", "labels"):
        if binding["metadata"].get(field):
            metadata[field] = {**(metadata.get(field) or {}), **binding["metadata"][field]}
    status = {**(pod.get("status") or {})}
    status.pop("nominatedNodeName", None)
    status["conditions"] = [dict(one) for one in status.get("conditions") or ()]
    set_condition(status, "PodScheduled", "True", at=now(), lastProbeTime=None)
    return {**pod, "metadata": metadata, "spec": {**pod["spec"], "nodeName": binding["target"]["name"]},
            "status": status}


class Pods:
    def __init__(self, store, admission, after):
        self.store = store
        self.admission = admission
        self.after = after
        self._session = None

    async def close(self):
        if self._session:
            await self._session.close()

    async def bind(self, request):
        binding = bodies.object_of(request, "Binding", ("v1",))
        bodies.place(request, binding)
        if binding["metadata"].get("name") != request.name:
            raise bodies.bad("name in URL does not match name in Binding object")
        if not dig(binding, "target", "name"):
            raise bodies.unexplained("target.name: Required value")
        plugins.check_namespace(self.store, request, binding["metadata"])
        attributes = Attributes(request, "CREATE", binding, None, options("CreateOptions", request),
                                request.dry_run)
        binding = attributes.object = await self.admission.mutate(attributes)
        await self.admission.validate(attributes)
        item = self._pod(request)
        wanted = binding["metadata"]
        for field, title in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            found = item.obj["metadata"][field]
            if wanted.get(field) and wanted[field] != found:
                raise errors.conflict(PODS, request.name, f"Precondition failed: {title} in precondition: "
                                                          f"{wanted[field]}, {title} in object meta: {found}")
        why = _refuse_binding(item.obj, request.name)
        if why:
            details = {"name": request.name, "kind": "pods/binding"}
            message = f'Operation cannot be fulfilled on pods/binding "{request.name}": {why}'
            raise ApiError("Conflict", message, details=details)
        if not request.dry_run:
            new = self.store.put(storage(PODS), _bound(item.obj, binding))
            self.after(PODS, item.obj, new.obj)
        return 201, encode(SUCCESS)

    def _pod(self, request):
        item = self.store.get(storage(PODS), request.namespace, request.name)
        if item is None:
            raise errors.not_found(PODS, request.name)
        return item

    def _log_url(self, request):
        """Where the node of a pod serves the log of one of its containers."""
        pod = self._pod(request).obj
        names = [one["name"] for field in ("initContainers", "containers")
                 for one in pod["spec"].get(field) or ()]
        container = request.query.get("container")
        if not container and len(pod["spec"]["containers"]) == 1:
            container = pod["spec"]["containers"][0]["name"]
        if not container:
            listed = " ".join(one["name"] for one in pod["spec"]["containers"])
            raise bodies.bad(f"a container name must be specified for pod {request.name}, choose one of: "
                             f"[{listed}]")
        if container not in names:
            raise bodies.bad(f"container {container} is not valid for pod {request.name}")
        node = self.store.get(storage(NODES), "", pod["spec"].get("nodeName") or "")
        address = next((one["address"] for one in dig(node and node.obj, "status", "addresses", default=())
                        if one["type"] == "InternalIP"), None)
        port = dig(node and node.obj, "status", "daemonEndpoints", "kubeletEndpoint", "Port")
        if not pod["spec"].get("nodeName"):
            raise bodies.bad(f"pod {request.name} does not have a host assigned")
        if node is None:
            raise errors.not_found(PODS, pod["spec"]["nodeName"])  # a real server, too, says "pods" here
        if not address or not port:
            raise ApiError("InternalError", f"no kubelet endpoint on node {pod['spec']['nodeName']}")
        return f"http://{address}:{port}/containerLogs/{request.namespace}/{request.name}/{container}"

    async def log(self, request, start):
        """Passes on what the node answers. await start(status) gives a function that sends bytes."""
        url = self._log_url(request)
        if self._session is None:
            connector = aiohttp.TCPConnector(force_close=True)  # a kept connection may be of a node that is gone
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5))
        query = {name: request.query[name] for name in LOG_PARAMETERS if name in request.query}
        try:
            async with self._session.get(url, params=query) as answer:
                if answer.status != 200:
                    raise ApiError("BadRequest", (await answer.text()).strip(), code=answer.status)
                send = await start()
                async for piece in answer.content.iter_any():
                    await send(piece)
        except aiohttp.ClientConnectionError as error:
            raise ApiError("InternalError", f"Get \"{url}\": {error}") from None
