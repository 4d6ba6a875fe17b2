"""A local copy of the objects of a kind, kept up to date by list and watch.

Our own writes enter through observe() and forget() at once, so that nothing is ever decided from something older
than what we wrote ourselves; the events that the server sends about them later change nothing.
"""

import asyncio
import logging

from .client import UNREACHABLE
from .errors import ApiError
from .objects import key_of, version_of
from .resources import find

log = logging.getLogger("cache")
GONE_KEPT = 4096  # uids of objects deleted lately, so that a late event does not bring one back


class Cache:
    """objects: {(namespace, name): object}; treat them as immutable.

    Each function in `listeners` is called as (old, new), None for what is not there, whenever an object changes.
    Run `await cache.run()` in a task; `await cache.synced.wait()` for the first list.
    """

    def __init__(self, client, resource, *, fields=None, metadata_only=False):
        self.client = client
        self.resource = find(resource)
        self.fields = fields
        self.metadata_only = metadata_only
        self.objects = {}
        self.listeners = []
        self.synced = asyncio.Event()
        self._gone = {}  # uid -> None, in order of deletion

    def get(self, namespace, name):
        return self.objects.get((namespace, name))

    def values(self):
        return list(self.objects.values())

    def observe(self, new):
        """Takes in an object as a server sent it, unless what is known is newer."""
        if new["metadata"]["uid"] in self._gone:
            return
        new.setdefault("apiVersion", self.resource.api_version)
        new.setdefault("kind", self.resource.kind)
        old = self.objects.get(key_of(new))
        if old is not None:
            same = old["metadata"]["uid"] == new["metadata"]["uid"]
            if version_of(new) < version_of(old) or same and version_of(new) == version_of(old):
                return
        self.objects[key_of(new)] = new
        self._tell(old, new)

    def forget(self, obj):
        """Drops an object that is gone."""
        uid = obj["metadata"]["uid"]
        self._gone[uid] = None
        if len(self._gone) > GONE_KEPT:
            del self._gone[next(iter(self._gone))]
        old = self.objects.get(key_of(obj))
        if old is not None and old["metadata"]["uid"] == uid:
            del self.objects[key_of(obj)]
            self._tell(old, None)

    def _tell(self, old, new):
        for listener in self.listeners:
            listener(old, new)

    async def run(self):
        """Lists, watches and, whatever happens, begins again; ends only by being cancelled."""
        pause = 0.1
        while True:
            try:
                version = await self._list()
                pause = 0.1
                while True:
                    version = await self._watch(version)
            except ApiError as error:
                if error.code != 410:
                    log.warning("%s: %s", self.resource.qualified, error.message)
            except (*UNREACHABLE, ValueError) as error:
                log.warning("%s: %r", self.resource.qualified, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5)

    async def _list(self):
        before = dict(self.objects)
        items, version = await self.client.list(
            self.resource, fields=self.fields, metadata_only=self.metadata_only)
        listed = {item["metadata"]["uid"] for item in items}
        for item in items:
            self.observe(item)
        for old in before.values():  # what was written while the list was under way is not in `before`
            if old["metadata"]["uid"] not in listed:
                self.forget(old)
        self.synced.set()
        return version

    async def _watch(self, version):
        """Follows the stream to its end; the version to go on from."""
        async for kind, obj in self.client.watch(self.resource, version, fields=self.fields, seconds=300,
                                                 metadata_only=self.metadata_only):
            version = obj["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self.forget(obj)
            elif kind != "BOOKMARK":
                self.observe(obj)
        return version
