"""Whether a value fulfils a structural schema, in the words of a real server.

check() is about types and limits, check_lists() about lists that are sets or maps.
"""

import functools
import json
import re

from ...errors import Cause, duplicate, invalid_value, not_supported, required
from .formats import TESTS

ABSENT = object()  # the old value where there was none: never equal to anything
TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
         dict: "object"}
WIDTHS = {"integer": "int64", "number": "float64"}
RANGES = {"int32": (-2**31, 2**31 - 1), "int64": (-2**63, 2**63 - 1)}


@functools.lru_cache(maxsize=None)
def pattern(text):
    return re.compile(text)


def check(value, node, path, old=ABSENT):
    """The causes. A value that equals the old one is not looked at."""
    if old is not ABSENT and value == old:
        return []
    causes = _check_type(value, node, path)
    if value is None:
        return causes
    causes += _check_alternatives(value, node, path)
    if isinstance(value, bool):
        pass
    elif isinstance(value, str):
        causes += _check_string(value, node, path)
    elif isinstance(value, (int, float)):
        causes += _check_number(value, node, path)
    elif isinstance(value, list):
        causes += _check_array(value, node, path, old)
    if "enum" in node and value not in node["enum"]:
        causes.append(not_supported(path, value, [one if isinstance(one, str) else json.dumps(one)
                                                  for one in node["enum"]]))
    if isinstance(value, dict):
        causes += _check_object(value, node, path, old)
    return causes


def _says(value, path, text):
    return invalid_value(path, value, f"{path} in body {text}")


def _number(limit):
    """A limit as Go prints it: 10, not 10.0."""
    return int(limit) if float(limit).is_integer() else limit


