"""Objects as a Table, the form that kubectl get asks for.

Source: the Kubernetes documentation, "Receiving resources as Tables". Columns of built-in kinds are in
columns.py; those of custom kinds are JSONPath expressions. Descriptions, which nobody is shown, are left out.
"""

import functools
import json
import re

from .ages import since
from .columns import BY_KIND, NAME, OTHERS

COMPLETED = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


def render(resource, items, metadata, include="Metadata", columns=None):
    """include: None, Metadata or Object. columns: the printer columns of a custom kind, as in its CRD."""
    listed = _custom(columns) if columns is not None else BY_KIND.get(resource.qualified, OTHERS)
    definitions = [{"name": name, "type": kind, "format": "name" if name == "Name" else "", "description": "",
                    "priority": priority} for name, kind, priority, _ in listed]
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": definitions,
            "rows": [_row(resource, obj, listed, include) for obj in items]}


def _row(resource, obj, listed, include):
    row = {"cells": [cell(obj) for _, _, _, cell in listed]}
    phase = (obj.get("status") or {}).get("phase") if resource.qualified == "pods" else None
    if phase in COMPLETED:
        row["conditions"] = [{"type": "Completed", "status": "True", "reason": phase,
                              "message": COMPLETED[phase]}]
    if include == "Object":
        row["object"] = obj
    elif include == "Metadata":
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                         "metadata": obj["metadata"]}
    return row


def _custom(columns):
    return (NAME, *((one["name"], one["type"], one.get("priority", 0), _cell(one)) for one in columns))


def _cell(column):
    """The cell of an object for a column of a CRD."""
    path, kind = parse(column["jsonPath"]), column["type"]
    return lambda obj: _shown(kind, next(iter(results(path, obj)), None))


def _shown(kind, value):
    """A value as a cell of a type; None where it is not of that type."""
    if value is None:
        return None
    if kind == "string":
        if isinstance(value, (dict, list)):
            return json.dumps(value, separators=(",", ":"), sort_keys=True)
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "date":
        return since(value) if isinstance(value, str) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if kind == "integer" else value


STEP = re.compile(r"""
    \.(?P<field>(?:\\.|[^.\[\\])+)                                          # .name, with dots as \.
  | \[\s*'(?P<quoted>[^']*)'\s*\]                                           # ['name']
  | \[(?P<index>-?\d+)\]
  | (?P<all>\[\*\])
  | \[\?\(\s*@\.(?P<key>[^=!<>\s]+)\s*(?P<equal>[=!]=)\s*(?P<value>[^)]*?)\s*\)\]   # [?(@.type=="Ready")]
""", re.VERBOSE)


@functools.lru_cache(maxsize=None)
def parse(path):
    """The steps of a simple JSONPath: matches of STEP. ValueError where it is not one."""
    steps, at = [], 0
    while at < len(path):
        found = STEP.match(path, at)
        if found is None:
            raise ValueError(f"unrecognized column definition {path!r}")
        steps.append(found)
        at = found.end()
    return steps


def results(steps, value):
    """Everything that a path leads to."""
    found = [value]
    for step in steps:
        found = [below for one in found for below in _below(step, one)]
    return found


def _below(step, value):
    if isinstance(value, dict):
        if step["all"]:
            return list(value.values())
        key = step["quoted"] if step["quoted"] is not None else re.sub(r"\\(.)", r"\1", step["field"] or "")
        return [value[key]] if key in value else []
    if not isinstance(value, list):
        return []
    if step["all"]:
        return value
    if step["index"]:
        return value[int(step["index"]):][:1]
    if step["key"]:
        return [one for one in value if _matches(step, one)]
    return []


def _matches(step, item):
    wanted = json.loads(step["value"].replace("'", '"'))
    found = results(parse("." + step["key"]), item)
    return bool(found) and (found[0] == wanted) == (step["equal"] == "==")
