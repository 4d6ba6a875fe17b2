"""What a real server refuses in a CustomResourceDefinition: names, versions, schemas not structural.

Source: "Extend the Kubernetes API with CustomResourceDefinitions", "Specifying a structural schema".
"""

import re

from ...errors import Cause, forbidden_field, invalid_value, not_supported, required
from . import values

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_TEXT = ("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
              "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
              "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")
TYPES = ("array", "boolean", "integer", "number", "object", "string")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
APPROVAL = "api-approved.kubernetes.io"
PROTECTED = (".k8s.io", ".kubernetes.io")


def check(crd, old=None):
    """The causes; with the old version also of what may not change."""
    spec = crd["spec"]
    names, group = spec.get("names") or {}, spec.get("group") or ""
    causes = []
    if crd["metadata"]["name"] != f"{names.get('plural', '')}.{group}":
        causes.append(invalid_value("metadata.name", crd["metadata"]["name"],
                                    'must be spec.names.plural+"."+spec.group'))
    if not group:
        causes.append(required("spec.group"))
    if group.endswith(PROTECTED) and APPROVAL not in (crd["metadata"].get("annotations") or {}):
        causes.append(required(f"metadata.annotations[{APPROVAL}]", (
            f'protected groups must have approval annotation "{APPROVAL}", see '
            "https://github.com/kubernetes/enhancements/pull/1111")))
    if not spec.get("scope"):
        causes.append(required("spec.scope"))
    elif spec["scope"] not in ("Cluster", "Namespaced"):
        causes.append(not_supported("spec.scope", spec["scope"], ("Cluster", "Namespaced")))
    causes += _check_versions(crd)
    causes += _check_names(names)
    if (spec.get("conversion") or {}).get("strategy", "None") != "None":
        causes.append(forbidden_field("spec.conversion.strategy", "this server converts nothing"))
    if spec.get("preserveUnknownFields"):
        causes.append(invalid_value("spec.preserveUnknownFields", True, (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema "
            "instead")))
    return causes + (_check_update(crd, old) if old else [])


def _check_update(crd, old):
    causes = []
    missing = {one["name"] for one in crd["spec"]["versions"]}
    for index, name in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if name not in missing:
            causes.append(invalid_value(f"status.storedVersions[{index}]", name, (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and "
                f"removes {name} from status.storedVersions")))
    for *keys, last in (("group",), ("scope",), ("names", "plural"), ("names", "kind")):
        new, before = crd["spec"], old["spec"]
        for key in keys:
            new, before = new[key], before[key]
        if new.get(last) != before.get(last):
            causes.append(invalid_value(".".join(("spec", *keys, last)), new.get(last), "field is immutable"))
    return causes


def _check_names(names):
    causes = []
    wanted = [("plural", ""), ("singular", ""), ("kind", "may have mixed case, but should otherwise match: "),
              ("listKind", "may have mixed case, but should otherwise match: ")]
    for key, hint in wanted:
        value = names.get(key) or ""
        if not value:
            causes.append(required(f"spec.names.{key}"))
        elif not LABEL.fullmatch(value.lower() if hint else value):
            causes.append(invalid_value(f"spec.names.{key}", value, hint + LABEL_TEXT))
    for key in ("shortNames", "categories"):
        for index, value in enumerate(names.get(key) or ()):
            if not LABEL.fullmatch(value):
                causes.append(invalid_value(f"spec.names.{key}[{index}]", value, LABEL_TEXT))
    return causes


def _check_versions(crd):
    versions = crd["spec"].get("versions") or []
    causes = []
    if sum(bool(one.get("storage")) for one in versions) != 1:
        causes.append(invalid_value("spec.versions", versions,
                                    "must have exactly one version marked as storage version"))
        causes.append(invalid_value("status.storedVersions", None, "must have at least one stored version"))
    if len({one["name"] for one in versions}) != len(versions):
        causes.append(invalid_value("spec.versions", versions, "must contain unique version names"))
    # a schema that all versions share is reported as if it stood once, at the top
    shared = all(one.get("schema") == versions[0].get("schema") for one in versions)
    for index, one in enumerate(versions):
        path = f"spec.versions[{index}]"
        if not LABEL.fullmatch(one["name"]):
            causes.append(invalid_value(f"{path}.name", one["name"], LABEL_TEXT))
        root = (one.get("schema") or {}).get("openAPIV3Schema")
        if root is None:
            causes.append(required(f"{path}.schema.openAPIV3Schema"))
        elif not shared or not index:
            where = "spec.validation" if shared else f"{path}.schema"
            causes += _check_root(root, f"{where}.openAPIV3Schema")
        causes += _check_views(one, "spec" if shared and len(versions) == 1 else path)
    return causes


