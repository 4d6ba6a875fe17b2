"""What an API server does with a CustomResourceDefinition, as far as a test can do it offline.

`problems` finds what would keep the CRD from being accepted; `default` and `validate` do to an
object what admission does: fill in defaults, then OpenAPI, then the CEL rules.

Source: k8s.io/apiextensions-apiserver, "structural schemas" and the OpenAPI v3 subset they allow.
"""

import copy
import re

import cel
import jsonschema

# Without a bound the API server assumes the worst for the cost of a rule.
BOUNDS = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",)}
FORBIDDEN = {"$ref", "definitions", "deprecated", "discriminator", "readOnly", "writeOnly", "xml",
             "uniqueItems", "patternProperties", "dependencies", "id", "allOf", "oneOf", "not"}
KNOWN = {"type", "format", "title", "description", "default", "enum", "pattern", "minimum",
         "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems",
         "maxItems", "minProperties", "maxProperties", "required", "properties", "items", "anyOf",
         "additionalProperties", "nullable", "x-kubernetes-int-or-string",
         "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
         "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
REASONS = {"FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"}
# Go's RE2 has neither lookaround nor back references; Python would take them.
NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]|\\[zZ]")


def children(schema):
    """(path segment, schema) of everything directly below."""
    for name, child in schema.get("properties", {}).items():
        yield f".{name}", child
    for keyword, segment in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(keyword), dict):
            yield segment, schema[keyword]


def walk(schema, path=""):
    yield path, schema
    for segment, child in children(schema):
        yield from walk(child, path + segment)


def versions(crd):
    for version in crd["spec"]["versions"]:
        yield version["name"], version["schema"]["openAPIV3Schema"]


def problems(crd):
    """Sentences that say what is wrong with the CRD; none when all is well."""
    spec, names = crd["spec"], crd["spec"]["names"]
    if crd["metadata"]["name"] != f"{names['plural']}.{spec['group']}":
        yield "metadata.name must be <plural>.<group>"
    if names["plural"] != names["plural"].lower() or names["singular"] != names["kind"].lower():
        yield "plural and singular must be the kind in lower case"
    if names["listKind"] != names["kind"] + "List":
        yield "listKind must be the kind with List"
    if [v["storage"] for v in spec["versions"]].count(True) != 1:
        yield "exactly one version must be stored"
    for _, root in versions(crd):
        for path, schema in walk(root):
            for problem in (*structure(schema, path), *list_types(schema),
                            *bounds(schema, path), *rules(schema, path)):
                yield f"{path or 'the root'}: {problem}"


def structure(schema, path):
    for keyword in sorted(schema.keys() - KNOWN | schema.keys() & FORBIDDEN):
        yield f"{keyword} is not allowed in a structural schema"
    int_or_string = schema.get("x-kubernetes-int-or-string")
    if int_or_string and ("type" in schema or schema.get("anyOf") != INT_OR_STRING):
        yield "an int-or-string has no type and the usual anyOf"
    if not int_or_string and ("type" not in schema or "anyOf" in schema):
        yield "exactly one type is needed"
    if "properties" in schema and "additionalProperties" in schema:
        yield "properties and additionalProperties exclude each other"
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield f"{name} is required but not a property"
    if path != ".metadata" and not path.endswith("{}") and not schema.get("description"):
        yield "a description is missing"
    if path == ".metadata" and schema.keys() - {"type"}:
        yield "metadata is the API server's"
    if "pattern" in schema:
        re.compile(schema["pattern"])
        if NOT_RE2.search(schema["pattern"]) or not re.match(r"\^.*\$$", schema["pattern"]):
            yield "the pattern must be RE2 and anchored at both ends"


def list_types(schema):
    if schema.get("type") != "array":
        return
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("atomic", "set", "map"):
        yield "the list type is missing, so two appliers would fight over the list"
    for key in schema.get("x-kubernetes-list-map-keys", []):
        if kind != "map" or key not in schema["items"].get("required", []):
            yield f"{key} must be required in the items of a list of type map"


