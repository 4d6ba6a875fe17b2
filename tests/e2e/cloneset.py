"""OpenKruise's CloneSet as far as a partition goes: its definition, and a controller small enough for a test.

spec.updateStrategy.partition pods stay at the old revision, wherever they stand; all others are made anew.
"""

import asyncio
import contextlib
import hashlib
import json
import threading

from devcluster.client import FAILURES, Client, Config
from devcluster.errors import ApiError
from devcluster.resources import Resource
from workloads import template

GROUP = "apps.kruise.io"
CLONESETS = Resource(GROUP, "v1alpha1", "clonesets", "CloneSet")
DESCRIPTION = {"apiVersion": CLONESETS.api_version, "kind": "CloneSet", "resource": "clonesets",
               "partitionPath": "spec.updateStrategy.partition", "holdValue": "100%"}
REVISION = "controller-revision-hash"
POLL = 0.1  # seconds

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": f"clonesets.{GROUP}"},
    "spec": {"group": GROUP, "scope": "Namespaced",
             "names": {"plural": "clonesets", "singular": "cloneset", "kind": "CloneSet", "listKind": "CloneSetList"},
             "versions": [{"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                           "schema": {"openAPIV3Schema": {
                               "type": "object", "properties": {key: {
                                   "type": "object", "x-kubernetes-preserve-unknown-fields": True}
                                   for key in ("spec", "status")}}}}]}}


def cloneset(name, replicas, pods):
    return {"apiVersion": CLONESETS.api_version, "kind": "CloneSet", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": template(name, pods), "updateStrategy": {"type": "ReCreate", "partition": 0}}}


def kept_old(found):
    """How many pods are to stay at the old revision."""
    partition, replicas = found["spec"]["updateStrategy"]["partition"], found["spec"]["replicas"]
    if isinstance(partition, str):
        return -(-replicas * int(partition.removesuffix("%")) // 100)
    return min(partition, replicas)


class Controller:
    """Runs beside the test, in a namespace, until it is stopped."""

    def __init__(self, kubeconfig, namespace):
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()

    async def _run(self):
        async with Client(Config.from_kubeconfig(self._kubeconfig), "e2e-cloneset") as client:
            while not self._stopped.is_set():
                with contextlib.suppress(*FAILURES):  # the next time
                    for found in (await client.list(CLONESETS, self._namespace))[0]:
                        await self._sync(client, found)
                await asyncio.sleep(POLL)

    async def _sync(self, client, found):
        status = found.get("status", {})
        update = await self._revision(client, found)
        pods = [pod for pod in (await client.list("pods", self._namespace))[0]
                if any(owner["uid"] == found["metadata"]["uid"] for owner in pod["metadata"].get("ownerReferences", ()))
                and "deletionTimestamp" not in pod["metadata"]]
        old = [pod for pod in pods if pod["metadata"]["labels"][REVISION] != update]
        current = status.get("currentRevision", update) if old else update
        for pod in old[kept_old(found):]:
            await client.delete("pods", pod["metadata"]["name"], self._namespace, grace=0)
        for _ in range(len(pods), found["spec"]["replicas"]):
            await self._create(client, found, update)
        new = {"observedGeneration": found["metadata"]["generation"], "replicas": len(pods),
               "updatedReplicas": len(pods) - len(old), "currentRevision": current, "updateRevision": update}
        if new != status:
            await client.patch(CLONESETS, found["metadata"]["name"], self._namespace, {"status": new},
                               subresource="status")

    async def _revision(self, client, found):
        """The name of the ControllerRevision of the template, which is made where there is none."""
        content = json.dumps(found["spec"]["template"], sort_keys=True).encode()
        name = f"{found['metadata']['name']}-{hashlib.sha256(content).hexdigest()[:10]}"
        known = (await client.list("controllerrevisions", self._namespace))[0]
        if name not in {one["metadata"]["name"] for one in known}:
            await client.create("controllerrevisions", {
                "metadata": {"name": name, "labels": {REVISION: name}, "ownerReferences": [self._owner(found)]},
                "revision": max([one["revision"] for one in known], default=0) + 1,
                "data": {"spec": {"template": found["spec"]["template"]}}}, self._namespace)
        return name

    async def _create(self, client, found, revision):
        made = found["spec"]["template"]
        labels = {**made["metadata"]["labels"], REVISION: revision}
        await client.create("pods", {
            "metadata": {"generateName": f"{found['metadata']['name']}-", "labels": labels,
                         "ownerReferences": [self._owner(found)]},
            "spec": made["spec"]}, self._namespace)

    @staticmethod
    def _owner(found):
        return {"apiVersion": CLONESETS.api_version, "kind": "CloneSet", "name": found["metadata"]["name"],
                "uid": found["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}


ALLOWED = f"sluice-{CLONESETS.plural}"
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": ALLOWED},
        "rules": [{"apiGroups": [GROUP], "resources": [CLONESETS.plural], "verbs": ["list", "watch", "patch"]}]}


@contextlib.contextmanager
def allowed(cluster, namespace, account):
    """While an account may do with CloneSets what manifests/config/reconciler.yaml says it has to."""
    cluster.call("create", "clusterroles", ROLE)
    cluster.call("create", "clusterrolebindings", {
        "metadata": {"name": ALLOWED},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ALLOWED},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]})
    yield
    cluster.call("delete", "clusterrolebindings", ALLOWED)
    cluster.call("delete", "clusterroles", ALLOWED)


@contextlib.contextmanager
def asked_about(cluster, configuration):
    """While the webhook is asked about updates of CloneSets too: what manifests/webhooks.yaml says to add."""
    with contextlib.suppress(ApiError):
        cluster.call("create", "customresourcedefinitions", DEFINITION)
    resource = "mutatingwebhookconfigurations"
    webhooks = cluster.call("get", resource, configuration)["webhooks"]
    index = next(i for i, one in enumerate(webhooks) if one["name"] == "workload-update.sluice.dev")
    rule = {"operations": ["UPDATE"], "apiGroups": [GROUP], "apiVersions": ["v1alpha1"], "resources": ["clonesets"]}
    where = f"/webhooks/{index}/rules/"
    added = {"op": "add", "path": f"{where}-", "value": rule}
    cluster.call("patch", resource, configuration, None, [added], kind="json")
    yield
    last = len(webhooks[index]["rules"])
    cluster.call("patch", resource, configuration, None, [{"op": "remove", "path": f"{where}{last}"}], kind="json")
    cluster.call("delete", "customresourcedefinitions", DEFINITION["metadata"]["name"])
