"""The reconciler as a process: it starts, says how it is, elects, and ends. What it rolls is test_rollouts.py's."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import sluice
from kube import PATIENCE, POLL
from rollouts import ROLLOUTS

LEASE = {"leaseDuration": "3s", "renewDeadline": "2s", "retryPeriod": "500ms"}
SOON = 1.0  # seconds


@pytest.fixture(scope="module")
def account(cluster, tmp_path_factory):
    """A kubeconfig of the reconciler's account, with the rights of the manifests and no more."""
    cluster.kubectl("apply", "-f", sluice.MANIFESTS / "namespace.yaml")
    for name in "rollouts", "trafficpolicies":
        cluster.kubectl("apply", "-f", sluice.MANIFESTS / "crds" / f"{name}.yaml")
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}.sluice.dev")
    for name in "serviceaccount", "rbac":
        cluster.kubectl("apply", "-f", sluice.MANIFESTS / "reconciler" / f"{name}.yaml")
    return sluice.account_kubeconfig(cluster, tmp_path_factory.mktemp("account") / "kubeconfig")


@pytest.fixture
def make(account, tmp_path):
    """Makes reconcilers, which end with the test."""
    with contextlib.ExitStack() as stack:
        def make_one(name, *arguments, kubeconfig=account, **config):
            made = sluice.Reconciler(tmp_path / name, kubeconfig, *arguments, **config)
            stack.callback(made.stop)
            return made
        yield make_one


@pytest.fixture
def lease(cluster):
    """The configuration of an election of the test's own, whose Lease the account may use. Gone before and after:
    name it before `make`, or those that run lose it in the end."""
    drop_lease(cluster)
    yield LEASE
    drop_lease(cluster)


def drop_lease(cluster):
    cluster.kubectl("-n", sluice.SYSTEM, "delete", "lease", sluice.RECONCILER, "--ignore-not-found")


def holder(cluster):
    return cluster.call("get", "leases", sluice.RECONCILER, sluice.SYSTEM)["spec"].get("holderIdentity", "")


def ask(reconciler, path):
    """(status, text) of the health server."""
    port = reconciler.says("started")["healthPort"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(reconciler):
    """{name with labels: number}."""
    lines = ask(reconciler, "/metrics")[1].splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def wait_for(condition, timeout=PATIENCE):
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, "still not so"
        time.sleep(POLL / 4)
    return answer


def test_it_becomes_ready_when_all_is_listed_and_says_what_it_holds(make, namespace):
    namespace.create("configmaps", {"metadata": {"name": "not-looked-at"}})
    one = make("one")
    one.start()
    wait_for(lambda: ask(one, "/readyz") == (200, "ok\n"), SOON)
    assert ask(one, "/livez") == (200, "ok\n")
    seen = metrics(one)
    for resource in ("rollouts.sluice.dev", "pods", "deployments.apps", "statefulsets.apps", "daemonsets.apps",
                     "replicasets.apps", "controllerrevisions.apps", "trafficpolicies.sluice.dev",
                     "poddisruptionbudgets.policy"):
        assert seen[f'sluice_cache_synced{{resource="{resource}"}}'] == 1
        assert seen[f'sluice_cache_failures_total{{resource="{resource}"}}'] == 0
    assert not any("configmaps" in name for name in seen)
    assert seen['sluice_api_requests_total{verb="list",code="2xx"}'] >= 9
    assert not any(re.match(r'sluice_api_requests_total\{.*code="[45]xx"', name) for name in seen)
    assert not any(name.startswith("leader_election") for name in seen)


def test_it_follows_what_changes(make, namespace):
    one = make("one")
    one.start()
    before = metrics(one)['sluice_cache_objects{resource="rollouts.sluice.dev"}']
    rollout = {"apiVersion": "sluice.dev/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
               "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"},
                        "rolloutPlan": {"batchSize": 1}}}
    namespace.apply(rollout)
    wait_for(lambda: metrics(one)['sluice_cache_objects{resource="rollouts.sluice.dev"}'] == before + 1)
    found = namespace.wait_for(lambda: namespace.get(ROLLOUTS, "web").get("status", {}).get("message"))
    assert "web" in found  # that there is no such StatefulSet
    wait_for(lambda: metrics(one)['sluice_actions_total{action="status",result="success"}'] >= 1)
    assert metrics(one)['sluice_actions_total{action="status",result="failure"}'] == 0
    namespace.delete(ROLLOUTS, "web")
    wait_for(lambda: metrics(one)['sluice_cache_objects{resource="rollouts.sluice.dev"}'] == before)