def _wrong_type(path, wanted, found):
    return [Cause("FieldValueTypeInvalid", path,
                  f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"')]


def _check_type(value, node, path):
    wanted = ("integer", "string") if node.get("x-kubernetes-int-or-string") else (node.get("type"),)
    found = TYPES[type(value)]
    if wanted == (None,) or found in wanted or value is None and node.get("nullable"):
        return []
    if found == "integer" and "number" in wanted:
        return []
    if isinstance(value, float) and value.is_integer() and "integer" in wanted:
        return []
    if node.get("format") in RANGES and found not in ("string", "array", "null"):
        return _wrong_type(path, node["format"], WIDTHS.get(found, ""))
    return _wrong_type(path, ",".join(wanted), found)


def _check_alternatives(value, node, path):
    """anyOf, oneOf, allOf, not. Their causes have no field of their own."""
    causes = []

    def say(text):
        causes.append(Cause("FieldValueInvalid", "<nil>", f'Invalid value: "": "{path}" must {text}'))

    if "anyOf" in node:
        results = [check(value, one, path) for one in node["anyOf"]]
        if all(results):
            say("validate at least one schema (anyOf)")
            causes.extend(min(results, key=len))
    if "oneOf" in node:
        results = [check(value, one, path) for one in node["oneOf"]]
        if (valid := results.count([])) != 1:
            found = f"Found {valid} valid alternatives" if valid else "Found none valid"
            say(f"validate one and only one schema (oneOf). {found}")
            causes.extend(() if valid else min(results, key=len))
    if "allOf" in node:
        results = [check(value, one, path) for one in node["allOf"]]
        for result in results:
            causes.extend(result)
        if any(results):
            say("validate all the schemas (allOf)" + (". None validated" if all(results) else ""))
    if "not" in node and not check(value, node["not"], path):
        say("not validate the schema (not)")
    return causes


def _check_string(value, node, path):
    causes = []
    if len(value) > node.get("maxLength", len(value)):
        causes.append(Cause("FieldValueTooLong", path,
                            f"Too long: may not be more than {node['maxLength']} bytes"))
    if len(value) < node.get("minLength", 0):
        causes.append(_says(value, path, f"should be at least {node['minLength']} chars long"))
    if "pattern" in node and not pattern(node["pattern"]).search(value):
        causes.append(_says(value, path, f"should match '{node['pattern']}'"))
    kind = node.get("format")
    if kind in TESTS and not TESTS[kind](value):
        text = f'{path} in body must be of type {kind}: {json.dumps(value)}'
        causes.append(Cause("FieldValueTypeInvalid", path, f"Invalid value: {json.dumps(value)}: {text}"))
    return causes


def _check_number(value, node, path):
    causes = []
    low, high = RANGES.get(node.get("format"), (value, value))
    if not low <= value <= high or node.get("format") in RANGES and not float(value).is_integer():
        causes.append(Cause("FieldValueInvalid", "<nil>", 'Invalid value: "": Checked value must be of type '
                            f'{node.get("type")} with format {node["format"]} in {path}'))
    if "multipleOf" in node and value % node["multipleOf"]:
        causes.append(_says(value, path, f"should be a multiple of {_number(node['multipleOf'])}"))
    maximum, minimum = node.get("maximum", value), node.get("minimum", value)
    if node.get("exclusiveMaximum") and "maximum" in node and value >= maximum:
        causes.append(_says(value, path, f"should be less than {_number(maximum)}"))
    elif value > maximum:
        causes.append(_says(value, path, f"should be less than or equal to {_number(maximum)}"))
    if node.get("exclusiveMinimum") and "minimum" in node and value <= minimum:
        causes.append(_says(value, path, f"should be greater than {_number(minimum)}"))
    elif value < minimum:
        causes.append(_says(value, path, f"should be greater than or equal to {_number(minimum)}"))
    return causes


def _check_count(count, node, path, word):
    """minItems and maxItems, minProperties and maxProperties."""
    least, most = node.get(f"min{word.title()}", 0), node.get(f"max{word.title()}", count)
    if count < least:
        return [_says(count, path, f"should have at least {least} {word}")]
    if count > most:
        return [Cause("FieldValueTooMany", path, f"Too many: {count}: must have at most {most} items")]
    return []


def _check_array(value, node, path, old):
    causes = []
    before = _by_key(old, node) if isinstance(old, list) else {}
    for index, item in enumerate(value):
        causes += check(item, node.get("items", {}), f"{path}[{index}]", before.get(_key(item, node), ABSENT))
    return causes + _check_count(len(value), node, path, "items")


def _check_object(value, node, path, old):
    causes = _check_count(len(value), node, path, "properties")
    properties, rest = node.get("properties", {}), node.get("additionalProperties")
    embedded = node.get("x-kubernetes-embedded-resource")
    for key in sorted(value):
        sub = properties.get(key, rest)
        if isinstance(sub, dict):
            before = old.get(key, ABSENT) if isinstance(old, dict) else ABSENT
            causes += check(value[key], sub, f"{path}.{key}" if path else key, before)
    for key in ("apiVersion", "kind", *node.get("required", ())) if embedded else node.get("required", ()):
        if key not in value:
            causes.append(required(f"{path}.{key}" if path else key))
    return causes


def _key(item, node):
    """What identifies an item of a list that is a map; None elsewhere."""
    if node.get("x-kubernetes-list-type") != "map" or not isinstance(item, dict):
        return None
    return json.dumps([item.get(key) for key in node.get("x-kubernetes-list-map-keys", ())])


def _by_key(items, node):
    found = {_key(item, node): item for item in items}
    found.pop(None, None)
    return found


def check_lists(value, node, path):
    """Duplicates in lists of type set and map, at any depth."""
    causes = []
    if isinstance(value, dict):
        for key in sorted(value):
            sub = node.get("properties", {}).get(key, node.get("additionalProperties"))
            if isinstance(sub, dict):
                causes += check_lists(value[key], sub, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        causes += _check_unique(value, node, path)
        for index, item in enumerate(value):
            causes += check_lists(item, node.get("items", {}), f"{path}[{index}]")
    return causes


def _check_unique(value, node, path):
    kind = node.get("x-kubernetes-list-type")
    keys = node.get("x-kubernetes-list-map-keys", ())
    if kind not in ("set", "map"):
        return []
    seen, causes = {}, []
    for index, item in enumerate(value):
        if kind == "map":
            if not isinstance(item, dict):
                return [invalid_value(f"{path}[{index}]", item,
                                      "must be an object for an array of list-type map")]
            item = {key: item[key] for key in keys if key in item}
        text = json.dumps(item, sort_keys=True)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:  # each duplicate is told once
            causes.append(duplicate(f"{path}[{index}]", item))
    return causes
