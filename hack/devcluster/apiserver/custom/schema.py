"""What the schema of a custom resource does to an object: drop the unknown, fill in defaults, validate.

Source: "Extend the Kubernetes API with CustomResourceDefinitions". CEL rules are not evaluated.
"""

import functools
import logging

from ...objects import copy
from . import values

log = logging.getLogger("schema")

META = ("apiVersion", "kind", "metadata")
METADATA_FIELDS = frozenset((
    "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
    "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
    "resourceVersion", "selfLink", "uid"))
# with one of these in a result, a real server does not evaluate CEL rules and says so
BLOCKING = frozenset(("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong",
                      "FieldValueTooMany", "FieldValueTypeInvalid"))
NOT_EVALUATED = values.Cause("FieldValueInvalid", "<nil>", (
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
    "existing errors to complete validation"))
SET_BY_ALL = {"type": "object", "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"},
                                               "metadata": {"type": "object"}}}


class Schema:
    """`version` is one of spec.versions of a CRD; `scale` has the paths of its scale subresource, or None."""

    def __init__(self, version, name=""):
        root = version["schema"]["openAPIV3Schema"]
        self.scale = (version.get("subresources") or {}).get("scale")
        self.root = root | {"properties": SET_BY_ALL["properties"] | root.get("properties", {})}
        self.has_rules = _any_rule(root)
        if self.has_rules:
            _notice(name)

    def default(self, obj):
        """Fills in defaults and drops nulls that are not allowed, in place."""
        _default(obj, self.root)

    def prune(self, obj):
        """Drops what the schema does not know, in place. The paths of what was dropped, sorted."""
        dropped = []
        _prune(obj, self.root, "", dropped, True)
        return sorted(dropped)

    def validate(self, obj, old=None, subresource=""):
        """What is wrong with an object. What is unchanged since `old` passes, as on a real server."""
        if subresource == "status":
            return self._validate_status(obj, old)
        before = values.ABSENT if old is None else old
        causes = values.check(obj, self.root, "", before)
        causes += self._check_scale(obj)
        causes += values.check_lists(obj, self.root, "") if not self._broken_lists(old) else []
        return self._with_rules(causes)

    def _broken_lists(self, old):
        return old is not None and bool(values.check_lists(old, self.root, ""))

    def _validate_status(self, obj, old):
        if "status" not in obj:
            return []
        before = (old or {}).get("status", values.ABSENT)
        node = self.root["properties"].get("status", {})
        causes = values.check(obj["status"], node, "status", before)
        return self._with_rules(causes + values.check_lists(obj["status"], node, "status"))

    def _with_rules(self, causes):
        blocked = self.has_rules and any(reason in BLOCKING for reason, _, _ in causes)
        return causes + [NOT_EVALUATED] if blocked else causes

    def _check_scale(self, obj):
        """The replica counts that the scale subresource reads."""
        causes = []
        for key in ("specReplicasPath", "statusReplicasPath") if self.scale else ():
            value = obj
            for part in self.scale[key].removeprefix(".").split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if isinstance(value, int) and value < 0:
                causes.append(
                    values.invalid_value(self.scale[key], value, "should be a non-negative integer"))
        return causes


@functools.lru_cache(maxsize=None)
def _notice(name):
    """Said once of each schema, however often it is read."""
    log.warning("%s: x-kubernetes-validations (CEL rules) are not evaluated by this server", name)


def _any_rule(node):
    if isinstance(node, dict):
        return "x-kubernetes-validations" in node or any(map(_any_rule, node.values()))
    return isinstance(node, list) and any(map(_any_rule, node))


def child(node, key):
    """The schema of a map's value: its property, else what additionalProperties says; None for no schema."""
    found = node.get("properties", {}).get(key)
    if found is None and isinstance(node.get("additionalProperties"), dict):
        return node["additionalProperties"]
    return found


def _default(value, node):
    if isinstance(value, dict):
        for key, property_ in node.get("properties", {}).items():
            if "default" in property_ and (key not in value or _null(value[key], property_)):
                value[key] = copy(property_["default"])
        for key in list(value):
            sub = child(node, key)
            if sub is None:
                continue
            if _null(value[key], sub):
                if "default" not in sub:
                    del value[key]
                    continue
                value[key] = copy(sub["default"])
            _default(value[key], sub)
    elif isinstance(value, list) and "items" in node:
        for index, item in enumerate(value):
            if _null(item, node["items"]) and "default" in node["items"]:
                value[index] = copy(node["items"]["default"])
            _default(value[index], node["items"])


def _null(value, node):
    return value is None and not node.get("nullable")


def _prune(value, node, path, dropped, resource=False):
    """resource: value is an object with apiVersion, kind and metadata, whatever its schema says."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            _prune(item, node and node.get("items"), f"{path}[{index}]", dropped)
        return
    if not isinstance(value, dict):
        return
    resource = resource or bool(node and node.get("x-kubernetes-embedded-resource"))
    for key in list(value):
        below = f"{path}.{key}" if path else key
        if resource and key in META:
            if key == "metadata" and isinstance(value[key], dict):
                _prune_metadata(value[key], below, dropped)
            continue
        known = node is not None and (key in node.get("properties", {}) or node.get("additionalProperties"))
        if known:
            _prune(value[key], child(node, key), below, dropped)
        elif not (node and node.get("x-kubernetes-preserve-unknown-fields")):
            dropped.append(below)
            del value[key]


def _prune_metadata(metadata, path, dropped):
    for key in [key for key in metadata if key not in METADATA_FIELDS]:
        dropped.append(f"{path}.{key}")
        del metadata[key]
