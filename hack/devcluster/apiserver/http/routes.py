"""Paths and methods → Request: which resource, which object of it, and which verb."""

import functools

from ...resources import find
from ..request import Request
from . import bodies

# method -> (verb on one object, verb on a collection)
_METHODS = {"GET": ("get", "list"), "HEAD": ("get", "list"), "POST": (None, "create"),
            "PUT": ("update", None), "PATCH": ("patch", None), "DELETE": ("delete", "deletecollection")}
# subresources that take other verbs than get, update and patch
_VERBS = {"binding": ("create",), "eviction": ("create",), "token": ("create",), "log": ("get",),
          "finalize": ("update",)}
_CHANGED = ("get", "update", "patch")


def not_found():
    return bodies.detailed("NotFound", "the server could not find the requested resource")


def not_allowed():
    return bodies.detailed("MethodNotAllowed",
                           "the server does not allow this method on the requested resource")


@functools.lru_cache(maxsize=4096)
def split(path):
    """(group, version, namespace, plural, name, subresource) of a path below /api or /apis.

    "" stands for what is not there. None for a path that names no resource.
    """
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, *rest = ["", *parts[1:]]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, *rest = parts[1:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in find("namespaces").subresources:
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        return None
    plural, name, subresource = (*rest, "", "")[:3]
    return group, version, namespace, plural, name, subresource


def verb_of(method, resource, name, subresource, query):
    """The verb of a request; 405 where the resource does not have it."""
    if subresource:
        verbs = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}
        verb = verbs.get(method)
        if verb not in _VERBS.get(subresource, _CHANGED):
            raise not_allowed()
        return verb
    verb = _METHODS.get(method, (None, None))[0 if name else 1]
    if verb not in resource.verbs:
        raise not_allowed()
    if verb == "list" and query.get("watch") in ("1", "true"):
        return "watch"
    return verb


def resolve(registry, method, found, query):
    """The Request that a method and a split path stand for. 404 and 405 as a real server answers them."""
    group, version, namespace, plural, name, subresource = found
    resource = registry.find(group, version, plural)
    if resource is None or subresource and subresource not in resource.subresources:
        raise not_found()
    if namespace and not resource.namespaced:
        raise not_found()
    verb = verb_of(method, resource, name, subresource, query)
    if resource.namespaced and not namespace and (name or verb in ("create", "deletecollection")):
        raise not_found() if name else not_allowed()
    return Request(verb, resource, namespace, name, subresource, query)
