"""Field selectors: which fields of a kind can be selected by, and their values as strings."""

import functools

from ...errors import ApiError
from ...objects import dig
from ...resources import ROWS

NAME, NAMESPACE = "metadata.name", "metadata.namespace"
INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _at(path):
    keys = path.split(".")
    return lambda obj: dig(obj, *keys, default="")


def _flag(path):
    keys = path.split(".")
    return lambda obj: dig(obj, *keys, default=False)


def _plain(*paths):
    return {path: _at(path) for path in paths}


def _first_ip(pod):
    addresses = dig(pod, "status", "podIPs", default=())
    return addresses[0].get("ip", "") if addresses else dig(pod, "status", "podIP", default="")


def _source(event):
    return dig(event, "source", "component", default="") or event.get("reportingComponent", "")


# kind.group -> {path: function of an object}, beside the name and the namespace
KINDS = {
    "Pod": _plain("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
                  "status.phase", "status.nominatedNodeName") | {
        "spec.hostNetwork": _flag("spec.hostNetwork"), "status.podIP": _first_ip, "status.podIPs": _first_ip},
    "Node": {"spec.unschedulable": _flag("spec.unschedulable")},
    "ReplicationController": {"status.replicas": lambda obj: dig(obj, "status", "replicas", default=0)},
    "Namespace": _plain("status.phase"),
    "Secret": _plain("type"),
    "Service": _plain("spec.clusterIP", "spec.type"),
    "Job.batch": {"status.successful": lambda obj: dig(obj, "status", "succeeded", default=0)},
    "Event": {"source": _source} | _plain("reason", "reportingComponent", "type",
                                          *(f"involvedObject.{one}" for one in INVOLVED)),
    "Event.events.k8s.io": _plain("reason", "reportingController", "type",
                                  *(f"regarding.{one}" for one in INVOLVED)),
}


@functools.lru_cache(maxsize=512)
def _getters(resource, selectable):
    kind = resource.kind + (f".{resource.group}" if resource.group else "")
    getters = KINDS.get(kind, {}) | {NAME: _at(NAME)} | _plain(*(path.lstrip(".") for path in selectable))
    if resource.namespaced:
        getters[NAMESPACE] = _at(NAMESPACE)
    return getters


def check(resource, paths, selectable=()):
    """ApiError for the first path that the kind cannot be selected by.

    `selectable` is a tuple of the jsonPaths of a custom kind's selectableFields.
    """
    known = _getters(resource, selectable)
    kind = resource.kind + (f".{resource.group}" if resource.group else "")
    for path in paths:
        if path in known:
            continue
        if kind in KINDS or path == NAMESPACE or resource not in ROWS:
            raise ApiError("BadRequest", f"field label not supported: {path}")
        raise ApiError("BadRequest", f'"{path}" is not a known field selector: only "{NAME}", "{NAMESPACE}"')


def values(resource, obj, selectable=()):
    """{path: string} of every field that an object can be selected by."""
    return {path: _text(get(obj)) for path, get in _getters(resource, selectable).items()}


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
