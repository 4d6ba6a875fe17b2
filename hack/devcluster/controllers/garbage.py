"""Garbage collection: deletes what its owners left behind, carries out foreground deletion and orphaning.

The graph holds metadata of every resource that discovery lists, custom ones included. That an owner is gone
is never believed from the graph: the server is asked for it by name, and its uid compared, first.
"""

import asyncio
import collections
import contextlib
import functools

from ..cache import Cache
from ..client import FAILURES
from ..discovery import discover
from ..errors import ApiError
from ..objects import is_terminating, key_of
from .runtime import Controller

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
WORKERS = 8
REDISCOVER = 30.0  # seconds; a changed CustomResourceDefinition brings it forward
SETTLE = 0.3  # seconds that a new CustomResourceDefinition has to be served
ABSENT_KEPT = 500  # owners known to be gone: a uid never comes back
IGNORED = ("events",)


def has_finalizer(obj, finalizer):
    return finalizer in (obj["metadata"].get("finalizers") or ())


def deletes_dependents(obj):
    return is_terminating(obj) and has_finalizer(obj, FOREGROUND)


def references(obj):
    return obj["metadata"].get("ownerReferences") or []


def propagation_of(obj):
    """The propagation with which an ownerless object goes: what its finalizers asked for already."""
    if has_finalizer(obj, ORPHAN):
        return "Orphan"
    return "Foreground" if has_finalizer(obj, FOREGROUND) else "Background"


class Graph:
    """Objects by uid, with who depends on whom."""

    def __init__(self):
        self.nodes = {}  # uid -> (Resource, object)
        self.dependents = collections.defaultdict(set)  # uid of an owner, there or not -> uids

    def put(self, resource, old, new):
        for obj, change in ((old, set.discard), (new, set.add)):
            for reference in references(obj) if obj is not None else ():
                change(self.dependents[reference["uid"]], obj["metadata"]["uid"])
        if old is not None:
            self.nodes.pop(old["metadata"]["uid"], None)
        if new is not None:
            self.nodes[new["metadata"]["uid"]] = resource, new

    def get(self, uid):
        """The object, or None."""
        return self.nodes.get(uid, (None, None))[1]

    def owner(self, obj, reference):
        """The owner that a reference names, if the graph has it at the place where it is to be."""
        resource, owner = self.nodes.get(reference["uid"], (None, None))
        named = reference["kind"], reference["name"]
        if owner is None or (resource.kind, owner["metadata"]["name"]) != named:
            return None
        namespace = owner["metadata"].get("namespace", "")
        return owner if namespace in ("", obj["metadata"].get("namespace", "")) else None

    def blocking(self, owner_uid):
        """The dependents that foreground deletion of their owner waits for."""
        found = [self.get(uid) for uid in self.dependents.get(owner_uid, ())]
        return [obj for obj in found if obj is not None and any(
            one["uid"] == owner_uid and one.get("blockOwnerDeletion") for one in references(obj))]

    def concerned(self, old, new):
        """The uids that are to be looked at after a change."""
        obj = new or old
        uid = obj["metadata"]["uid"]
        found = {one["uid"] for one in references(obj) + (references(old) if old else [])
                 if (owner := self.get(one["uid"])) is not None and deletes_dependents(owner)}
        if new is None or deletes_dependents(new):
            found |= self.dependents.get(uid, set())
        if new is not None and (is_terminating(new) or references(new) and (
                old is None or references(old) != references(new))):
            found.add(uid)
        return found