def _check_views(version, path):
    """Columns and the scale subresource."""
    causes = []
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        where = f"{path}.additionalPrinterColumns[{index}]"
        if column.get("type") not in COLUMN_TYPES:
            causes.append(invalid_value(f"{where}.type", column.get("type"),
                                        f"must be one of {','.join(COLUMN_TYPES)}"))
        if not column.get("jsonPath", "").startswith("."):
            causes.append(invalid_value(f"{where}.JSONPath", column.get("jsonPath"),
                                        "must be a simple json path starting with ."))
    scale = (version.get("subresources") or {}).get("scale") or {}
    for key in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath"):
        if key in scale and not scale[key].startswith("."):
            causes.append(invalid_value(f"{path}.subresources.scale.{key}", scale[key],
                                        "must be a simple json path starting with ."))
    return causes


def _check_root(root, path):
    causes = []
    if root.get("type") not in (None, "object"):
        causes.append(invalid_value(f"{path}.type", root["type"], "must be object at the root"))
    metadata = root.get("properties", {}).get("metadata", {})
    if set(metadata) - {"type", "properties", "description"} or set(metadata.get("properties", ())) - {
            "name", "generateName"}:
        causes.append(forbidden_field(f"{path}.properties[metadata]", (
            "must not specify anything other than name and generateName, but metadata is implicitly "
            "specified")))
    return causes + _check_node(root, path, "at the root")


def _check_node(node, path, place):
    """One node of a structural schema, and those below it."""
    kind = node.get("type")
    free = node.get("x-kubernetes-int-or-string") or node.get("x-kubernetes-preserve-unknown-fields")
    causes = []
    if "$ref" in node:
        causes.append(forbidden_field(f"{path}.$ref", "$ref is not supported"))
    if not kind and not free:
        causes.append(required(f"{path}.type", f"must not be empty {place}"))
    elif kind and kind not in TYPES:
        causes.append(not_supported(f"{path}.type", kind, TYPES))
    if kind == "array" and "items" not in node:
        causes.append(required(f"{path}.items", "must be specified"))
    if "additionalProperties" in node and "properties" in node:
        causes.append(forbidden_field(f"{path}.additionalProperties",
                                      "additionalProperties and properties are mutual exclusive"))
    if "pattern" in node:
        causes += _check_pattern(node["pattern"], f"{path}.pattern")
    if "default" in node:
        causes += [Cause(reason, f"{path}.default" + ("" if field in ("", "<nil>") else f".{field}"), message)
                   for reason, field, message in values.check(node["default"], node, "")]
    causes += _check_list_map(node, path)
    causes += _check_logic(node, path)
    for key, sub in node.get("properties", {}).items():
        causes += _check_node(sub, f"{path}.properties[{key}]", "for specified object fields")
    if isinstance(node.get("additionalProperties"), dict):
        causes += _check_node(node["additionalProperties"], f"{path}.additionalProperties",
                              "for specified object fields")
    if "items" in node:
        causes += _check_node(node["items"], f"{path}.items", "for specified array items")
    return causes


def _check_pattern(text, path):
    try:
        values.pattern(text)
    except re.error as error:
        return [invalid_value(path, text, f"must be a valid regular expression, but isn't: {error}")]
    return []


def _check_list_map(node, path):
    if node.get("x-kubernetes-list-type") != "map":
        return []
    keys = node.get("x-kubernetes-list-map-keys") or ()
    if not keys:
        return [required(f"{path}.x-kubernetes-list-map-keys",
                         "must not be empty if x-kubernetes-list-type is map")]
    items = node.get("items", {})
    properties = items.get("properties", {})
    hint = ("this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
            "property")
    return [required(f"{path}.items.properties[{key}].default", hint) for key in keys
            if key not in items.get("required", ()) and "default" not in properties.get(key, {})]


def _check_logic(node, path):
    """anyOf, oneOf, allOf and not may only restrict, never say types or defaults of their own."""
    causes = []
    both = bool(node.get("x-kubernetes-int-or-string"))
    for key in ("allOf", "anyOf", "oneOf"):
        if both and key == "anyOf" and node.get(key) == INT_OR_STRING:
            continue
        for index, sub in enumerate(node.get(key, ())):
            causes += _check_value_rule(sub, f"{path}.{key}[{index}]")
    if "not" in node:
        causes += _check_value_rule(node["not"], f"{path}.not")
    return causes


def _check_value_rule(node, path):
    causes = [forbidden_field(f"{path}.{key}", "must be empty to be structural")
              for key in ("type", "additionalProperties", "nullable") if node.get(key)]
    if "default" in node:
        causes.append(forbidden_field(f"{path}.default", "must be undefined to be structural"))
    for key, sub in node.get("properties", {}).items():
        causes += _check_value_rule(sub, f"{path}.properties[{key}]")
    if "items" in node:
        causes += _check_value_rule(node["items"], f"{path}.items")
    return causes + _check_logic(node, path)
