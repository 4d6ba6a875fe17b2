"""Discovery against what a real API server answers, as far as the kinds are served here; and OpenAPI."""

import pytest
import recorded
import yaml

from devcluster import resources
from devcluster.apiserver.custom import crd
from devcluster.apiserver.views import discovery, openapi

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OLD_AGGREGATED = AGGREGATED.replace("v=v2", "v=v2beta1")


class Registry:
    """The built-in kinds, and those of one CRD."""

    def __init__(self, definition):
        self._schemas = {resource: crd.schema(definition, resource.version)
                         for resource in crd.resources(definition)}

    def resources(self):
        return [*resources.ROWS, *self._schemas]

    def schema(self, resource):
        return self._schemas.get(resource)


@pytest.fixture(scope="module")
def registry():
    definition = yaml.safe_load((recorded.FIXTURES / "crd/probe.yaml").read_text())
    crd.default(definition)
    definition["status"] = crd.established(definition, ())
    return Registry(definition)


def real(name):
    return recorded.load(f"api/discovery-{name}.json")["response"]


def answer(registry, path, accept="application/json"):
    return discovery.answer(registry, path, accept, "127.0.0.1:1")


@pytest.mark.parametrize("name, path", [
    ("core-v1", "/api/v1"), ("apps-v1", "/apis/apps/v1"), ("policy-v1", "/apis/policy/v1")])
def test_resources_of_a_version(registry, name, path):
    body, kind = answer(registry, path)
    expected = real(name)["body"]
    theirs = {one["name"]: {key: value for key, value in one.items() if key != "storageVersionHash"}
              for one in expected.pop("resources")}
    ours = {one["name"]: one for one in body.pop("resources")}
    assert body == expected and kind == "application/json"
    assert ours == {name: theirs[name] for name in ours}


def test_groups(registry):
    body, _ = answer(registry, "/apis")
    theirs = {one["name"]: one["preferredVersion"] for one in real("apis")["body"]["groups"]}
    assert all(theirs[one["name"]] == one["preferredVersion"] for one in body["groups"]
               if one["name"] != "test.example")
    assert {"name": "test.example"}.items() <= answer(registry, "/apis/test.example")[0].items()
    assert answer(registry, "/api")[0].keys() == real("api")["body"].keys()


def test_aggregated(registry):
    body, kind = answer(registry, "/apis", AGGREGATED + ",application/json")
    expected = real("aggregated")
    assert kind == expected["contentType"]
    theirs = {one["metadata"]["name"]: {version["version"]: version for version in one["versions"]}
              for one in expected["body"].pop("items")}
    items = body.pop("items")
    assert body == expected["body"]
    for group in items:
        if group["metadata"]["name"] == "test.example":
            continue
        for version in group["versions"]:
            known = theirs[group["metadata"]["name"]][version["version"]]["resources"]
            assert version["freshness"] == "Current"
            assert [one for one in version["resources"] if one not in known] == []


@pytest.mark.parametrize("accept, kind", [
    (OLD_AGGREGATED + "," + AGGREGATED, OLD_AGGREGATED),
    ("application/json," + AGGREGATED, "application/json"),
    ("*/*", "application/json"), ("application/json;as=Table;g=meta.k8s.io;v=v1,application/json",
                                  "application/json")])
def test_form_is_the_first_that_is_accepted(registry, accept, kind):
    assert answer(registry, "/apis", accept)[1] == kind


def test_custom_kind(registry):
    body, _ = answer(registry, "/apis", AGGREGATED)
    group = next(one for one in body["items"] if one["metadata"]["name"] == "test.example")
    [version] = group["versions"]
    [probe] = version["resources"]
    assert probe["responseKind"] == {"group": "test.example", "version": "v1", "kind": "Probe"}
    assert {one["subresource"]: one["responseKind"]["kind"] for one in probe["subresources"]} == {
        "status": "Probe", "scale": "Scale"}


def test_unknown_paths_are_left_to_others(registry):
    for path in ("/apis/none", "/apis/apps/v2", "/api/v2", "/healthz", "/apis/apps/v1/deployments"):
        assert not answer(registry, path)
        assert not openapi.answer(registry, path, "")


def test_version():
    body, _ = discovery.answer(None, "/version", "", "")
    expected = recorded.load("api/version.json")
    assert body.keys() == expected["response"]["body"].keys()


def test_openapi_offers_server_side_validation(registry):
    index, _ = openapi.answer(registry, "/openapi/v3", "")
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    body, _ = openapi.answer(registry, url.partition("?")[0], "")
    patch = body["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert {one["name"] for one in patch["parameters"]} >= {"dryRun", "fieldValidation"}
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "apps", "version": "v1", "kind": "Deployment"}


def test_openapi_has_the_schema_of_a_custom_kind(registry):
    body, _ = openapi.answer(registry, "/openapi/v3/apis/test.example/v1", "")
    assert "spec" in body["components"]["schemas"]["example.test.v1.Probe"]["properties"]


def test_openapi_in_protobuf_begins_as_a_document(registry):
    body, kind = openapi.answer(registry, "/openapi/v2", openapi.PROTOBUF)
    assert kind == openapi.PROTOBUF
    assert body.startswith(b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.36.2")
