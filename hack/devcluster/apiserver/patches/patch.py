"""Patches: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and Kubernetes' strategic merge patch.

Server-side apply is in managed.py. Source of the strategic form: the Kubernetes API conventions and
"Strategic Merge Patch" of the sig-api-machinery documents; which lists merge, and by what key, is in
lists.py.
"""

from ...errors import ApiError
from ...objects import copy
from ...resources import ROWS
from ..kinds.lists import types_for
from . import json_patch

JSON, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"

MAX_OPERATIONS = 10000
DIRECTIVE, RETAIN = "$patch", "$retainKeys"
DELETE_FROM, ORDER = "$deleteFromPrimitiveList", "$setElementOrder"


def apply(content_type, current, patch, resource):
    """The object that a patch makes of `current`, which stays as it is. ApiError as a real server's."""
    if content_type == JSON:
        return _json(current, patch)
    if content_type == MERGE:
        return _merge(current, _map(patch, "error decoding patch: "))
    if content_type == STRATEGIC and resource in ROWS:
        return _strategic(copy(current), _map(copy(patch), ""), types_for(resource))
    raise unsupported()


def unsupported():
    """415, for a patch of a type that the kind does not have."""
    return _bare("415: Unsupported Media Type", "UnsupportedMediaType", 415)


def _bare(message, reason, code):
    error = ApiError(reason, message, code=code)
    error.status["details"] = {}
    return error


def _map(patch, prefix):
    if isinstance(patch, dict):
        return patch
    names = {list: "array", str: "string", bool: "bool", int: "number", float: "number", type(None): "null"}
    raise ApiError("BadRequest", f"{prefix}json: cannot unmarshal {names[type(patch)]} into Go value of type "
                                 "map[string]interface {}")


def _json(current, patch):
    if not isinstance(patch, list):
        raise ApiError("BadRequest", "error decoding patch: json: cannot unmarshal object into Go value of "
                                     "type []handlers.jsonPatchOp")
    if len(patch) > MAX_OPERATIONS:
        raise ApiError("RequestEntityTooLarge", "The allowed maximum operations in a JSON patch is "
                                                f"{MAX_OPERATIONS}, got {len(patch)}")
    try:
        new = json_patch.apply(current, patch)
    except json_patch.Failure:
        new = None
    if not isinstance(new, dict):
        raise _bare("the server rejected our request due to an error in our request", "Invalid", 422)
    return new


def _merge(current, patch):
    """RFC 7386."""
    new = copy(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = _merge(new.get(key), value)
        else:
            new[key] = copy(value)
    return new


def _failure(message):
    """What a real server says of a patch that it cannot make sense of: 500 with no reason."""
    return ApiError.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                        "message": message, "code": 500})


def _strategic(original, patch, types):
    """Merges `patch` into the map `original`; both may be changed and used up."""
    if DIRECTIVE in patch:
        if patch[DIRECTIVE] not in ("replace", "delete"):
            raise _failure(f"unknown patch type: {patch[DIRECTIVE]} in map: {_go([patch])[1:-1]}")
        return {key: patch[key] for key in patch if key != DIRECTIVE} if patch[DIRECTIVE] == "replace" else {}
    _retain_keys(original, patch)
    _ordered_lists(original, patch, types)
    for key, value in patch.items():
        if key.startswith(DELETE_FROM):
            name = _suffix(key, DELETE_FROM, "primitive list")
            if isinstance(value, list) and isinstance(original.get(name), list):
                original[name] = [one for one in original[name] if one not in value]
        elif value is None:
            original.pop(key, None)
        elif isinstance(value, dict) and isinstance(original.get(key), dict):
            below = types.field(key)
            original[key] = value if below.replace else _strategic(original[key], value, below)
        elif isinstance(value, list) and isinstance(original.get(key), list):
            original[key] = _merge_list(original[key], value, types.field(key))
        else:
            _set(original, key, value)
    return original


def _set(original, key, value):
    """Takes a value that meets nothing to be merged with: without its directives, and what they mark."""
    value = _without_directives(value)
    if value is None:
        original.pop(key, None)
    else:
        original[key] = value


