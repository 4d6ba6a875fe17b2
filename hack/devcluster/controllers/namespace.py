"""Namespace deletion: empties a namespace of everything, pods first, then lets it go.

Source: kube-controller-manager's namespace deleter. Its conditions and their texts are what people read.
"""

import asyncio
import collections

from ..discovery import discover
from ..errors import ApiError
from ..objects import is_terminating, now
from ..resources import find
from .runtime import Controller

FINALIZER = "kubernetes"
AGAIN = 1.0  # seconds until what remained is looked at again

# condition -> (reason, message) while there is nothing to complain of
OK = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


def findings(remaining, failures, all_discovered):
    """What is the matter, as {condition: (reason, message)}.

    remaining: {Resource: objects left of it}; failures: sentences.
    """
    found = {}
    if not all_discovered:
        found["NamespaceDeletionDiscoveryFailure"] = (
            "DiscoveryFailed", "unable to retrieve the complete list of server APIs")
    if failures:
        found["NamespaceDeletionContentFailure"] = (
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(failures)} remaining: " + ", ".join(sorted(failures)))
    counts = sorted(f"{resource.plural}.{resource.group} has {len(left)} resource instances"
                    for resource, left in remaining.items() if left)
    if counts:
        found["NamespaceContentRemaining"] = (
            "SomeResourcesRemain", f"Some resources are remaining: {', '.join(counts)}")
    finalizers = collections.Counter(finalizer for left in remaining.values() for one in left
                                     for finalizer in one["metadata"].get("finalizers") or ())
    if finalizers:
        texts = sorted(f"{finalizer} in {count} resource instances"
                       for finalizer, count in finalizers.items())
        found["NamespaceFinalizersRemaining"] = (
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {', '.join(texts)}")
    return found


def with_findings(conditions, found):
    """The conditions of a namespace brought up to date."""
    old = {one["type"]: one for one in conditions}
    for kind, fine in OK.items():
        status, (reason, message) = "True" if kind in found else "False", found.get(kind, fine)
        same = kind in old and old[kind]["status"] == status
        old[kind] = {"type": kind, "status": status, "reason": reason, "message": message,
                     "lastTransitionTime": old[kind]["lastTransitionTime"] if same else now()}
    return list(old.values())


class Namespaces(Controller):
    watches = ("namespaces",)

    def keys(self, resource, obj):
        return [("", obj["metadata"]["name"])]

    async def reconcile(self, _, name):
        namespace = self.world.get("namespaces", "", name)
        if (namespace is None or not is_terminating(namespace)
                or FINALIZER not in (namespace["spec"].get("finalizers") or ())):
            return None
        if (namespace.get("status") or {}).get("phase") != "Terminating":
            status = {**(namespace.get("status") or {}), "phase": "Terminating"}
            namespace = await self._set_status(namespace, status)
        pods = find("pods")
        failures = []
        remaining = {pods: await self._empty(pods, name, failures)}
        if remaining[pods] or failures:
            # only when the pods are gone, it is said what remains: so the real controller has it
            await self._say(namespace, findings({}, failures, True))
            return AGAIN
        resources, all_discovered = await discover(self.world.client)
        others = [one for one in resources
                  if one.namespaced and "delete" in one.verbs and one.qualified != "pods"]
        left = await asyncio.gather(*(self._empty(one, name, failures) for one in others))
        remaining = dict(zip(others, left))
        namespace = await self._say(namespace, findings(remaining, failures, all_discovered))
        if failures or any(left) or not all_discovered:
            return AGAIN
        return await self._finalize(namespace)

    async def _empty(self, resource, namespace, failures):
        """Deletes all objects of a kind; what is left of them. Adds to failures what went wrong."""
        client = self.world.client
        try:
            left, _ = await client.list(resource, namespace, metadata_only=True)
            if not left:
                return []
            if "deletecollection" in resource.verbs:
                options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
                await client.request("DELETE", resource.path(namespace), options)
            else:
                for one in left:
                    name = one["metadata"]["name"]
                    await client.delete(resource, name, namespace, propagation="Background")
            left, _ = await client.list(resource, namespace, metadata_only=True)
        except ApiError as error:
            if error.code not in (404, 405):
                failures.append(error.message)
            return []
        return left

    async def _say(self, namespace, found):
        old = (namespace.get("status") or {}).get("conditions") or []
        new = with_findings(old, found)
        return namespace if new == old else await self._set_status(
            namespace, {**namespace["status"], "conditions": new})

    async def _set_status(self, namespace, status):
        return await self.world.replace("namespaces", {**namespace, "status": status}, "status")

    async def _finalize(self, namespace):
        finalizers = [one for one in namespace["spec"]["finalizers"] if one != FINALIZER]
        try:
            answer = await self.world.client.replace(
                "namespaces", {**namespace, "spec": {**namespace["spec"], "finalizers": finalizers}},
                subresource="finalize")
        except ApiError as error:
            if error.code != 404:
                raise
            return
        if finalizers or answer["metadata"].get("finalizers"):
            self.world.cache("namespaces").observe(answer)
