"""What a pod finds in its volumes. A container here has no root of its own: $CONTAINER_ROOT stands for it."""

import base64
import pathlib

from test_pods import shell
from workloads import pod, pod_spec


def reader(tmp_path, *volumes, mounts=None):
    """A pod that tells where its root is, with each volume mounted at /<its name>."""
    script = f'echo -n "$CONTAINER_ROOT" > {tmp_path}/.root; mv {tmp_path}/.root {tmp_path}/root; exec sleep 1000'
    mounts = mounts or [{"name": one["name"], "mountPath": f"/{one['name']}"} for one in volumes]
    return pod("web", pod_spec(containers=[shell("a", script, volumeMounts=mounts)], volumes=list(volumes)))


def root_of(ns, tmp_path):
    ns.wait_for((tmp_path / "root").exists)
    return pathlib.Path((tmp_path / "root").read_text())


def text(path):
    return path.read_text() if path.exists() else None


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_a_config_map_is_swapped_whole(namespace, tmp_path):
    namespace.create("configmaps", config_map("settings", a="1", b="1"))
    namespace.create("pods", reader(tmp_path, {"name": "etc", "configMap": {"name": "settings"}}))
    mounted = root_of(namespace, tmp_path) / "etc"
    first = (mounted / "..data").resolve()
    assert (text(mounted / "a"), text(mounted / "b")) == ("1", "1")
    namespace.patch("configmaps", "settings", {"data": {"a": "2", "b": None, "c": "2"}}, kind="merge")
    namespace.wait_for(lambda: text(mounted / "a") == "2")
    namespace.wait_for(lambda: sorted(one.name for one in mounted.iterdir() if one.name[0] != ".") == ["a", "c"])
    assert (mounted / "..data").resolve() != first
    namespace.wait_for(lambda: not first.exists())


def test_a_new_container_sees_a_config_map_as_it_is(namespace, tmp_path):
    namespace.create("configmaps", config_map("settings", a="0"))
    for number in range(3):
        namespace.patch("configmaps", "settings", {"data": {"a": str(number)}}, kind="merge")
        name, log = f"web-{number}", tmp_path / str(number)
        env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}}]
        made = shell("a", f'cat "$CONTAINER_ROOT/etc/a" > {log}.tmp; echo " $A" >> {log}.tmp; mv {log}.tmp {log}; '
                     "exec sleep 1000", env=env, volumeMounts=[{"name": "etc", "mountPath": "/etc"}])
        namespace.create("pods", pod(name, pod_spec(containers=[made], volumes=[
            {"name": "etc", "configMap": {"name": "settings"}}])))
        namespace.wait_for(log.exists)
        assert log.read_text().split() == [str(number)] * 2


def test_secrets_paths_and_modes(namespace, tmp_path):
    namespace.create("secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"},
                                 "data": {"key": base64.b64encode(b"\x00\xff").decode(), "other": ""}})
    namespace.create("pods", reader(tmp_path, {"name": "tls", "secret": {
        "secretName": "tls", "defaultMode": 0o400, "items": [{"key": "key", "path": "deep/tls.key"}]}}))
    mounted = root_of(namespace, tmp_path) / "tls"
    assert (mounted / "deep/tls.key").read_bytes() == b"\x00\xff"
    assert (mounted / "deep/tls.key").stat().st_mode & 0o777 == 0o400
    assert not (mounted / "other").exists()


def test_labels_reach_a_downward_volume(namespace, tmp_path):
    namespace.create("pods", reader(tmp_path, {"name": "info", "downwardAPI": {"items": [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}}))
    mounted = root_of(namespace, tmp_path) / "info"
    assert (text(mounted / "labels"), text(mounted / "name")) == ('app="web"', "web")
    namespace.patch("pods", "web", {"metadata": {"labels": {"colour": "red"}}})
    namespace.wait_for(lambda: text(mounted / "labels") == 'app="web"\ncolour="red"')


def test_the_token_of_a_pod_is_its_service_accounts(namespace, tmp_path):
    namespace.create("pods", reader(tmp_path, {"name": "token", "projected": {"sources": [
        {"serviceAccountToken": {"path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca"}]}}]}}))
    mounted = root_of(namespace, tmp_path) / "token"
    assert "BEGIN CERTIFICATE" in text(mounted / "ca")
    who = namespace.cluster.call("request", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": text(mounted / "token")}})["status"]
    assert who["authenticated"]
    assert who["user"]["username"] == f"system:serviceaccount:{namespace.name}:default"


def test_a_pod_waits_for_a_volume_that_is_not_there(namespace, tmp_path):
    namespace.create("pods", reader(tmp_path, {"name": "etc", "configMap": {"name": "late"}}))
    namespace.wait_for(lambda: "FailedMount" in namespace.kubectl("get", "events"))
    assert namespace.get("pods", "web")["status"]["phase"] == "Pending"
    namespace.create("configmaps", config_map("late", a="1"))
    assert text(root_of(namespace, tmp_path) / "etc" / "a") == "1"