def _without_directives(value):
    """The value without nulls and without the maps that carry a directive; None where nothing is left."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None
        cleaned = {key: _without_directives(one) for key, one in value.items()}
        return {key: one for key, one in cleaned.items() if one is not None}
    if isinstance(value, list):
        return [one for one in map(_without_directives, value) if one is not None]
    return value


def _suffix(key, prefix, what):
    _, slash, name = key.partition("/")
    if not slash or not key.startswith(prefix + "/"):
        raise ApiError("BadRequest", f"invalid patch format of {what}")
    return name


def _retain_keys(original, patch):
    retained = patch.pop(RETAIN, None)
    if retained is None:
        return
    given = [key for key, value in patch.items()
             if value is not None and not key.startswith((DELETE_FROM, ORDER))]
    if not isinstance(retained, list) or any(key not in retained for key in given):
        raise ApiError("BadRequest", "invalid patch format of retainKeys")
    for key in set(original) - set(retained):
        del original[key]


def _ordered_lists(original, patch, types):
    """Merges the lists that have a $setElementOrder beside them, and takes both out of the patch."""
    for key in [key for key in patch if key.startswith(ORDER)]:
        order = patch.pop(key)
        name = _suffix(key, ORDER, "setElementOrder list")
        listed, below = patch.pop(name, None), types.field(name)
        if not isinstance(order, list) or not isinstance(listed, list | None):
            raise ApiError("BadRequest", "invalid patch format of setElementOrder list")
        _check_order(listed or [], order, below)
        current = original.get(name)
        if current is None and listed is None:
            continue
        if listed is None:
            merged = current
        elif current is None:
            merged = _without_directives(listed)
        else:
            merged = _merge_list(current, listed, below)
        original[name] = _sorted(merged, order, current or [], below)


def _check_order(listed, order, types):
    """The patch's elements have to be in the order list, in the same sequence."""
    wanted = iter([_identity(one, types) for one in order])
    given = [_identity(one, types) for one in listed if not (isinstance(one, dict) and DIRECTIVE in one)]
    if order and any(one not in wanted for one in given):
        raise _failure(f"The order in patch list:\n{_go(listed)}\n doesn't match {ORDER} "
                       f"list:\n{_go(order)}\n")


def _go(values):
    """A list as Go prints it."""
    texts = ["map[" + " ".join(f"{key}:{value[key]}" for key in sorted(value)) + "]"
             if isinstance(value, dict)
             else str(value) for value in values]
    return "[" + " ".join(texts) + "]"


def _identity(element, types):
    """What tells an element of a merging list from the others."""
    identity = element
    if types.merge:
        if not isinstance(element, dict) or types.merge not in element:
            raise _failure(f"map: {_go([element])[1:-1]} does not contain declared merge key: {types.merge}")
        identity = element[types.merge]
    if isinstance(identity, dict | list):
        raise _failure(f"list element types are not identical: {_go([element])}")
    return identity


def _merge_list(original, patch, types):
    if types.merge is None:
        return patch
    if not types.merge:
        return _sorted(original + [one for one in patch if one not in original], patch, original, types)
    if any(isinstance(one, dict) and one.get(DIRECTIVE) == "replace" for one in patch):
        return [one for one in patch if DIRECTIVE not in one]
    gone = [_identity(one, types) for one in patch if _marked(one)]
    patch = [one for one in patch if not _marked(one)]
    merged = [one for one in original if _identity(one, types) not in gone]
    places = {_identity(one, types): place for place, one in enumerate(merged)}
    for one in patch:
        place = places.get(_identity(one, types))
        if place is None:
            places[_identity(one, types)] = len(merged)
            merged.append(_without_directives(one))
        else:
            merged[place] = _strategic(merged[place], dict(one), types.element)
    return _sorted(merged, patch, original, types)


def _marked(element):
    """Whether an element of a patch asks for its like to be deleted."""
    directive = element.get(DIRECTIVE) if isinstance(element, dict) else None
    if directive not in (None, "delete"):
        raise _failure("merging lists cannot yet be specified in the patch" if directive == "merge"
                       else f"unknown patch type: {directive} in map: {_go([element])[1:-1]}")
    return directive == "delete"


def _sorted(merged, order, original, types):
    """The elements that `order` names in its sequence; the others keep theirs, before what they preceded."""
    places = {_identity(one, types): place for place, one in enumerate(original)}
    wanted = {_identity(one, types): place for place, one in enumerate(order)}
    named = sorted((one for one in merged if _identity(one, types) in wanted),
                   key=lambda one: wanted[_identity(one, types)])
    result, next_named = [], 0
    for other in (one for one in merged if _identity(one, types) not in wanted):
        place = places.get(_identity(other, types), len(original))
        while next_named < len(named) and not place < places.get(_identity(named[next_named], types), -1):
            result.append(named[next_named])
            next_named += 1
        result.append(other)
    return result + named[next_named:]
