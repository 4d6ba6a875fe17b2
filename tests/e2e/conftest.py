"""Fixtures of the end-to-end tests. They take the cluster of $KUBECONFIG; without it they start the dev cluster, and
with pytest-xdist (-n 3 --dist loadfile) one for each worker."""

import contextlib
import os
import pathlib
import sys
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "hack"), str(pathlib.Path(__file__).parent)]

import cloneset  # noqa: E402: it takes the path above
import devcluster.cluster  # noqa: E402
import edge  # noqa: E402
import kube  # noqa: E402
import rollouts  # noqa: E402
import sluice  # noqa: E402


def pytest_configure(config):
    if os.environ.get("KUBECONFIG") and config.getoption("numprocesses", None):
        raise pytest.UsageError("a cluster that is given has one Sluice: leave out -n, or unset KUBECONFIG")


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


@contextlib.contextmanager
def new_namespace(cluster, make=kube.Namespace, **metadata):
    """A namespace of a test's own, deleted at its end; nobody waits for that."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    cluster.call("create", "namespaces", {"metadata": {"name": name, **metadata}})
    made = make(cluster, name)
    made.wait_for(lambda: made.find("serviceaccounts", "default"))
    yield made
    cluster.call("delete", "namespaces", name)


@pytest.fixture
def namespace(cluster):
    with new_namespace(cluster) as made:
        yield made


@pytest.fixture
def nodes(cluster):
    """The names of the nodes. None stays cordoned, labelled or tainted by a test."""
    def names():
        return sorted(node["metadata"]["name"] for node in cluster.call("list", "nodes")[0])

    yield names()
    for name in names():
        cluster.call("patch", "nodes", name, None, {"spec": {"unschedulable": None, "taints": None}})


@pytest.fixture(scope="session")
def policies(cluster, tmp_path_factory):
    """The directory that the webhook has policies from besides the API, while it is registered."""
    directory = tmp_path_factory.mktemp("policies")
    with sluice.registered(cluster, tmp_path_factory.mktemp("webhook"), directory, workloads=[cloneset.DESCRIPTION]):
        yield directory


@pytest.fixture(scope="session")
def account(cluster, policies, tmp_path_factory):
    """A kubeconfig of the reconciler's account."""
    return sluice.account_kubeconfig(cluster, tmp_path_factory.mktemp("account") / "kubeconfig")


@pytest.fixture(scope="module")
def process(account, tmp_path_factory):
    """The reconciler of a module's tests, which may end it."""
    made = sluice.Reconciler(tmp_path_factory.mktemp("reconciler"), account)
    yield made
    made.stop()


@pytest.fixture
def reconciler(process):
    """The same, running."""
    process.start()
    return process


@contextlib.contextmanager
def managed_namespace(cluster, policies):
    with new_namespace(cluster, rollouts.Shop, labels=rollouts.MANAGED) as made:
        made.policies = policies
        yield made
        for left in policies.glob(f"{made.name}-*.json"):
            left.unlink()


@pytest.fixture
def shop(cluster, policies, reconciler):
    """A managed namespace of a test's own, and a reconciler at work."""
    with managed_namespace(cluster, policies) as made:
        yield made


@pytest.fixture
def unmanaged(cluster, reconciler):
    """A namespace that the webhook is not asked about, and a reconciler at work."""
    with new_namespace(cluster, rollouts.Shop) as made:
        yield made


@pytest.fixture(scope="module")
def mall(cluster, policies, process):
    """A managed namespace that the tests of a module share, and a reconciler at work."""
    process.start()
    with managed_namespace(cluster, policies) as made:
        yield made


@pytest.fixture
def proxy(tmp_path):
    """An HAProxy with one empty backend, "web"."""
    with edge.haproxy(tmp_path) as made:
        yield made
