"""Events, written by controllers and nodes: each told once and then counted, as client-go's recorder does it.

An Event that says the same again raises `count`; an object about which too much is said is heard less.
Writing has a queue of its own, so that no reconciliation waits for an Event.

Source: client-go, tools/record: EventCorrelator.
"""

import asyncio
import collections
import logging
import time

from .client import FAILURES
from .errors import ApiError
from .objects import key_of, now

log = logging.getLogger("recorder")

BURST = 25  # Events about one object at once
REFILL = 300.0  # seconds until it may have one more
SIMILAR = 10  # messages for one reason about one object; from there on they are one Event …
SIMILAR_FOR = 600.0  # … while they come within so many seconds of each other
COMBINED = "(combined from similar events): "
KEPT = 4096  # Events, and objects, that are remembered
MESSAGE_LIMIT = 1024  # bytes, by the API


class Recorder:
    """What a component says; `await recorder.run()` in a task writes it. host: the node that it speaks for."""

    def __init__(self, client, host=""):
        self.client = client
        self.host = host
        self._queue = asyncio.Queue(maxsize=1000)
        self._told = collections.OrderedDict()  # what was said -> the Event as the server has it
        self._similar = collections.OrderedDict()  # what but for the message -> (messages, when the last)
        self._tokens = collections.OrderedDict()  # (component, uid) -> (tokens, since when)

    def event(self, component, obj, kind, reason, message, field=""):
        """Says something about an object, or the field of it at a path. kind: Normal or Warning."""
        subject, at = (component, obj["metadata"]["uid"], field), time.monotonic()
        key, message = self._combine((*subject, kind, reason), message[:MESSAGE_LIMIT], at)
        if self._allowed(subject[:2], at) and not self._queue.full():
            self._queue.put_nowait((key, component, obj, kind, reason, message, field))

    def _combine(self, key, message, at):
        """(what makes two Events one, the message): from some number on, messages only differ in vain."""
        messages, since = self._similar.pop(key, (set(), at))
        if at - since > SIMILAR_FOR:
            messages = set()
        remember(self._similar, key, (messages, at))
        messages.add(message)
        if len(messages) < SIMILAR:
            return (*key, message), message
        messages.discard(message)
        return key, COMBINED + message

    def _allowed(self, key, at):
        tokens, since = self._tokens.pop(key, (BURST, at))
        tokens = min(BURST, tokens + (at - since) / REFILL)
        allowed = tokens >= 1
        remember(self._tokens, key, (tokens - allowed, at))
        return allowed

    async def run(self):
        """Writes what is said; ends only by being cancelled."""
        while True:
            key, *said = await self._queue.get()
            try:
                remember(self._told, key, await self._write(self._told.pop(key, None), *said))
            except FAILURES as error:
                log.info("%s: %s", said[3], error)

    async def _write(self, told, component, obj, kind, reason, message, field):
        """told: the Event that says so already, if there is one. → the Event as it is then"""
        if told:
            body = {"count": told["count"] + 1, "lastTimestamp": now(), "message": message}
            namespace, name = key_of(told)
            try:
                return await self.client.patch("events", name, namespace, body, kind="strategic")
            except ApiError as error:
                if error.code != 404:
                    raise
        return await self.client.create("events", self._new(component, obj, kind, reason, message, field))

    def _new(self, component, obj, kind, reason, message, field):
        metadata, stamp = obj["metadata"], now()
        namespace = metadata.get("namespace", "default")
        about = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "namespace": namespace,
                 "name": metadata["name"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        source = {"component": component}
        if field:
            about["fieldPath"] = field
        if self.host:
            source["host"] = self.host
        return {
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": about, "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": stamp, "lastTimestamp": stamp, "source": source,
            "reportingComponent": component, "reportingInstance": self.host}


def remember(table, key, value):
    table[key] = value
    if len(table) > KEPT:
        table.popitem(last=False)