class GarbageCollector(Controller):
    def __init__(self, world):
        super().__init__(world)
        self._graph = Graph()
        self._following = {}  # (group, plural) -> (Resource, its Cache, its listener, its task if it is ours)
        self._kinds = {}  # (apiVersion, kind) -> Resource
        self._absent = collections.OrderedDict()
        self._stale = asyncio.Event()
        world.cache("customresourcedefinitions").listeners.append(lambda old, new: self._stale.set())

    def _note(self, resource, old, new):
        if old is not None and new is not None and old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._note(resource, old, None)
            old = None
        self._graph.put(resource, old, new)
        for uid in self._graph.concerned(old, new):
            self.enqueue(("", uid))

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            await self._follow_all(tasks)
            for _ in range(WORKERS):
                tasks.create_task(super().run())
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REDISCOVER):
                        await self._stale.wait()
                    await asyncio.sleep(SETTLE)
                await self._follow_all(tasks)

    async def _follow_all(self, tasks):
        """Follows what discovery lists, and nothing else. Returns when all of it is known."""
        self._stale.clear()
        try:
            resources, complete = await discover(self.world.client)
        except FAILURES as error:
            self.log.warning("discovery: %s", error)
            return
        wanted = {(one.group, one.plural): one for one in resources
                  if {"list", "watch", "delete"} <= set(one.verbs) and one.plural not in IGNORED}
        self._kinds = {(one.api_version, one.kind): one for one in resources}
        for key in [key for key, following in self._following.items()
                    if complete and (key not in wanted or wanted[key].version != following[0].version)]:
            self._unfollow(key)
        for key, resource in wanted.items():
            if key not in self._following:
                self._follow(key, resource, tasks)
        await asyncio.gather(*(cache.synced.wait() for _, cache, _, _ in self._following.values()))

    def _follow(self, key, resource, tasks):
        """Uses the copy that another controller keeps, or keeps one of the metadata."""
        listener = functools.partial(self._note, resource)
        cache = next((one for row, one in self.world.caches.items()
                      if (row.group, row.version, row.plural) == (key[0], resource.version, key[1])), None)
        task = None
        if cache is None:
            cache = Cache(self.world.client, resource, metadata_only=True)
            task = tasks.create_task(cache.run())
        cache.listeners.append(listener)
        for obj in cache.values():
            listener(None, obj)
        self._following[key] = resource, cache, listener, task

    def _unfollow(self, key):
        """The resource is served no more; what its objects owned is looked at, and asked for live."""
        _, cache, listener, task = self._following.pop(key)
        cache.listeners.remove(listener)
        if task is not None:
            task.cancel()
        for obj in cache.values():
            listener(obj, None)

    async def reconcile(self, _, uid):
        resource, obj = self._graph.nodes.get(uid, (None, None))
        if obj is None:
            return
        if is_terminating(obj):
            if has_finalizer(obj, ORPHAN):
                await self._orphan_dependents(uid)
                await self._remove_finalizer(resource, obj, ORPHAN)
            elif has_finalizer(obj, FOREGROUND):
                await self._delete_dependents(resource, obj)
            return
        owners = [self._graph.owner(obj, one) for one in references(obj)]
        if all(owner is not None and not deletes_dependents(owner) for owner in owners):
            return
        latest = await self._live(resource, *key_of(obj))
        if latest is not None and latest["metadata"]["uid"] == uid and references(latest):
            await self._judge(resource, latest)

    async def _judge(self, resource, obj):
        """Deletes an object that no owner keeps; otherwise strikes the owners that do not."""
        solid, unsound, waiting = [], [], False
        for reference in references(obj):
            owner = self._graph.owner(obj, reference) or await self._live_owner(resource, obj, reference)
            if owner is None:
                unsound.append(reference)
            elif deletes_dependents(owner):
                unsound.append(reference)
                waiting = True
            else:
                solid.append(reference)
        if solid:
            if unsound:
                await self._patch(resource, obj, {"ownerReferences": solid})
            return
        dependents = [self._graph.get(uid) for uid in self._graph.dependents.get(obj["metadata"]["uid"], ())]
        if waiting and dependents:
            if any(one is not None and deletes_dependents(one) for one in dependents):  # perhaps a circle
                obj = await self._patch(resource, obj, {"ownerReferences": [
                    {**one, "blockOwnerDeletion": False} for one in references(obj)]})
            await self._delete(resource, obj, "Foreground")
        else:
            await self._delete(resource, obj, propagation_of(obj))

    async def _live(self, resource, namespace, name):
        try:
            return await self.world.client.get(resource, name, namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    async def _live_owner(self, resource, obj, reference):
        """The owner as the server has it; None where it is gone or another of its name."""
        if reference["uid"] in self._absent:
            return None
        kind = self._kinds.get((reference["apiVersion"], reference["kind"]))
        if kind is None:
            kind = next((one for (_, name), one in self._kinds.items() if name == reference["kind"]
                         and one.group == reference["apiVersion"].rpartition("/")[0]), None)
        if kind is None:
            wanted = f"{reference['apiVersion']}/{reference['kind']}"
            raise ApiError("NotFound", f"{wanted}: no such kind is served")
        if kind.namespaced and not resource.namespaced:
            return obj  # an owner that cannot be: left alone
        owner = await self._live(kind, obj["metadata"].get("namespace"), reference["name"])
        if owner is not None and owner["metadata"]["uid"] == reference["uid"]:
            return owner
        self._absent[reference["uid"]] = None
        if len(self._absent) > ABSENT_KEPT:
            self._absent.popitem(last=False)
        return None

    async def _delete_dependents(self, resource, obj):
        blocking = self._graph.blocking(obj["metadata"]["uid"])
        if not blocking:
            await self._remove_finalizer(resource, obj, FOREGROUND)
        for one in blocking:
            if not is_terminating(one):
                self.enqueue(("", one["metadata"]["uid"]))

    async def _orphan_dependents(self, uid):
        for dependent in list(self._graph.dependents.get(uid, ())):
            resource, obj = self._graph.nodes.get(dependent, (None, None))
            latest = await self._live(resource, *key_of(obj)) if obj is not None else None
            if latest is not None and latest["metadata"]["uid"] == dependent:
                kept = [one for one in references(latest) if one["uid"] != uid]
                await self._patch(resource, latest, {"ownerReferences": kept})

    async def _remove_finalizer(self, resource, obj, finalizer):
        latest = await self._live(resource, *key_of(obj))
        if latest is None or latest["metadata"]["uid"] != obj["metadata"]["uid"]:
            return
        kept = [one for one in latest["metadata"].get("finalizers") or () if one != finalizer]
        await self._patch(resource, latest, {"finalizers": kept})

    async def _patch(self, resource, obj, metadata):
        """Changes metadata of exactly this version of the object."""
        namespace, name = key_of(obj)
        exact = {key: obj["metadata"][key] for key in ("uid", "resourceVersion")}
        return await self.world.client.patch(resource, name, namespace, {"metadata": {**metadata, **exact}})

    async def _delete(self, resource, obj, propagation):
        namespace, name = key_of(obj)
        try:
            await self.world.client.delete(
                resource, name, namespace, uid=obj["metadata"]["uid"],
                version=obj["metadata"]["resourceVersion"], propagation=propagation)
        except ApiError as error:
            if error.code != 404:
                raise
