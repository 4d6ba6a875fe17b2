"""Bodies as protobuf, built by hand here as a Go client encodes them."""

import pytest

from devcluster.apiserver.http import protobuf


def field(number, value):
    """One field of a message: an integer, or bytes or text with its length."""
    if isinstance(value, int):
        return bytes((number << 3,)) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return bytes((number << 3 | 2,)) + varint(len(data)) + data


def varint(value):
    value &= (1 << 64) - 1
    data = b""
    while value > 0x7F:
        data += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return data + bytes((value,))


def body(api_version, kind, message):
    return b"k8s\0" + field(1, field(1, api_version) + field(2, kind)) + field(2, message)


def test_an_eviction_with_its_options():
    metadata = field(1, "pod-1") + field(2, "") + field(3, "shop") + field(7, 0) + field(8, b"")
    options = field(1, 0) + field(2, field(1, "u")) + field(5, "All")
    data = body("policy/v1", "Eviction", field(1, metadata) + field(2, options))
    assert protobuf.decode(data) == {
        "kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "pod-1", "namespace": "shop"},
        "deleteOptions": {"gracePeriodSeconds": 0, "preconditions": {"uid": "u"}, "dryRun": ["All"]}}


def test_maps_lists_numbers_and_what_is_inlined():
    probe = field(1, field(2, field(1, "/ready") + field(2, field(1, 0) + field(2, 8080)))) + field(2, 0)
    container = field(1, "c") + field(3, "sh") + field(3, "-c") + field(11, probe)
    spec = field(2, container) + field(4, 0)
    metadata = field(11, field(1, "app") + field(2, "web"))
    data = body("v1", "Pod", field(1, metadata) + field(2, spec) + field(3, b""))
    assert protobuf.decode(data) == {
        "kind": "Pod", "apiVersion": "v1", "metadata": {"labels": {"app": "web"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "c", "command": ["sh", "-c"],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}}]}}


def test_times():
    spec = field(1, "a") + field(3, field(1, 1767225600) + field(2, 5000))
    assert protobuf.decode(body("coordination.k8s.io/v1", "Lease", field(2, spec)))["spec"] == {
        "holderIdentity": "a", "acquireTime": "2026-01-01T00:00:00.000005Z"}


@pytest.mark.parametrize("data", [
    b"{}", body("v1", "Nope", b""), body("v1", "Pod", field(15, b"x")), body("v1", "Pod", b"\x0a\x7f"),
    body("v1", "Pod", b"\x0b"), b"k8s\0\xff"])
def test_what_cannot_be_read_is_said(data):
    with pytest.raises(ValueError):
        protobuf.decode(data)
