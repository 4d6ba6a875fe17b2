"""CRDs and custom objects, held against what a real API server answered (tests/fixtures/crd)."""

import json
import pathlib

import pytest
import recorded
import yaml

from devcluster.apiserver.custom import crd
from devcluster.objects import copy

ROOT = pathlib.Path(__file__).parents[2]
PROBE = yaml.safe_load((recorded.FIXTURES / "crd/probe.yaml").read_text())


def schema_of(definition):
    return crd.schema(definition, definition["spec"]["versions"][0]["name"])


@pytest.mark.parametrize("case", recorded.load("crd/objects.json"), ids=lambda case: json.dumps(case["given"]))
def test_object_gets_the_answer_of_a_real_server(case):
    schema = schema_of(PROBE)
    obj = {"apiVersion": "test.example/v1", "kind": "Probe", "metadata": {"name": "x"}, **copy(case["given"])}
    assert schema.prune(obj) == case.get("unknown", [])
    schema.default(obj)
    causes = schema.validate(obj)
    assert sorted(causes) == sorted(map(tuple, case.get("causes", [])))
    if not causes:
        assert obj["spec"] == case["stored"]


def set_path(obj, path, value):
    """Sets a field; None removes it."""
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    for key in parents:
        obj = obj[key]
    if value is None:
        del obj[last]
    else:
        obj[last] = value


@pytest.mark.parametrize("case", recorded.load("crd/definitions.json"), ids=lambda one: f"{one['path']}={one['value']}")
def test_definition_is_refused_as_by_a_real_server(case):
    bad = copy(PROBE)
    bad["metadata"]["name"] = "bads.test.example"
    bad["spec"]["names"] = {"kind": "Bad", "plural": "bads"}
    version = bad["spec"]["versions"][0]
    version["subresources"] = {"status": {}}
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {
        "type": "object", "properties": {"a": {"type": "string"}}}
    set_path(bad, case["path"], case["value"])
    crd.default(bad)
    assert sorted(crd.check(bad)) == sorted(map(tuple, case["causes"]))


def test_names_and_stored_version_are_fixed():
    old = copy(PROBE)
    old["status"] = crd.established(old, ())
    new = copy(old)
    new["spec"]["versions"][0]["name"] = "v2"
    new["spec"]["scope"] = "Cluster"
    assert [field for _, field, _ in crd.check(new, old)] == [
        "spec.names.singular", "spec.names.listKind", "status.storedVersions[0]", "spec.scope"]


def test_definition_becomes_established_and_is_served():
    new = copy(PROBE)
    crd.default(new)
    assert crd.resources(new) == []
    new["status"] = crd.established(new, (), at="2026-01-01T00:00:00Z")
    assert new["status"] == {
        "acceptedNames": {"kind": "Probe", "listKind": "ProbeList", "plural": "probes", "shortNames": ["prb"],
                          "singular": "probe"},
        "conditions": [
            {"type": "NamesAccepted", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
             "reason": "NoConflicts", "message": "no conflicts found"},
            {"type": "Established", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
             "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}],
        "storedVersions": ["v1"]}
    [row] = crd.resources(new)
    assert (row.api_version, row.plural, row.short, row.subresources) == (
        "test.example/v1", "probes", ("prb",), ("status", "scale"))


def test_definition_whose_names_are_taken_waits():
    first, second = copy(PROBE), copy(PROBE)
    crd.default(first)
    first["status"] = crd.established(first, ())
    crd.default(second)
    second["metadata"]["name"] = "others.test.example"
    second["spec"]["names"]["plural"] = "others"
    second["status"] = crd.established(second, crd.taken_names(second, [first, second]))
    accepted, established = second["status"]["conditions"]
    assert (accepted["status"], accepted["reason"], accepted["message"]) == (
        "False", "ListKindConflict", '"ProbeList" is already in use')
    assert (established["status"], established["reason"]) == ("False", "NotAccepted")
    assert crd.resources(second) == []


def test_unchanged_value_passes_though_the_schema_became_stricter():
    schema = schema_of(PROBE)
    old = {"spec": {"a": "x", "s": "far too long", "m": [{"k": "1", "v": "no number"}]}}
    new = copy(old)
    new["spec"]["a"] = "y"
    assert schema.validate(new, old) == []
    new["spec"]["s"] = "still too long"
    assert [field for _, field, _ in schema.validate(new, old)] == ["spec.s"]


def test_status_update_looks_at_status_only():
    schema = schema_of(PROBE)
    assert [field for _, field, _ in schema.validate({"spec": 1, "status": {"c": "B"}}, {}, "status")] == [
        "status.c"]


def test_sluice_definitions_are_accepted_and_their_samples_valid():
    schemas = {}
    for path in (ROOT / "manifests" / "crds").glob("*.yaml"):
        one = yaml.safe_load(path.read_text())
        crd.default(one)
        assert crd.check(one) == []
        schemas[one["spec"]["names"]["kind"]] = schema_of(one)
    samples = list((ROOT / "manifests" / "samples" / "policies").glob("*.yaml"))
    assert samples
    for path in samples:
        sample = yaml.safe_load(path.read_text())
        schema = schemas[sample["kind"]]
        assert schema.prune(sample) == []
        schema.default(sample)
        assert schema.validate(sample) == []


def test_rules_that_are_not_evaluated_are_told_with_other_causes():
    schema = schema_of(yaml.safe_load((ROOT / "manifests" / "crds" / "rollouts.yaml").read_text()))
    causes = schema.validate({"spec": {}})
    assert causes[-1][2].startswith("Invalid value: null: some validation rules were not checked")


def test_versions_sort_as_in_discovery():
    new = copy(PROBE)
    base = new["spec"]["versions"][0]
    names = ["v1alpha1", "foo", "v2", "v1beta2", "v11", "v1"]
    new["spec"]["versions"] = [base | {"name": name, "storage": name == "v1"} for name in names]
    new["status"] = crd.established(new, ())
    new["status"]["acceptedNames"] |= {"singular": "probe", "listKind": "ProbeList"}
    assert [row.version for row in crd.resources(new)] == ["v11", "v2", "v1", "v1beta2", "v1alpha1", "foo"]