def test_with_a_namespace_it_looks_at_no_other(make, namespace):
    one = make("one", "--namespace", namespace.name)
    one.start()
    assert metrics(one)['sluice_cache_objects{resource="pods"}'] == 0
    namespace.create("pods", {"metadata": {"name": "here"}, "spec": {"containers": [
        {"name": "main", "image": "registry.local/pause:1"}]}})
    wait_for(lambda: metrics(one)['sluice_cache_objects{resource="pods"}'] == 1)


def test_a_leader_that_stops_hands_over_at_once(lease, make, cluster):
    one, two = (make(name, "--leader-elect", leaderElection=lease) for name in ("one", "two"))
    one.start()
    one.says("leading")
    two.start()
    leads = 'leader_election_master_status{name="sluice-reconciler"}'
    assert two.says("the Lease is held")["holder"] == one.says("started")["identity"] == holder(cluster)
    wait_for(lambda: (metrics(one)[leads], metrics(two)[leads]) == (1, 0), SOON)
    assert ask(two, "/readyz")[0] == 200
    began = time.monotonic()
    one.signal(signal.SIGTERM)
    assert one.wait() == 0
    assert time.monotonic() - began < SOON
    two.says("leading")
    assert time.monotonic() - began < 2.5  # the Lease was given up: no leaseDuration is waited for
    assert holder(cluster) == two.says("started")["identity"]


def test_a_leader_that_stops_gives_the_lease_up(lease, make, cluster):
    one = make("one", "--leader-elect", leaderElection=lease)
    one.start()
    one.says("leading")
    one.stop()
    assert holder(cluster) == ""


def test_a_leader_that_is_killed_is_replaced_after_the_lease_duration(lease, make, cluster):
    one, two = (make(name, "--leader-elect", leaderElection=lease) for name in ("one", "two"))
    one.start()
    one.says("leading")
    two.start()
    two.says("the Lease is held")
    began = time.monotonic()
    one.kill()
    two.says("leading")
    assert 2 < time.monotonic() - began < 6  # 3 s after the last renewal that was seen
    assert holder(cluster) == two.says("started")["identity"]


def test_a_leader_that_was_stopped_for_too_long_ends_and_writes_nothing(lease, make, cluster):
    one, two = (make(name, "--leader-elect", leaderElection=lease) for name in ("one", "two"))
    one.start()
    one.says("leading")
    two.start()
    one.signal(signal.SIGSTOP)
    try:
        two.says("leading")
    finally:
        one.signal(signal.SIGCONT)
    assert one.wait() == 1
    assert one.has_said("lost the Lease; stopping, to start again as a candidate")
    assert holder(cluster) == two.says("started")["identity"]


def test_a_signal_to_read_again_changes_nothing(make):
    one = make("one")
    one.start()
    one.signal(signal.SIGHUP)
    time.sleep(0.3)
    assert ask(one, "/readyz")[0] == 200


def nowhere(account, tmp_path):
    """A kubeconfig whose server is a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config = json.loads(account.read_text())
    for one in config["clusters"]:
        one["cluster"]["server"] = f"https://127.0.0.1:{port}"
    path = tmp_path / "nowhere"
    path.write_text(json.dumps(config))
    return path


def test_without_a_server_it_stays_up_and_says_so(make, account, tmp_path):
    one = make("one", "--leader-elect", kubeconfig=nowhere(account, tmp_path))
    one.launch()
    assert "127.0.0.1" in one.says("cannot follow the API server")["err"]
    time.sleep(SOON)
    assert ask(one, "/livez") == (200, "ok\n")
    status, text = ask(one, "/readyz")
    assert status == 503 and text.startswith("caches: ")
    seen = metrics(one)
    assert seen['sluice_cache_synced{resource="pods"}'] == 0
    assert seen['sluice_cache_failures_total{resource="pods"}'] >= 1
    assert seen['sluice_cache_stale_seconds{resource="pods"}'] > 0
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < SOON


def test_a_wrong_configuration_is_refused_with_its_place(tmp_path):
    file = tmp_path / "reconciler.yaml"
    file.write_text("kube:\n  qsp: 5\n")
    done = subprocess.run([sluice.binary(), "reconciler", "--config", file], capture_output=True, text=True,
                          check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert re.fullmatch(r'sluice reconciler: .*/reconciler\.yaml:2:3: kube\.qsp: unknown key; did you mean "qps"\?\n',
                        done.stderr)
