"""Field selectors."""

import pytest

from devcluster.apiserver.kinds import fields
from devcluster.errors import ApiError
from devcluster.resources import Resource, find

POD = {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"nodeName": "node1", "hostNetwork": True},
       "status": {"phase": "Running", "podIP": "127.0.1.1", "podIPs": [{"ip": "127.0.1.1"}]}}
WIDGETS = Resource("example.com", "v1", "widgets", "Widget")


@pytest.mark.parametrize("path, value", [
    ("metadata.name", "p"), ("metadata.namespace", "shop"), ("spec.nodeName", "node1"),
    ("spec.schedulerName", ""),
    ("spec.hostNetwork", "true"), ("status.phase", "Running"), ("status.podIP", "127.0.1.1"),
])
def test_a_pod_is_selected_by(path, value):
    fields.check(find("pods"), [path])
    assert fields.values(find("pods"), POD)[path] == value


@pytest.mark.parametrize("resource, path, message", [
    (find("pods"), "spec.x", "field label not supported: spec.x"),
    (find("namespaces"), "metadata.namespace", "field label not supported: metadata.namespace"),
    (find("deployments"), "status.replicas",
     '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"'),
])
def test_other_fields_are_refused_as_a_real_server_does(resource, path, message):
    with pytest.raises(ApiError) as raised:
        fields.check(resource, [path])
    assert (raised.value.code, raised.value.reason, raised.value.message) == (400, "BadRequest", message)


def test_a_custom_kind_names_its_fields():
    with pytest.raises(ApiError):
        fields.check(WIDGETS, ["spec.color"])
    fields.check(WIDGETS, ["spec.color"], (".spec.color",))
    widget = {"metadata": {"name": "w"}, "spec": {"color": "blue"}}
    assert fields.values(WIDGETS, widget, (".spec.color",))["spec.color"] == "blue"
