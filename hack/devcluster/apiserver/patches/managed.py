"""Who owns which field of an object: metadata.managedFields after every write, and server-side apply.

Source: the Kubernetes documentation, "Server-Side Apply", and apimachinery's pkg/util/managedfields.
"""

import json

from ...errors import ApiError, Cause
from ...objects import copy
from ...resources import ROWS
from ..kinds.prepare import kind_of
from . import fieldsets
from .fieldsets import compare, difference, given, intersection, step_of, union

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
CLIENT_SIDE = "kubectl"  # the manager whose applied fields kubectl wrote into the annotation before
NOT_TRACKED = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields",
               "resourceVersion")
_TEMPLATE = {"metadata": {}, "spec": {"containers": None}}
# what an object of a Go type shows before anything is set: structures that are never absent, and so nobody's
ZERO = {
    "Pod": {"spec": {"containers": None}, "status": {}},
    "Deployment.apps": {"spec": {"template": _TEMPLATE, "strategy": {}}, "status": {}},
    "StatefulSet.apps": {"spec": {"serviceName": "", "template": _TEMPLATE, "updateStrategy": {}},
                         "status": {}},
    "DaemonSet.apps": {"spec": {"template": _TEMPLATE, "updateStrategy": {}}, "status": {}},
    "ReplicaSet.apps": {"spec": {"template": _TEMPLATE}, "status": {}},
    "Job.batch": {"spec": {"template": _TEMPLATE}, "status": {}},
    "CronJob.batch": {"spec": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
                      "status": {}},
    "PersistentVolumeClaim": {"spec": {"resources": {}}, "status": {}},
    "NetworkPolicy.networking.k8s.io": {"spec": {"podSelector": {}}},
    "HorizontalPodAutoscaler.autoscaling": {"spec": {"scaleTargetRef": {}}, "status": {}},
    "CustomResourceDefinition.apiextensions.k8s.io": {"spec": {"names": {}}, "status": {}},
}
ANY_ZERO = {"spec": {}, "status": {}}


def track(old, new, manager, operation, subresource, resource, types, now):
    """Sets new's managedFields to what they are once `manager` made it of old (None: of nothing).

    new's metadata is replaced, since it may be shared with old.
    """
    entries = _entries(old, new, subresource)
    metadata = new["metadata"] = dict(new["metadata"])
    changed = removed = None
    if old is None or entries:
        before, after = (_seen(obj, resource, subresource) for obj in (old, new))
        changed, removed = compare(before, after, types)
    if changed or removed:
        lost = union(changed, removed)
        kept = [{**one, "fieldsV1": left} for one in entries if (left := difference(one["fieldsV1"], lost))]
        entries = _with(kept, entries, _entry(manager, operation, subresource, resource), changed, now)
    _store(metadata, entries)


def _entries(old, new, subresource):
    """The entries to go on from: those of the request, unless it has none or they are not its to change."""
    sent = new["metadata"].get("managedFields")
    if old is None:
        return []
    if sent is not None and sent in ([], [{}]) and not subresource:
        return []
    if sent and not subresource:
        return sent
    return old["metadata"].get("managedFields") or []


