"""One object in the several versions it is served at.

Custom kinds have no conversion: another version is the same object under another apiVersion. Of the built-in
kinds only Event is served twice, by the core group and by events.k8s.io; it is stored as the core group has
it.
"""

from ...resources import find

_CORE_EVENT, _NEW_EVENT = find("events"), find("events.events.k8s.io")

# core/v1 -> events.k8s.io/v1; what has the same name in both is not listed
_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_OLD_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}
# what an Event shows even where it is empty
_CORE_EMPTY = {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": None,
               "reportingComponent": "", "reportingInstance": ""}
_NEW_EMPTY = {"eventTime": None, "deprecatedSource": {}, "deprecatedFirstTimestamp": None,
              "deprecatedLastTimestamp": None}


def storage(resource):
    """(group, plural): the name of a kind in the store, the same for all its versions."""
    return ("", "events") if resource is _NEW_EVENT else (resource.group, resource.plural)


def served(resource, obj):
    """A stored object at the version of a resource; the same object where nothing differs."""
    if resource is _NEW_EVENT:
        return _event(_NEW_EVENT, _EVENT_FIELDS, _NEW_EMPTY, obj)
    if obj.get("apiVersion") == resource.api_version:
        return obj
    return {**obj, "apiVersion": resource.api_version}


def stored(resource, obj):
    """An object of a resource as the store keeps it."""
    if resource is _NEW_EVENT:
        return _event(_CORE_EVENT, _OLD_FIELDS, _CORE_EMPTY, obj)
    if resource is _CORE_EVENT:
        return {"kind": "Event", "apiVersion": "v1", "metadata": obj["metadata"], **_CORE_EMPTY, **obj}
    return obj


def _event(resource, names, empty, obj):
    renamed = {names.get(field, field): value for field, value in obj.items()}
    return {"kind": "Event", "apiVersion": resource.api_version, "metadata": renamed.pop("metadata"), **empty,
            **{field: value for field, value in renamed.items()
               if field not in ("kind", "apiVersion") and (value not in ("", None) or field in empty)}}
