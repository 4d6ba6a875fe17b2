"""Tables against those that a real API server made of the same objects (tests/fixtures/table)."""

import re

import pytest
import recorded

from devcluster.apiserver.views import ages, table
from devcluster.resources import find

TABLES = recorded.load("table/tables.json")
AGE = re.compile(r"\b(\d+[smhdy]){1,2}\b")


def masked(cells):
    """Cells without the times that pass."""
    return [AGE.sub("AGE", cell) if isinstance(cell, str) else cell for cell in cells]


def headings(rendered):
    return [[one[key] for key in ("name", "type", "format", "priority")]
            for one in rendered["columnDefinitions"]]


@pytest.mark.parametrize("kind", TABLES)
def test_built_in_kind(kind):
    rows = TABLES[kind]["rows"]
    rendered = table.render(find(kind), [row["object"] for row in rows], {})
    assert headings(rendered) == TABLES[kind]["columns"]
    assert [masked(row["cells"]) for row in rendered["rows"]] == [masked(row["cells"]) for row in rows]
    assert [row.get("conditions") for row in rendered["rows"]] == [row.get("conditions") for row in rows]


def test_shape_is_that_of_the_fixture():
    expected = recorded.load("api/list-table.json")["response"]["body"]
    pods = [{"kind": "Pod", "spec": {"containers": []}, "metadata": row["object"]["metadata"]}
            for row in expected["rows"]]
    rendered = table.render(find("pods"), pods, expected["metadata"])
    assert rendered.keys() == expected.keys()
    assert headings(rendered) == headings(expected)
    assert [row["object"] for row in rendered["rows"]] == [row["object"] for row in expected["rows"]]


@pytest.mark.parametrize("include, kind", [
    ("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Pod")])
def test_object_of_a_row(include, kind):
    pod = {"kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": []}}
    [row] = table.render(find("pods"), [pod], {}, include)["rows"]
    assert row.get("object", {}).get("kind") == kind


OBJECT = {"metadata": {"name": "x"}, "spec": {
    "map": {"b": "1", "a": "2"}, "n": 3, "f": 1.5, "yes": True, "s": "text", "a.b": "dotted", "list": [1, 2],
    "conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]}}


@pytest.mark.parametrize("path, kind, cell", [
    (".spec.s", "string", "text"),
    (".spec.map", "string", '{"a":"2","b":"1"}'),
    (".spec.n", "string", "3"),
    (".spec.yes", "string", "true"),
    (".spec.n", "integer", 3),
    (".spec.f", "integer", 1),
    (".spec.f", "number", 1.5),
    (".spec.s", "integer", None),
    (".spec.yes", "boolean", True),
    (".spec.none.at.all", "string", None),
    (r".spec.a\.b", "string", "dotted"),
    (".spec['a.b']", "string", "dotted"),
    (".spec.list[1]", "integer", 2),
    (".spec.list[*]", "integer", 1),
    ('.spec.conditions[?(@.type=="Ready")].status', "string", "True"),
    (".spec.conditions[?(@.type=='None')].status", "string", None),
])
def test_column_of_a_custom_kind(path, kind, cell):
    columns = [{"name": "Column", "type": kind, "jsonPath": path, "priority": 1}]
    rendered = table.render(find("pods"), [OBJECT], {}, columns=columns)
    assert rendered["rows"][0]["cells"] == ["x", cell]
    assert headings(rendered)[1] == ["Column", kind, "", 1]


@pytest.mark.parametrize("duration, shown", [
    (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (271, "4m31s"), (600, "10m"),
    (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (4 * 3600 + 120, "4h2m"), (8 * 3600 + 120, "8h"),
    (47 * 3600, "47h"), (49 * 3600, "2d1h"), (8 * 86400, "8d"),
    (800 * 86400, "2y70d"), (9 * 365 * 86400, "9y")])
def test_durations(duration, shown):
    assert ages.human(duration) == shown
