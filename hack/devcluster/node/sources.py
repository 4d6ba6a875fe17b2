"""The ConfigMaps and Secrets that pods use: fetched when one asks, then looked at now and then while it is mounted."""

import asyncio
import logging

from ..client import FAILURES

log = logging.getLogger("sources")
PERIOD = 2.0  # seconds between two looks; a kubelet takes up to a minute


class Sources:
    """Run `await sources.run()` in a task."""

    def __init__(self, client):
        self.client = client
        self._known = {}  # (resource, namespace, name) -> object
        self._users = {}  # the same -> functions called when it has changed

    async def get(self, resource, namespace, name, changed=None):
        """The object; ApiError. changed: a function called whenever it changes, until forget(changed)."""
        key = (resource, namespace, name)
        await self._refresh(key)
        if changed is not None:
            self._users.setdefault(key, set()).add(changed)
        return self._known[key]

    def forget(self, changed):
        for users in self._users.values():
            users.discard(changed)

    async def run(self):
        while True:
            await asyncio.sleep(PERIOD)
            for key in list(self._known):
                if not self._users.get(key):  # nobody mounts it any more: the next to ask fetches it anew
                    del self._known[key]
                    self._users.pop(key, None)
                    continue
                try:
                    await self._refresh(key)
                except FAILURES as error:
                    log.info("%s %s/%s: %s", *key, error)  # what is mounted stays as it is

    async def _refresh(self, key):
        resource, namespace, name = key
        new = await self.client.get(resource, name, namespace)
        old, self._known[key] = self._known.get(key), new
        if old is not None and old["metadata"]["resourceVersion"] != new["metadata"]["resourceVersion"]:
            for changed in list(self._users.get(key, ())):
                changed()
