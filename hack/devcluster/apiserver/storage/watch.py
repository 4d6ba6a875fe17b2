"""A watch: what a client is told of a kind from a version on, as one JSON document a line.

An object that stops matching the selectors is DELETED for the watcher, one that comes to match is ADDED.
"""

import asyncio
import random

from ... import errors
from ...errors import ApiError
from .store import at_version

BOOKMARK_EVERY = 60.0  # seconds
LAST_BOOKMARK = 2.0  # seconds before the end
LONGEST_WAIT = 5.0  # seconds after which a client that has gone away is noticed
MIN_TIMEOUT = 1800  # seconds; a watch that names no timeout lasts this long to twice as long


def check(query):
    """What a real server demands of the parameters of a watch."""
    causes = []
    initial, match = query.get("sendInitialEvents"), query.get("resourceVersionMatch")
    if initial is not None and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(errors.forbidden_field("resourceVersionMatch", why))
    elif initial is None and match:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(errors.forbidden_field("resourceVersionMatch", why))
    if causes:
        raise errors.bad_options(*causes)


class Watch:
    """One watch, from its making on. `view` turns objects into bytes, `matches` is what it selects."""

    def __init__(self, store, kind, query, *, namespace, matches, view):
        check(query)
        self._store = store
        self._prefix = namespace + "/" if namespace else ""
        self._matches = matches
        self._view = view
        self._bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        self._initial_mark = self._bookmarks and query.get("sendInitialEvents") == "true"
        self._seconds = int(query.get("timeoutSeconds") or 0) or MIN_TIMEOUT * (1 + random.random())
        self._first = self._start(kind, query, namespace)
        self._feed = store.subscribe(kind)

    def _start(self, kind, query, namespace):
        """The lines that come before anything new happens."""
        version = query.get("resourceVersion") or "0"
        if not version.isdigit():
            raise ApiError("BadRequest", f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: '
                                         f'parsing "{version}": invalid syntax')
        self._from = int(version)
        if self._initial_mark or self._from == 0 and query.get("sendInitialEvents") != "false":
            lines = [self._view.event("ADDED", item) for _, item in self._store.select(kind, namespace)
                     if self._matches(item.obj)]
            self._from = self._store.version
            if self._initial_mark:
                lines.append(self._view.bookmark(self._store.version, initial_end=True))
            return lines
        if self._from == 0:
            self._from = self._store.version
        try:
            events = self._store.since(kind, self._from)
        except ApiError as error:
            return self._failed(error)
        return [line for event in events if (line := self._line(event))]

    def _failed(self, error):
        self._seconds = 0
        self._bookmarks = False
        return [self._view.error(error.status)]

    def _line(self, event):
        """An event as the watcher sees it; None where it concerns nothing that matches."""
        if not event.key.startswith(self._prefix) or event.version <= self._from:
            return None
        was = event.old is not None and self._matches(event.old.obj)
        now = event.new is not None and self._matches(event.new.obj)
        if now:
            return self._view.event("MODIFIED" if was else "ADDED", event.new)
        if was:
            last = event.last if event.new is None else at_version(event.old.obj, event.version)
            return self._view.event("DELETED", last)
        return None

    def _next_bookmark(self, now, end):
        """About once a minute, and once shortly before the end so that a client can resume from there."""
        if not self._bookmarks:
            return end + BOOKMARK_EVERY
        last = end - LAST_BOOKMARK
        return min(now + BOOKMARK_EVERY, last) if last > now else now + BOOKMARK_EVERY

    def close(self):
        self._feed.close()

    async def run(self, send, connected):
        """Sends lines until the time is up, the feed is cut or the client is gone. connected() tells that."""
        clock = asyncio.get_running_loop().time
        end = clock() + self._seconds
        bookmark = self._next_bookmark(clock(), end)
        if self._first:
            await send(b"".join(self._first))
            self._first = ()
        while clock() < end and not self._feed.cut and connected():
            await self._feed.wait(min(end - clock(), bookmark - clock(), LONGEST_WAIT))
            lines = []
            while self._feed.events:
                if line := self._line(self._feed.events.popleft()):
                    lines.append(line)
            if clock() >= bookmark:
                lines.append(self._view.bookmark(self._store.version))
                bookmark = self._next_bookmark(clock(), end)
            if lines:
                await send(b"".join(lines))