def _seen(obj, resource, subresource):
    """The part of an object that a write through a subresource can change, without what nobody owns."""
    if obj is None:
        return ZERO.get(kind_of(resource), ANY_ZERO if resource in ROWS else {}) | {"metadata": {}}
    custom = resource not in ROWS
    seen = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion", "metadata")}
    if subresource == "status":
        seen = {"status": obj["status"]} if "status" in obj else {}
    elif "status" in resource.subresources:
        seen.pop("status", None)
    if not (custom and subresource == "status"):
        seen["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in NOT_TRACKED}
    return seen


def _entry(manager, operation, subresource, resource):
    entry = {"manager": manager, "operation": operation, "apiVersion": resource.api_version}
    return {**entry, "subresource": subresource} if subresource else entry


def _same(one, other):
    return all(one.get(key) == other.get(key)
               for key in ("manager", "operation", "apiVersion", "subresource"))


def _with(kept, before, entry, changed, now):
    """The entries with what one manager changed added to its own."""
    if not changed:
        return kept
    own = next((one["fieldsV1"] for one in before if _same(one, entry)), None)
    left = next((one["fieldsV1"] for one in kept if _same(one, entry)), None)
    fields = union(left, changed) if own is not None else changed
    return [one for one in kept if not _same(one, entry)] + [_filled(entry, fields, now)]


def _filled(entry, fields, now):
    subresource = {"subresource": entry["subresource"]} if "subresource" in entry else {}
    return {"manager": entry["manager"], "operation": entry["operation"], "apiVersion": entry["apiVersion"],
            "time": now, "fieldsType": "FieldsV1", "fieldsV1": fields, **subresource}


def _store(metadata, entries):
    if not entries:
        metadata.pop("managedFields", None)
        return
    metadata["managedFields"] = sorted(entries, key=lambda one: (
        one["operation"], one.get("time", ""), one["manager"], one["apiVersion"], one.get("subresource", "")))


def server_side_apply(live, intent, manager, force, resource, subresource, types, now):
    """The object that applying `intent` to `live` (None: there is none) makes, with its managedFields.

    ApiError 409 where it would take fields from others, unless force.
    """
    _check(intent, resource, types)
    entry = _entry(manager, "Apply", subresource, resource)
    applied = _applied(intent, resource, subresource, types)
    if live is None:
        new = copy(intent)
        new["metadata"] = dict(new["metadata"])
        _store(new["metadata"], [_filled(entry, applied, now)] if applied else [])
        return new
    entries = live["metadata"].get("managedFields") or []
    last = next((one for one in entries if _same(one, entry)), None)
    others = [one for one in entries if not _same(one, entry)]
    new = _merge(live, intent, types)
    if last:
        kept = applied
        for one in others:
            kept = union(kept, one["fieldsV1"])
        new = _prune(new, last["fieldsV1"], kept or {}, types)
    changed, removed = compare(_seen(live, resource, subresource), _seen(new, resource, subresource), types)
    if not force:
        _refuse_conflicts(others, changed, _allowed(manager, live, resource, subresource, types))
    lost = union(changed, removed)
    kept = [{**one, "fieldsV1": left} for one in others if (left := difference(one["fieldsV1"], lost))]
    if applied:
        unchanged = last and not lost and last["fieldsV1"] == applied
        kept.append(last if unchanged else _filled(entry, applied, now))
    new["metadata"] = dict(new["metadata"])
    _store(new["metadata"], kept)
    return new


def _applied(intent, resource, subresource, types):
    """The fields that an applied configuration, or what kubectl wrote down of one, makes its manager's."""
    seen = _seen(intent, resource, subresource)
    if not seen.get("metadata"):  # there was nothing but a name
        seen.pop("metadata", None)
    return given(seen, types)


def _check(intent, resource, types):
    if (intent.get("apiVersion"), intent.get("kind")) != (resource.api_version, resource.kind):
        raise ApiError("BadRequest",
                       f"invalid object type: {intent.get('apiVersion')}, Kind={intent.get('kind')}")
    metadata = intent.get("metadata") or {}
    if metadata.get("managedFields") is not None:
        raise ApiError("BadRequest", "metadata.managedFields must be nil")
    found = _duplicate(intent, types, "")
    if found:
        where = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {resource.api_version}"
        error = ApiError("InternalError", "failed to create typed patch object "
                                          f"({where}, Kind={resource.kind}): {found}")
        del error.status["reason"]
        raise error


def _duplicate(value, types, path):
    """The first element that an applied list has twice, in words."""
    seen = set()
    for step, one, below in fieldsets.children(value, types):
        shown = next(fieldsets.paths({step: {}}))
        if step in seen:
            return f"{path}: duplicate entries for key {shown}"
        seen.add(step)
        if fieldsets.is_granular(one, below) and (found := _duplicate(one, below, path + shown)):
            return found
    return None


def _merge(live, intent, types):
    """Live with what is applied laid over it; shares what is not changed."""
    if not fieldsets.is_granular(intent, types) or type(live) is not type(intent):
        return copy(intent)
    if isinstance(intent, dict):
        merged = {key: _merge(live.get(key), value, types.field(key)) for key, value in intent.items()}
        return {**live, **merged}
    ours = {step_of(one, types): one for one in live}
    theirs = {step_of(one, types): one for one in intent}
    merged = []
    left, right = iter(ours), iter(theirs)
    here, there = next(left, None), next(right, None)
    while here is not None or there is not None:
        if here is not None and here not in theirs:  # not ours to move
            merged.append(ours[here])
            here = next(left, None)
        elif there is not None and there not in ours:
            merged.append(copy(theirs[there]))
            there = next(right, None)
        else:
            merged.append(_merge(ours[there], theirs[there], types.element))
            here, there = next(left, None), next(right, None)
    return merged


def _prune(value, last, kept, types):
    """The value without what was applied last time and is nobody's any more."""
    if not fieldsets.is_granular(value, types):
        return value
    gone = {step for step in last if step != fieldsets.SELF and step not in kept}
    pruned = []
    for step, one, below in fieldsets.children(value, types):
        if step not in gone:
            pruned.append((step, _prune(one, last[step], kept[step], below) if step in last else one))
    return {step[2:]: one for step, one in pruned} if isinstance(value, dict) else [one for _, one in pruned]


def _allowed(manager, live, resource, subresource, types):
    """What kubectl may take over without force: fields it applied client-side that are as it applied them."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if manager != CLIENT_SIDE or not text:
        return None
    try:
        last = json.loads(text)
        before = _seen(last, resource, subresource)
    except (ValueError, KeyError):  # not an object that kubectl wrote
        return None
    changed, removed = compare(before, _seen(live, resource, subresource), types)
    return difference(_applied(last, resource, subresource, types), union(changed, removed))


def _refuse_conflicts(others, changed, allowed):
    conflicts = []
    for one in others:
        taken = difference(intersection(one["fieldsV1"], changed), allowed)
        if taken:
            conflicts.append((_shown(one), list(fieldsets.paths(taken))))
    if not conflicts:
        return
    conflicts.sort()
    count = sum(len(paths) for _, paths in conflicts)
    if count == 1:
        who, (path,) = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {who}: {path}"
    else:
        lines = [line for who, paths in conflicts
                 for line in (f"conflicts with {who}:", *(f"- {path}" for path in paths))]
        message = f"Apply failed with {count} conflicts: " + "\n".join(lines)
    causes = [Cause("FieldManagerConflict", path, f"conflict with {who}") for who, paths in conflicts
              for path in paths]
    raise ApiError("Conflict", message, details={"causes": [
        {"reason": reason, "message": text, "field": field} for reason, field, text in causes]})


def _shown(entry):
    text = f'"{entry["manager"]}"'
    if entry.get("subresource"):
        text += f' with subresource "{entry["subresource"]}"'
    return f"{text} using {entry['apiVersion']}" if entry["operation"] == "Update" else text
