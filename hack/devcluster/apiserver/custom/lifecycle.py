"""CustomResourceDefinitions at work: served once established, and their instances deleted before they go."""

import asyncio
import logging

from ...errors import ApiError
from ...objects import now, set_condition
from ...resources import find
from ..request import Request
from ..storage.versions import storage
from . import crd

DEFINITIONS = find("customresourcedefinitions")
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
PAUSE = 0.1  # seconds between two looks at what is left

log = logging.getLogger("custom")


class Definitions:
    def __init__(self, store, registry, deleter, tasks):
        self.store = store
        self.registry = registry
        self.deleter = deleter
        self._tasks = tasks

    def completed(self, definition):
        """A CRD as it is stored: with the status that follows from it."""
        others = [item.obj for _, item in self.store.select(storage(DEFINITIONS))]
        status = crd.established(definition, crd.taken_names(definition, others))
        metadata = definition["metadata"]
        if CLEANUP not in metadata.get("finalizers", ()) and "deletionTimestamp" not in metadata:
            metadata = {**metadata, "finalizers": [*metadata.get("finalizers", ()), CLEANUP]}
        return {**definition, "metadata": metadata, "status": status}

    def changed(self, old, new):
        """Takes notice of a CRD that was stored or, with new None, is gone."""
        if new is None:
            for kind in {storage(resource) for resource in self.registry.of_crd(old["metadata"]["name"])}:
                self.store.cut_watches(kind)
            self.registry.drop(old["metadata"]["name"])
            return
        self.registry.load(new)
        if "deletionTimestamp" in new["metadata"] and CLEANUP in new["metadata"].get("finalizers", ()):
            if "deletionTimestamp" not in old["metadata"]:
                self._tasks.add(self._clean_up(new["metadata"]["name"]))

    async def _clean_up(self, name):
        """Deletes the instances of a CRD; when none is left, lets the CRD go."""
        for resource in self.registry.of_crd(name)[:1]:
            await self._empty(resource)
        item = self.store.get(storage(DEFINITIONS), "", name)
        finalizers = [one for one in item.obj["metadata"]["finalizers"] if one != CLEANUP]
        metadata = {**item.obj["metadata"], "finalizers": finalizers}
        status = {**item.obj["status"], "conditions": [dict(one) for one in item.obj["status"]["conditions"]]}
        set_condition(status, "Terminating", "False", "InstanceDeletionCompleted",
                      "removed all instances", at=now())
        item = self.store.put(storage(DEFINITIONS), {**item.obj, "metadata": metadata, "status": status})
        if not finalizers:
            self.store.remove(storage(DEFINITIONS), item)
            self.changed(item.obj, None)

    async def _empty(self, resource):
        kind = storage(resource)
        while instances := self.store.select(kind):
            for _, item in instances:
                if "deletionTimestamp" not in item.obj["metadata"]:
                    try:
                        about = Request("delete", resource).about(item.obj["metadata"])
                        await self.deleter.take(about, {}, admit=False)
                    except ApiError as error:
                        log.warning("%s: %s", resource.qualified, error.message)
            await asyncio.sleep(PAUSE)
