"""The admission that is compiled into a real API server, as far as its effects are seen.

A pod that names a PriorityClass that is not there gets the default one.
"""

from ... import errors
from ...objects import dig
from ...resources import find
from ..storage.versions import storage
from . import accounts

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public")
TOLERATION_SECONDS = 300
NAMESPACES, PODS, CLASSES = (storage(find(name)) for name in ("namespaces", "pods", "priorityclasses"))


def check_namespace(store, request, metadata):
    """NamespaceLifecycle: nothing is created in a namespace that is not there, or is going away."""
    if not request.namespace:
        return
    item = store.get(NAMESPACES, "", request.namespace)
    if item is None:
        raise errors.not_found(find("namespaces"), request.namespace)
    if "deletionTimestamp" not in item.obj["metadata"]:
        return
    name = metadata.get("name") or metadata.get("generateName") or "Unknown"
    error = errors.forbidden(request.resource, name, "unable to create new content in namespace "
                             f"{request.namespace} because it is being terminated")
    error.status["details"]["causes"] = [{"reason": "NamespaceTerminating", "field": "metadata.namespace",
                                          "message": f"namespace {request.namespace} is being terminated"}]
    raise error


def check_delete(request):
    """NamespaceLifecycle: some namespaces stay."""
    if storage(request.resource) == NAMESPACES and request.name in SYSTEM_NAMESPACES:
        raise errors.forbidden(request.resource, request.name, "this namespace may not be deleted")


def complete(store, request, obj):
    """Fills in, in place, what built-in admission adds to a new object."""
    if storage(request.resource) == PODS and isinstance(obj.get("spec"), dict):
        accounts.complete(store, request, obj)
        _complete_pod(store, obj["spec"])
    label_namespace(request.resource, obj)


def _complete_pod(store, spec):
    item = store.get(CLASSES, "", spec["priorityClassName"]) if spec.get("priorityClassName") else None
    spec.setdefault("priority", item.obj["value"] if item else 0)
    spec.setdefault("preemptionPolicy",
                    dig(item and item.obj, "preemptionPolicy", default="PreemptLowerPriority"))
    _tolerate(spec)


def _tolerate(spec):
    """DefaultTolerationSeconds: a pod stays some minutes on a node that fell silent."""
    tolerations = list(spec.get("tolerations") or ())
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key") in (key, None, "") and one.get("effect") in ("NoExecute", None, "")
                   for one in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute",
                                "tolerationSeconds": TOLERATION_SECONDS})
    spec["tolerations"] = tolerations


def label_namespace(resource, obj):
    """The label with a namespace's own name: set once it has one, and not to be lost."""
    if storage(resource) == NAMESPACES and obj["metadata"].get("name"):
        labels = obj["metadata"].get("labels") or {}
        obj["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": obj["metadata"]["name"]}


def complete_update(request, new):
    """What it adds to an object that is changed: nobody gets rid of these."""
    label_namespace(request.resource, new)
    if storage(request.resource) == PODS and not request.subresource:
        _tolerate(new["spec"])