def bounds(schema, path):
    kind = schema.get("type")
    unbounded = not any(keyword in schema for keyword in BOUNDS.get(kind, ()))
    if kind in BOUNDS and unbounded and path not in (".apiVersion", ".kind"):
        yield f"one of {', '.join(BOUNDS[kind])} is missing"
    if kind == "object" and "additionalProperties" in schema and "maxProperties" not in schema:
        yield "maxProperties is missing"
    if kind == "integer" and ("minimum" not in schema or "format" not in schema):
        yield "minimum or format is missing"
    if "default" in schema:
        # as it is written: rules are held against it before nested defaults are filled in
        for error in errors_of(schema, copy.deepcopy(schema["default"]), ""):
            yield f"its default is not valid: {error}"


def rules(schema, path):
    if schema.get("x-kubernetes-validations") and schema.get("x-kubernetes-int-or-string"):
        # its estimate is of a text of 3 MiB, times the elements of the list around it
        yield "a rule on an int-or-string is over the API server's budget; use minimum and pattern"
    for rule in schema.get("x-kubernetes-validations", []):
        if not rule.get("message") or "\n" in rule["message"]:
            yield "a rule needs a message of one line"
        if rule.get("reason") not in REASONS:
            yield f"unknown reason {rule.get('reason')}"
        if "fieldPath" in rule and not resolve(schema, rule["fieldPath"].split(".")[1:]):
            yield f"fieldPath {rule['fieldPath']} does not exist"
        try:
            expression = cel.parse(rule["rule"])
        except cel.CelError as error:
            yield f"{rule['rule']!r}: {error}"
            continue
        for name, *chain in cel.fields(expression):
            at_root = not path and chain == ["metadata", "name"]
            if name == "self" and not at_root and not resolve(schema, chain):
                yield f"self.{'.'.join(chain)} does not exist"


def resolve(schema, chain):
    for name in chain:
        schema = schema.get("properties", {}).get(name)
        if schema is None:
            return None
    return schema


def fill(schema, value):
    """Defaults as the API server sets them: first a property's own, then those inside it."""
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
            if name in value:
                value[name] = fill(child, value[name])
    if isinstance(value, list) and "items" in schema:
        value = [fill(schema["items"], item) for item in value]
    return value


def strict(schema):
    """The schema as JSON Schema that refuses unknown fields, as strict field validation does."""
    result = {k: v for k, v in schema.items() if not k.startswith("x-kubernetes-")}
    if "properties" in schema:
        result["properties"] = {k: strict(v) for k, v in schema["properties"].items()}
    if "items" in schema:
        result["items"] = strict(schema["items"])
    if schema.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def errors_of(schema, value, path):
    """What is wrong with a value that has its defaults, as sentences that begin with the path.

    As on the API server, rules run only on what the schema accepts.
    """
    found = []
    for error in jsonschema.Draft4Validator(strict(schema)).iter_errors(value):
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.path)
        found.append(f"{path}{where}: {error.message}")
    return found or list(errors_of_rules(schema, value, path))


def errors_of_rules(schema, value, path):
    for rule in schema.get("x-kubernetes-validations", []):
        try:
            holds = cel.evaluate(cel.parse(rule["rule"]), {"self": value})
        except cel.CelError as error:
            yield f"{path}: rule {rule['rule']!r} cannot be evaluated: {error}"
            continue
        if holds is not True:
            yield f"{path}{rule.get('fieldPath', '')}: {rule['message']}"
    if isinstance(value, list):
        keys = schema.get("x-kubernetes-list-map-keys", [])
        seen = [tuple(item.get(key) for key in keys) for item in value if isinstance(item, dict)]
        if keys and len(set(seen)) < len(seen):
            yield f"{path}: Duplicate value"
        for number, item in enumerate(value):
            yield from errors_of_rules(schema.get("items", {}), item, f"{path}[{number}]")
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                yield from errors_of_rules(child, value[name], f"{path}.{name}")


def default(crd, value):
    (_, schema), = versions(crd)
    return fill(schema, copy.deepcopy(value))


def validate(crd, value):
    """What admission would report of an object, after defaults; an empty list when it is good."""
    (_, schema), = versions(crd)
    relaxed = copy.deepcopy(schema)
    relaxed["properties"]["metadata"] = {"type": "object", "additionalProperties": True}
    return errors_of(relaxed, default(crd, value), "")
