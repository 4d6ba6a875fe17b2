"""What the workload controllers share: which pods count, how pods are made and removed, and who owns what.

Source: kube-controller-manager, pkg/controller/controller_utils.go and controller_ref_manager.go.
"""

import asyncio
import json
import zlib

from ..errors import ApiError
from ..objects import (condition, controller_of, copy, dig, is_over, is_terminating, is_true, key_of, owner_reference,
                       seconds)
from ..selector import matches, of_selector

PARALLEL = 16  # requests of one reconciliation under way at a time
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no word comes out by chance


def phase(pod):
    return dig(pod, "status", "phase", default="")


def is_active(pod):
    return not is_over(pod) and not is_terminating(pod)


def is_ready(pod):
    return is_true(pod, "Ready")


def ready_since(pod):
    """Since when a pod is ready, in seconds since 1970; None where that is not known."""
    ready = condition(pod, "Ready")
    return seconds(ready["lastTransitionTime"]) if ready.get("lastTransitionTime") else None


def is_available(pod, min_ready_seconds, now):
    """Whether a pod has been ready for that long. now: seconds since 1970."""
    if not is_ready(pod):
        return False
    since = ready_since(pod)
    return not min_ready_seconds or since is not None and since + min_ready_seconds <= now


def next_check(pods, min_ready_seconds, now):
    """Seconds until the first of the pods that are only ready becomes available; None where there is none."""
    waiting = [since + min_ready_seconds - now for pod in pods
               if min_ready_seconds and is_ready(pod) and (since := ready_since(pod)) is not None]
    return min((wait for wait in waiting if wait > 0), default=None)


def from_template(template, owner):
    """A pod as its workload wants it, before it has a name."""
    metadata = copy(template.get("metadata") or {})
    prefix = owner["metadata"]["name"] + "-"
    made = {"generateName": prefix, "namespace": owner["metadata"]["namespace"],
            "ownerReferences": [owner_reference(owner)]}
    for field in ("labels", "annotations", "finalizers"):
        if metadata.get(field):
            made[field] = metadata[field]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": copy(template["spec"])}


def plain(value):
    """A value without what means the same as absent: null and empty lists and maps."""
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := plain(item)) not in (None, {}, [])}
    return [plain(item) for item in value] if isinstance(value, list) else value


def same(one, other):
    """Whether two values mean the same to the API."""
    return one == other or plain(one) == plain(other)


def short_hash(value, collision_count=None):
    """A short name for a value, stable over time and the order of keys."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    number = zlib.crc32(f"{text}{'' if collision_count is None else collision_count}".encode())
    return "".join(SAFE_LETTERS[ord(digit) % len(SAFE_LETTERS)] for digit in str(number))


def without_zeros(status, always=()):
    """A status as the API writes it: a count of nothing is absent, but for the fields in `always`."""
    return {key: value for key, value in status.items() if value not in (0, None, "", []) or key in always}


async def claim(world, resource, owner, candidates, is_member=lambda obj: True):
    """Adopts what the owner selects, releases what it no longer does. → the candidates that it has now"""
    requirements = of_selector(owner["spec"]["selector"])
    dying, may_adopt, claimed = is_terminating(owner), None, []
    for obj in candidates:
        fits = matches(requirements, obj["metadata"].get("labels")) and is_member(obj)
        owned = controller_of(obj) is not None
        if owned and fits:
            claimed.append(obj)
        elif owned and not dying:
            await _release(world, resource, owner, obj)
        elif fits and not owned and not dying and not is_terminating(obj):
            if may_adopt is None:
                may_adopt = await _lives(world, owner)
            if may_adopt and (adopted := await _adopt(world, resource, owner, obj)):
                claimed.append(adopted)
    return claimed


async def _lives(world, owner):
    """Asks the server, not the cache: an owner being deleted must not adopt again what it has just let go."""
    namespace, name = key_of(owner)
    try:
        fresh = await world.client.get(owner["kind"].lower() + "s", name, namespace)
    except ApiError as error:
        if error.code != 404:
            raise
        return False
    return fresh["metadata"]["uid"] == owner["metadata"]["uid"] and not is_terminating(fresh)


async def _adopt(world, resource, owner, obj):
    """The adopted object, or None when it is gone."""
    body = {"metadata": {"uid": obj["metadata"]["uid"], "ownerReferences": [owner_reference(owner)]}}
    try:
        return await world.patch(resource, obj, body, kind="strategic")
    except ApiError as error:
        if error.code != 404:
            raise
        return None


async def _release(world, resource, owner, obj):
    reference = {"$patch": "delete", "uid": owner["metadata"]["uid"]}
    body = {"metadata": {"uid": obj["metadata"]["uid"], "ownerReferences": [reference]}}
    try:
        await world.patch(resource, obj, body, kind="strategic")
    except ApiError as error:
        if error.code not in (404, 422):  # gone, or another of that name
            raise


async def slow_start(items, attempt):
    """Calls attempt(item) for one, then two, then four at once …; a failure ends it and is raised."""
    items, done, size = list(items), 0, 1
    while done < len(items):
        await at_once(items[done:done + size], attempt)
        done, size = done + size, min(2 * size, PARALLEL)


async def at_once(items, attempt):
    """Calls attempt(item) for all, PARALLEL at a time; raises the first failure when all have been tried."""
    items, failures = list(items), []
    for start in range(0, len(items), PARALLEL):
        results = await asyncio.gather(*map(attempt, items[start:start + PARALLEL]), return_exceptions=True)
        failures += [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise failures[0]


async def create(world, component, owner, pod):
    """Creates a pod and says so. In a namespace that is being deleted nothing happens."""
    try:
        made = await world.create_unless_ending("pods", pod)
    except ApiError as error:
        world.recorder.event(component, owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
        raise
    if made is not None:
        name = made["metadata"]["name"]
        world.recorder.event(component, owner, "Normal", "SuccessfulCreate", f"Created pod: {name}")


async def delete(world, component, owner, pod):
    """Deletes a pod and says so."""
    try:
        await world.delete("pods", pod)
    except ApiError as error:
        world.recorder.event(component, owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        raise
    name = pod["metadata"]["name"]
    world.recorder.event(component, owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")
