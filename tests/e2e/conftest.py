"""Fixtures of the end-to-end tests. They take the cluster of $KUBECONFIG; without it they start the dev cluster."""

import os
import pathlib
import sys
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "hack"), str(pathlib.Path(__file__).parent)]

import devcluster.cluster  # noqa: E402: it takes the path above
import kube  # noqa: E402


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if os.environ.get("KUBECONFIG"):
        opened = kube.Cluster(os.environ["KUBECONFIG"])
        yield opened
        opened.close()
        return
    started = devcluster.cluster.Cluster(tmp_path_factory.mktemp("cluster"))
    started.up(3, owner=os.getpid())
    opened = kube.Cluster(started.kubeconfig)
    yield opened
    opened.close()
    started.down()


@pytest.fixture
def namespace(cluster):
    """A namespace of the test's own, deleted at its end; nobody waits for that."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.call("create", "namespaces", {"metadata": {"name": name}})
    made = kube.Namespace(cluster, name)
    made.wait_for(lambda: made.find("serviceaccounts", "default"))
    yield made
    cluster.call("delete", "namespaces", name)


@pytest.fixture
def nodes(cluster):
    """The names of the nodes. None stays cordoned, labelled or tainted by a test."""
    def names():
        return sorted(node["metadata"]["name"] for node in cluster.call("list", "nodes")[0])

    yield names()
    for name in names():
        cluster.call("patch", "nodes", name, None, {"spec": {"unschedulable": None, "taints": None}})
