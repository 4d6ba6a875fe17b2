"""Who owns which field, and server-side apply: as recorded from a real API server."""

import pytest
import recorded
from devcluster.apiserver.kinds import defaults
from devcluster.apiserver.patches import managed, patch
from devcluster.apiserver.kinds.lists import types_for
from devcluster.errors import ApiError
from devcluster.objects import copy
from devcluster.resources import Resource, find

CREATED = [case for case in recorded.load("devcluster/defaults.json") if case["resource"] != "horizontalpodautoscalers"]
APPLIED = recorded.load("devcluster/server-side-apply.json")
DEPLOYMENTS = find("deployments")
NOW = "2026-11-21T16:00:00Z"
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", subresources=("status",))


@pytest.mark.parametrize("case", CREATED, ids=lambda case: f"{case['resource']}-{case['name']}")
def test_the_creator_of_an_object_owns_what_a_real_server_says(case):
    resource, obj = find(case["resource"]), copy(case["object"])
    defaults.default(resource, obj)
    managed.track(None, obj, "m", "Update", "", resource, types_for(resource), NOW)
    entries = obj["metadata"].get("managedFields")
    if case["fields"] is None:
        assert entries is None
    else:
        assert entries == [{"manager": "m", "operation": "Update", "apiVersion": resource.api_version,
                            "time": NOW,
                            "fieldsType": "FieldsV1", "fieldsV1": case["fields"]}]


def owners(obj_entries):
    """Entries without their times, in an order that does not depend on these."""
    entries = [{key: value for key, value in one.items() if key != "time"} for one in obj_entries]
    return sorted(entries, key=lambda one: (one["manager"], one["operation"]))


def written(case):
    live, body, types = case["live"], copy(case["body"]), types_for(DEPLOYMENTS)
    if case["type"] == patch.APPLY:
        new = managed.server_side_apply(live, body, case["manager"], case["force"], DEPLOYMENTS, "", types,
                                        NOW)
        defaults.default(DEPLOYMENTS, new)
    else:
        new = patch.apply(case["type"], live, body, DEPLOYMENTS)
        defaults.default(DEPLOYMENTS, new)
        managed.track(live, new, case["manager"], "Update", "", DEPLOYMENTS, types, NOW)
    return new


@pytest.mark.parametrize("case", APPLIED, ids=lambda case: case["name"])
def test_a_write_does_what_a_real_server_did(case):
    before = copy(case["live"])
    if "error" in case:
        with pytest.raises(ApiError) as raised:
            written(case)
        assert raised.value.status == case["error"]
    else:
        new = written(case)
        assert new["spec"] == case["spec"]
        assert owners(new["metadata"]["managedFields"]) == owners(case["managedFields"])
    assert case["live"] == before


def test_a_write_that_changes_nothing_leaves_the_owners_and_their_times():
    live = APPLIED[0]["managedFields"]
    old = {"metadata": {"name": "d", "managedFields": live}, "spec": {"replicas": 1}}
    new = copy(old)
    managed.track(old, new, "other", "Update", "", DEPLOYMENTS, types_for(DEPLOYMENTS), NOW)
    assert new == old


def test_tracking_leaves_the_metadata_of_the_old_object_alone():
    old = {"metadata": {"name": "w"}, "spec": {"size": 1}}
    managed.track(None, old, "a", "Update", "", WIDGETS, types_for(WIDGETS), NOW)
    before = copy(old)
    new = {**old, "spec": {"size": 2}}  # shares its metadata
    managed.track(old, new, "b", "Update", "", WIDGETS, types_for(WIDGETS), NOW)
    assert old == before
    assert [one["manager"] for one in new["metadata"]["managedFields"]] == ["a", "b"]


def test_the_status_of_a_custom_kind_is_owned_through_its_subresource():
    obj = {"metadata": {"name": "w"}, "spec": {"size": 1}, "status": {"ready": 1}}
    managed.track(None, obj, "a", "Update", "", WIDGETS, types_for(WIDGETS), NOW)
    new = {**obj, "status": {"ready": 2}}
    managed.track(obj, new, "a", "Update", "status", WIDGETS, types_for(WIDGETS), NOW)
    assert [(one.get("subresource"), one["fieldsV1"]) for one in new["metadata"]["managedFields"]] == [
        (None, {"f:spec": {".": {}, "f:size": {}}}), ("status", {"f:status": {"f:ready": {}}})]


def test_a_client_can_give_the_owners_up():
    old = {"metadata": {"name": "d", "managedFields": APPLIED[0]["managedFields"]}, "spec": {"replicas": 1}}
    new = {"metadata": {"name": "d", "managedFields": [{}]}, "spec": {"replicas": 1}}
    managed.track(old, new, "m", "Update", "", DEPLOYMENTS, types_for(DEPLOYMENTS), NOW)
    assert "managedFields" not in new["metadata"]


def test_kubectl_takes_over_what_it_applied_client_side():
    text = '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":1}}'
    live = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1},
            "metadata": {"name": "d", "annotations": {managed.LAST_APPLIED: text}}}
    managed.track(None, live, "kubectl-client-side-apply", "Update", "", DEPLOYMENTS, types_for(DEPLOYMENTS),
                  NOW)
    intent = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
              "spec": {"replicas": 2}}
    for manager in ("kubectl", "someone"):
        arguments = (live, intent, manager, False, DEPLOYMENTS, "", types_for(DEPLOYMENTS), NOW)
        if manager == "kubectl":
            new = managed.server_side_apply(*arguments)
            assert new["spec"] == {"replicas": 2}
            owned = [one["fieldsV1"] for one in new["metadata"]["managedFields"]]
            assert {"f:spec": {"f:replicas": {}}} in owned
        else:
            with pytest.raises(ApiError):
                managed.server_side_apply(*arguments)
