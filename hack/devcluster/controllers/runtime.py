"""What every controller stands on: caches shared by all, writes that enter them at once, and a queue of keys.

A controller names what it watches, says which keys a changed object concerns, and reconciles key after key
from the caches. It never waits: it returns after how many seconds it wants to be asked again.
"""

import asyncio
import collections
import contextlib
import functools
import heapq
import logging

from ..cache import Cache
from ..client import FAILURES
from ..errors import ApiError
from ..objects import controller_of, is_terminating, key_of
from ..recorder import Recorder
from ..resources import find
from ..selector import selects

FIRST_RETRY, LAST_RETRY = 0.005, 10.0  # seconds; doubled at each failure


class World:
    """The cluster as the controllers know it."""

    def __init__(self, client):
        self.client = client
        self.caches = {}
        self.recorder = Recorder(client)
        # (resource, owner's uid; of an orphan its namespace) -> keys
        self._owned = collections.defaultdict(set)

    def cache(self, name):
        resource = find(name)
        if resource not in self.caches:
            self.caches[resource] = cache = Cache(self.client, resource)
            cache.listeners.append(functools.partial(self._index, resource))
        return self.caches[resource]

    def _index(self, resource, old, new):
        for obj, change in ((old, set.discard), (new, set.add)):
            if obj is not None:
                owner = controller_of(obj)
                change(self._owned[resource, owner["uid"] if owner else key_of(obj)[0]], key_of(obj))

    def get(self, name, namespace, obj_name):
        return self.cache(name).get(namespace, obj_name)

    def owned(self, name, owner):
        """The objects of a kind whose controller is `owner`, by name."""
        cache = self.cache(name)
        return [cache.objects[key] for key in sorted(self._owned[cache.resource, owner["metadata"]["uid"]])]

    def related(self, name, owner):
        """The objects of a kind that `owner` controls, and those in its namespace that nothing controls."""
        cache = self.cache(name)
        orphans = self._owned[cache.resource, owner["metadata"]["namespace"]]
        return self.owned(name, owner) + [cache.objects[key] for key in orphans]

    async def create(self, name, obj):
        new = await self.client.create(name, obj)
        self.cache(name).observe(new)
        return new

    async def create_unless_ending(self, name, obj):
        """Creates it; None where its namespace is on its way out and takes no more objects."""
        try:
            return await self.create(name, obj)
        except ApiError as error:
            if not error.has_cause("NamespaceTerminating"):
                raise
            return None

    async def replace(self, name, obj, subresource=None):
        new = await self.client.replace(name, obj, subresource=subresource)
        self.cache(name).observe(new)
        return new

    async def patch(self, name, obj, body, *, kind="merge", subresource=None):
        """Patches the object that `obj` is a version of; body is as the patch type wants it."""
        namespace, obj_name = key_of(obj)
        new = await self.client.patch(name, obj_name, namespace, body, kind=kind, subresource=subresource)
        self.cache(name).observe(new)
        return new

    async def delete(self, name, obj, **options):
        """Deletes exactly this object (its uid is a precondition). One that is gone already is no error."""
        namespace, obj_name = key_of(obj)
        try:
            answer = await self.client.delete(name, obj_name, namespace, uid=obj["metadata"]["uid"],
                                              **options)
        except ApiError as error:
            if error.code != 404:
                raise
            answer = {"kind": "Status"}
        if answer["kind"] == "Status" or not is_terminating(answer):
            self.cache(name).forget(obj)
        else:
            self.cache(name).observe(answer)


class Controller:
    """Subclasses set `watches`, and define keys() and reconcile()."""

    watches = ()
    workers = 1  # keys that are reconciled at a time; one key is never reconciled twice at once

    def __init__(self, world):
        self.world = world
        self.log = logging.getLogger(type(self).__name__.lower())
        self._due = {}  # key -> time of the loop at which it is reconciled
        self._heap = []  # (time, key); what _due does not confirm is stale
        self._wake = asyncio.Event()
        self._busy = {}  # key being reconciled -> whether it came up again meanwhile
        self._failures = collections.Counter()
        for resource in self.watches:
            world.cache(resource).listeners.append(functools.partial(self._changed, resource))

    def keys(self, resource, obj):
        """The keys that a change of obj concerns. Called for the old and for the new version."""
        raise NotImplementedError

    async def reconcile(self, namespace, name):
        """Brings one key nearer to what it should be. Returns seconds after which to ask again, or None."""
        raise NotImplementedError

    def owner_keys(self, kind, resource, obj):
        """The keys that an owned object concerns: its controller's, or of an orphan those that select it."""
        namespace, _ = key_of(obj)
        owner = controller_of(obj)
        if owner is not None:
            return [(namespace, owner["name"])] if owner["kind"] == kind else []
        return [key for key, one in self.world.cache(resource).objects.items()
                if key[0] == namespace and selects(one["spec"].get("selector"), obj)]

    def _changed(self, resource, old, new):
        for obj in (old, new):
            if obj is not None:
                for key in self.keys(resource, obj):
                    self.enqueue(key)

    def enqueue(self, key, after=0.0):
        """Has a key reconciled in `after` seconds, or sooner if that is settled already."""
        due = asyncio.get_running_loop().time() + after
        if key not in self._due or due < self._due[key]:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            self._wake.set()

    async def _next(self):
        """Waits for the next key that is due."""
        while True:
            while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
                heapq.heappop(self._heap)
            wait = self._heap[0][0] - asyncio.get_running_loop().time() if self._heap else None
            if wait is not None and wait <= 0:
                key = heapq.heappop(self._heap)[1]
                del self._due[key]
                if key not in self._busy:
                    self._busy[key] = False
                    return key
                self._busy[key] = True
                continue
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):  # not wait_for(), which can lose a cancellation
                    await self._wake.wait()

    async def run(self):
        """Reconciles for ever. A failure is logged and tried again, each time a little later."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.workers):
                tasks.create_task(self._work())

    async def _work(self):
        while True:
            key = await self._next()
            try:
                again = await self.reconcile(*key)
            except FAILURES as error:
                self._retry(key, str(error) or repr(error))
            except Exception:  # a defect of one object must not stop the others
                self.log.exception("%s/%s", *key)
                self._retry(key, "see above")
            else:
                self._failures.pop(key, None)
                if again is not None:
                    self.enqueue(key, again)
            finally:
                if self._busy.pop(key):
                    self.enqueue(key)

    def _retry(self, key, why):
        delay = min(FIRST_RETRY * 2 ** self._failures[key], LAST_RETRY)
        self._failures[key] += 1
        self.log.info("%s/%s: %s; again in %.2f s", *key, why, delay)
        self.enqueue(key, delay)


async def run_all(world, controllers):
    """Fills the caches, then runs every controller. Ends by being cancelled, or with the first defect."""
    async with asyncio.TaskGroup() as tasks:
        for cache in world.caches.values():
            tasks.create_task(cache.run())
        await asyncio.gather(*(cache.synced.wait() for cache in world.caches.values()))
        tasks.create_task(world.recorder.run())
        for controller in controllers:
            tasks.create_task(controller.run())
