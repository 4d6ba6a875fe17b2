"""Every object of the cluster, in memory: one counter of versions, and a bounded history that watches resume
from.

Nothing here waits, so each call is atomic. What is stored is never changed in place: an Item is one version
of one object, and its bytes are made at most once for all who list or watch it. Kinds are keyed by (group,
plural), whatever version of the group they were written at.
"""

import asyncio
import bisect
import collections
import json
import typing

from ...errors import ApiError

HISTORY = 4096  # events kept of each kind
BACKLOG = 16384  # events that a watch may lag behind before it is cut


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(value):
    return _encoder.encode(value).encode(errors="replace")  # half a surrogate pair is not UTF-8


def expired(version, floor):
    return ApiError("Expired", f"too old resource version: {version} ({floor})")


class Item:
    """One version of one object."""

    __slots__ = ("obj", "version", "_data")

    def __init__(self, obj, version):
        self.obj = obj
        self.version = version
        self._data = None

    @property
    def data(self):
        if self._data is None:
            self._data = encode(self.obj)
        return self._data


class Event(typing.NamedTuple):
    """A change of one object from `old` to `new`; None is absent. `last` is what is said about it."""

    version: int
    key: str
    old: Item | None
    new: Item | None
    last: Item


class Kind:
    """The objects of one kind, sorted by key, and what lately happened to them."""

    __slots__ = ("items", "keys", "history", "floor", "feeds")

    def __init__(self, floor):
        self.items = {}
        self.keys = []
        self.history = collections.deque()
        self.floor = floor  # versions up to this one can be resumed from no more
        self.feeds = set()


class Feed:
    """The changes of one kind from the moment of its making. Read `events`; wait() for more."""

    def __init__(self, kind):
        self.events = collections.deque()
        self.cut = False
        self._kind = kind
        self._waiter = None
        kind.feeds.add(self)

    def close(self):
        self._kind.feeds.discard(self)

    def offer(self, event):
        if len(self.events) >= BACKLOG:
            self.end()
        else:
            self.events.append(event)
            self._wake()

    def end(self):
        """Ends the watch from the server's side."""
        self.cut = True
        self.close()
        self._wake()

    def _wake(self):
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds):
        """Returns when there are events, the feed is cut, or the time is up."""
        if self.events or self.cut:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(max(seconds, 0), self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


def key_for(namespace, name):
    return f"{namespace}/{name}"


class Store:
    def __init__(self):
        self.version = 1
        self._kinds = {}

    def kind(self, name):
        """name: (group, plural)."""
        if name not in self._kinds:
            self._kinds[name] = Kind(0)
        return self._kinds[name]

    def get(self, kind, namespace, name):
        """The Item, or None."""
        return self.kind(kind).items.get(key_for(namespace, name))

    def put(self, kind, obj):
        """Stores an object as the newest version of its key. obj belongs to the store from here on."""
        table = self.kind(kind)
        key = key_for(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        old = table.items.get(key)
        new = self._next(obj)
        if old is None:
            bisect.insort(table.keys, key)
        table.items[key] = new
        self._tell(table, Event(new.version, key, old, new, new))
        return new

    def remove(self, kind, item):
        """Takes an object out; the Item of its last state, at the version of its removal."""
        table = self.kind(kind)
        metadata = item.obj["metadata"]
        key = key_for(metadata.get("namespace", ""), metadata["name"])
        old = table.items.pop(key)
        del table.keys[bisect.bisect_left(table.keys, key)]
        last = self._next(item.obj)
        self._tell(table, Event(last.version, key, old, None, last))
        return last

    def _next(self, obj):
        self.version += 1
        return at_version(obj, self.version)

    def _tell(self, table, event):
        table.history.append(event)
        if len(table.history) > HISTORY:
            table.floor = table.history.popleft().version
        for feed in tuple(table.feeds):
            feed.offer(event)

    def select(self, kind, namespace=""):
        """[(key, Item)] sorted by key; of one namespace, or of all."""
        table = self.kind(kind)
        keys = table.keys
        if namespace:
            first = bisect.bisect_left(keys, namespace + "/")
            keys = keys[first:bisect.bisect_left(keys, namespace + "0")]  # "0" comes right after "/"
        return [(key, table.items[key]) for key in keys]

    def select_at(self, kind, version, namespace=""):
        """The same as it was at an earlier version. ApiError 410 where that is no longer known."""
        items = dict(self.select(kind, namespace))
        prefix = namespace + "/" if namespace else ""
        for event in reversed(self.since(kind, version)):
            if not event.key.startswith(prefix):
                continue
            if event.old is None:
                items.pop(event.key, None)
            else:
                items[event.key] = event.old
        return sorted(items.items())

    def since(self, kind, version):
        """The events after a version, oldest first. ApiError 410 where some are forgotten."""
        table = self.kind(kind)
        if version < table.floor:
            raise expired(version, table.floor)
        events = []
        for event in reversed(table.history):
            if event.version <= version:
                break
            events.append(event)
        events.reverse()
        return events

    def subscribe(self, kind):
        return Feed(self.kind(kind))

    def forget_history(self):
        """Makes every version before now too old to resume from."""
        for table in self._kinds.values():
            table.history.clear()
            table.floor = self.version

    def cut_watches(self, kind=None):
        """Ends the running watches of one kind, or of all."""
        for name, table in self._kinds.items():
            if kind is None or kind == name:
                for feed in tuple(table.feeds):
                    feed.end()


def at_version(obj, version):
    """The same object under another resourceVersion."""
    return Item({**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}, version)
