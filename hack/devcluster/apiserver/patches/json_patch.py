"""JSON Patch (RFC 6902) as a real API server applies it: lenient where its library is, which python3-jsonpatch is not.

A `replace` of a member that is not there adds it, a `copy` of one is null. The texts of failures of a webhook's
patch are shown to the user.
"""

import json

from ...objects import copy


class Failure(Exception):
    """A patch that does not apply."""


def apply(obj, operations):
    """A patched copy of obj."""
    document = copy(obj)
    for operation in operations:
        if not isinstance(operation, dict):
            raise Failure("Unexpected kind: unknown")
        kind, path = operation.get("op"), operation.get("path")
        if kind not in OPERATIONS:
            raise Failure(f"Unexpected kind: {kind or 'unknown'}")
        if not all(isinstance(operation.get(field, ""), str) for field in ("path", "from")):
            raise Failure(f"{kind} operation does not apply: a path is no string")
        if path == "" and kind == "replace":
            document = copy(operation.get("value"))
            continue
        OPERATIONS[kind](document, path, operation)
    return document


def _find(document, path, kind):
    """(container, key) that a path names; the container has to be there."""
    *parents, key = (part.replace("~1", "/").replace("~0", "~") for part in (path or "").split("/"))
    for part in parents[1:]:
        document = _get(document, part)
    if not parents or not isinstance(document, (dict, list)):
        raise Failure(f'{kind} operation does not apply: doc is missing path: "{path}": missing value')
    return document, key


def _get(container, key):
    """A member or an item; None where there is none."""
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list) and key.lstrip("-").isdigit():
        return container[int(key)] if -len(container) <= int(key) < len(container) else None
    return None


def _index(key, limit, what, path):
    """A key of a list as a number within limits."""
    if not key.lstrip("-").isdigit():
        raise Failure(f"{what} for path: '{path}': value was not a proper array index: '{key}'")
    index = int(key)
    if not -limit <= index < limit:
        raise Failure(f"{what} for path: '{path}': Unable to access invalid index: {index}: invalid index "
                      "referenced")
    return index + limit if index < 0 else index


def _put(document, path, value, kind):
    container, key = _find(document, path, kind)
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(key, len(container) + 1, "error in add", path), value)


def _add(document, path, operation):
    _put(document, path, copy(operation.get("value")), "add")


def _remove(document, path, _):
    container, key = _find(document, path, "remove")
    if isinstance(container, list):
        del container[_index(key, len(container), "error in remove", path)]
    elif key in container:
        del container[key]
    else:
        raise Failure(f"error in remove for path: '{path}': Unable to remove nonexistent key: {key}: "
                      "missing value")


def _replace(document, path, operation):
    container, key = _find(document, path, "replace")
    if isinstance(container, list):
        if _get(container, key) is None:
            raise Failure(f"replace operation does not apply: doc is missing key: {path}: missing value")
        key = int(key)
    container[key] = copy(operation.get("value"))


def _move(document, path, operation):
    value = _get(*_find(document, operation.get("from"), "move"))
    _remove(document, operation.get("from"), None)
    _put(document, path, value, "move")


def _copy(document, path, operation):
    _put(document, path, copy(_get(*_find(document, operation.get("from"), "copy"))), "copy")


def _test(document, path, operation):
    found = document
    if path:
        found = _get(*_find(document, path, "test"))
    wanted = operation.get("value")
    if json.dumps(found, sort_keys=True) != json.dumps(wanted, sort_keys=True):
        raise Failure(f"testing value {path} failed: test failed")


OPERATIONS = {"add": _add, "remove": _remove, "replace": _replace, "move": _move, "copy": _copy,
              "test": _test}
