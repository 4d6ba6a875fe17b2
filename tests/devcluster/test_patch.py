"""Patches: strategic merges as recorded from a real API server, and what the two RFC forms may not do."""

import json

import pytest
import recorded
from devcluster.apiserver.patches import patch
from devcluster.errors import ApiError
from devcluster.resources import Resource, find

STRATEGIC = recorded.load("devcluster/strategic-merge.json")
CUSTOM = Resource("example.com", "v1", "widgets", "Widget")


@pytest.mark.parametrize("case", STRATEGIC["cases"], ids=lambda case: case["name"])
def test_strategic_merge_does_what_a_real_server_did(case):
    before = json.dumps(STRATEGIC["current"])
    if "error" in case:
        with pytest.raises(ApiError) as raised:
            patch.apply(patch.STRATEGIC, STRATEGIC["current"], case["patch"], find("deployments"))
        assert raised.value.status == case["error"]
    else:
        new = patch.apply(patch.STRATEGIC, STRATEGIC["current"], case["patch"], find("deployments"))
        assert {part: new[part] for part in ("metadata", "spec")} == case["result"]
    assert json.dumps(STRATEGIC["current"]) == before


def test_a_new_condition_comes_before_those_that_are_there():
    pod = {"status": {"conditions": [{"type": "Ready", "status": "True"},
                                     {"type": "Initialized", "status": "True"}]}}
    change = {"status": {"conditions": [{"type": "example.com/gate", "status": "False"},
                                        {"type": "Ready", "status": "False"}]}}
    conditions = patch.apply(patch.STRATEGIC, pod, change, find("pods"))["status"]["conditions"]
    assert conditions == [{"type": "example.com/gate", "status": "False"},
                          {"type": "Ready", "status": "False"},
                          {"type": "Initialized", "status": "True"}]


def test_a_custom_kind_has_no_strategic_merge():
    with pytest.raises(ApiError) as raised:
        patch.apply(patch.STRATEGIC, {}, {}, CUSTOM)
    assert raised.value.code == 415


def test_merge_patch_removes_nulls_and_replaces_lists():
    current = {"a": {"b": 1, "c": 2}, "list": [1, 2]}
    new = patch.apply(patch.MERGE, current, {"a": {"b": None}, "list": [3], "new": {"x": None, "y": 1}},
                      CUSTOM)
    assert new == {"a": {"c": 2}, "list": [3], "new": {"y": 1}}
    assert current == {"a": {"b": 1, "c": 2}, "list": [1, 2]}


def test_json_patch_applies_operations_in_turn():
    operations = [{"op": "test", "path": "/a/0", "value": 1}, {"op": "add", "path": "/a/-", "value": 3},
                  {"op": "remove", "path": "/b~1c"}, {"op": "replace", "path": "/d", "value": {"e": 1}}]
    current = {"a": [1], "b/c": 2, "d": 0}
    assert patch.apply(patch.JSON, current, operations, CUSTOM) == {"a": [1, 3], "d": {"e": 1}}
    assert current == {"a": [1], "b/c": 2, "d": 0}


def test_a_json_patch_is_lenient_where_a_real_server_is():
    operations = [{"op": "replace", "path": "/b", "value": 2}, {"op": "copy", "from": "/zip", "path": "/c"}]
    assert patch.apply(patch.JSON, {"a": 1}, operations, CUSTOM) == {"a": 1, "b": 2, "c": None}


@pytest.mark.parametrize("operation", [
    {"op": "add", "path": 1}, {"op": "copy", "from": [], "path": "/c"},
    {"op": "test", "path": "/a", "value": 2}, {"op": "remove", "path": "/b"},
    {"op": "move", "from": "/b", "path": "/c"},
    {"op": "replace", "path": "/b/c", "value": 1}, {"op": "frobnicate", "path": "/a"}, {"op": "add"}, "add",
    {"op": "add", "path": "/a/b/c", "value": 1}, {"op": "replace", "path": "", "value": []},
])
def test_a_json_patch_that_does_not_apply_is_422(operation):
    with pytest.raises(ApiError) as raised:
        patch.apply(patch.JSON, {"a": 1}, [operation], CUSTOM)
    assert raised.value.status == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Invalid",
        "message": "the server rejected our request due to an error in our request", "details": {},
        "code": 422}


@pytest.mark.parametrize("content_type, body", [
    (patch.JSON, {}), (patch.MERGE, [1]), (patch.MERGE, None), (patch.STRATEGIC, [])])
def test_a_patch_of_the_wrong_shape_is_400(content_type, body):
    with pytest.raises(ApiError) as raised:
        patch.apply(content_type, {}, body, find("pods"))
    assert raised.value.code == 400
