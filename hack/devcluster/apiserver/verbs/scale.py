"""The scale subresource: a workload seen as an autoscaling/v1 Scale, and a changed Scale put back into it."""

from ...objects import dig
from ...resources import Resource
from ...selector import of_selector

RESOURCE = Resource("autoscaling", "v1", "scales", "Scale")
KIND, API_VERSION = RESOURCE.kind, RESOURCE.api_version
_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def selector_text(selector):
    """A LabelSelector as the text of a labelSelector parameter."""
    parts = []
    for key, operator, values in sorted(of_selector(selector) or (), key=lambda one: one[0]):
        listed = ",".join(sorted(values))
        if operator == "In":
            single = key in (selector.get("matchLabels") or {})
            parts.append(f"{key}={listed}" if single else f"{key} in ({listed})")
        elif operator == "NotIn":
            parts.append(f"{key} notin ({listed})")
        else:
            parts.append(key if operator == "Exists" else f"!{key}")
    return ",".join(parts)


def _path(text):
    """".spec.replicas" → ("spec", "replicas")"""
    return tuple(part for part in text.split(".") if part)


def of(resource, schema, obj):
    """The Scale of an object."""
    metadata = {field: obj["metadata"][field] for field in _SHOWN if field in obj["metadata"]}
    if schema:
        paths = schema.scale
        wanted = dig(obj, *_path(paths["specReplicasPath"]), default=0)
        status = {"replicas": dig(obj, *_path(paths["statusReplicasPath"]), default=0)}
        if paths.get("labelSelectorPath"):
            status["selector"] = dig(obj, *_path(paths["labelSelectorPath"]), default="")
    else:
        wanted = dig(obj, "spec", "replicas", default=0)
        selector = dig(obj, "spec", "selector", default={})
        if resource.kind == "ReplicationController":
            selector = {"matchLabels": selector}
        status = {"replicas": dig(obj, "status", "replicas", default=0), "selector": selector_text(selector)}
    spec = {"replicas": wanted} if wanted else {}  # a zero is not shown
    return {"kind": KIND, "apiVersion": API_VERSION, "metadata": metadata, "spec": spec, "status": status}


def into(resource, schema, obj, scale):
    """The object at the number of replicas of a Scale."""
    path = _path(schema.scale["specReplicasPath"]) if schema else ("spec", "replicas")
    return _set(obj, path, dig(scale, "spec", "replicas", default=0))


def _set(obj, path, value):
    """A copy of obj with one field changed; what is not on the way to it is shared."""
    if not path:
        return value
    return {**obj, path[0]: _set(obj.get(path[0]) or {}, path[1:], value)}
