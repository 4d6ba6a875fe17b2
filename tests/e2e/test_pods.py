"""The life of a pod on a node: probes, hooks, grace, init containers, restarts, and what keeps it Pending."""

import time
import urllib.request

import pytest
from devcluster.objects import condition, is_true
from workloads import IMAGE, container, container_id, pod, pod_spec

SHELL = "registry.local/shell:1"


def shell(name, script, **more):
    return {"name": name, "image": SHELL, "command": ["/bin/sh", "-c", script], **more}


def status(ns, name, which=0, kind="containerStatuses"):
    statuses = ns.get("pods", name)["status"].get(kind) or []
    return statuses[which] if which < len(statuses) else {}


def state(ns, name, which=0, kind="containerStatuses"):
    return status(ns, name, which, kind).get("state", {})


def fetch(ns, name, path, method="GET"):
    """A request to the pod's own address, from this machine."""
    request = urllib.request.Request(f"http://{ns.get('pods', name)['status']['podIP']}:8080{path}", method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


PROBES = {
    "http": {"httpGet": {"path": "/readyz", "port": "http"}},
    "tcp": {"tcpSocket": {"port": 8080}},
    "exec": {"exec": {"command": ["/bin/true"]}},
}


@pytest.mark.parametrize("kind", PROBES)
def test_a_readiness_probe_makes_ready(namespace, kind):
    probe = {**PROBES[kind], "periodSeconds": 1}
    namespace.create("pods", pod("web", pod_spec(containers=[container(readinessProbe=probe)])))
    namespace.wait_ready("web", 1)
    assert status(namespace, "web")["started"] is True


def test_a_failing_readiness_probe_takes_out_of_service(namespace):
    namespace.create("pods", pod("web"))
    namespace.wait_ready("web", 1)
    fetch(namespace, "web", "/fail?path=readyz&for=600", "POST")
    namespace.wait_for(lambda: not is_true(namespace.get("pods", "web"), "Ready"))
    assert condition(namespace.get("pods", "web"), "Ready")["reason"] == "ContainersNotReady"
    assert status(namespace, "web")["restartCount"] == 0


def test_a_failing_liveness_probe_restarts(namespace):
    live = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 2}
    namespace.create("pods", pod("web", pod_spec(containers=[container(livenessProbe=live)])))
    old = namespace.wait_ready("web", 1)[0]
    fetch(namespace, "web", "/fail?path=healthz&for=600", "POST")
    namespace.wait_for(lambda: status(namespace, "web").get("restartCount") == 1)
    new = namespace.wait_ready("web", 1)[0]
    assert new["status"]["podIP"] == old["status"]["podIP"] and container_id(new) != container_id(old)


def test_a_startup_probe_holds_the_others_back(namespace, tmp_path):
    startup = {"exec": {"command": ["test", "-e", str(tmp_path / "go")]}, "periodSeconds": 1, "failureThreshold": 600}
    namespace.create("pods", pod("web", pod_spec(containers=[container(startupProbe=startup)])))
    namespace.wait_for(lambda: state(namespace, "web").get("running"))
    namespace.stays(lambda: status(namespace, "web")["started"] is False and not status(namespace, "web")["ready"])
    (tmp_path / "go").touch()
    namespace.wait_ready("web", 1)


def test_prestop_runs_before_sigterm(namespace, tmp_path):
    script = f"trap 'echo term >> {tmp_path}/log; exit 0' TERM; echo up >> {tmp_path}/log; while :; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["/bin/sh", "-c", f"sleep 1; echo prestop >> {tmp_path}/log"]}}}
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", script, lifecycle=hook)])))
    namespace.wait_for(lambda: (tmp_path / "log").exists())
    namespace.delete("pods", "web")
    namespace.wait_for(lambda: not namespace.find("pods", "web"))
    assert (tmp_path / "log").read_text().split() == ["up", "prestop", "term"]


def test_a_container_that_ignores_sigterm_is_killed_after_its_grace(namespace, tmp_path):
    script = f"trap '' TERM; echo up > {tmp_path}/log; while :; do sleep 0.1; done"
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", script)], terminationGracePeriodSeconds=2)))
    namespace.wait_for(lambda: (tmp_path / "log").exists() and state(namespace, "web").get("running"))
    began = time.monotonic()
    namespace.delete("pods", "web")
    assert namespace.get("pods", "web")["metadata"]["deletionGracePeriodSeconds"] == 2
    namespace.wait_for(lambda: not namespace.find("pods", "web"))
    assert time.monotonic() - began >= 2


def test_init_containers_run_in_turn_and_sidecars_stay(namespace, tmp_path):
    log = tmp_path / "log"
    inits = [shell("first", f"echo first >> {log}"),
             shell("side", f"echo side >> {log}; exec sleep 1000", restartPolicy="Always"),
             shell("second", f"echo second >> {log}")]
    namespace.create("pods", pod("web", pod_spec(initContainers=inits)))
    namespace.wait_ready("web", 1)
    assert log.read_text().split() == ["first", "side", "second"]
    assert state(namespace, "web", 0, "initContainerStatuses")["terminated"]["exitCode"] == 0
    assert state(namespace, "web", 1, "initContainerStatuses")["running"]
    assert is_true(namespace.get("pods", "web"), "Initialized")


def test_a_pod_that_may_end_succeeds_or_fails(namespace):
    for name, code, phase in (("good", 0, "Succeeded"), ("bad", 3, "Failed")):
        namespace.create("pods", pod(name, pod_spec(containers=[shell("a", f"exit {code}")], restartPolicy="Never")))
        namespace.wait_for(lambda: namespace.get("pods", name)["status"]["phase"] == phase)
        assert state(namespace, name)["terminated"]["exitCode"] == code


def test_an_image_change_restarts_in_place(namespace):
    namespace.create("pods", pod("web"))
    old = namespace.wait_ready("web", 1)[0]
    namespace.kubectl("set", "image", "pod/web", f"podinfo={IMAGE}2")
    namespace.wait_for(lambda: container_id(namespace.get("pods", "web")) not in (container_id(old), None))
    new = namespace.wait_ready("web", 1)[0]
    assert (new["metadata"]["uid"], new["status"]["podIP"]) == (old["metadata"]["uid"], old["status"]["podIP"])
    assert "2" in fetch(namespace, "web", "/")


def test_a_crash_loop_backs_off(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", "exit 1")])))
    waiting = namespace.wait_for(lambda: state(namespace, "web").get("waiting", {}).get("reason") == "CrashLoopBackOff"
                                 and state(namespace, "web")["waiting"])
    assert "back-off" in waiting["message"]
    assert status(namespace, "web")["restartCount"] >= 1
    assert status(namespace, "web")["lastState"]["terminated"]["exitCode"] == 1


def test_an_image_that_is_not_there(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[{"name": "a", "image": f"{IMAGE}absent"}])))
    namespace.wait_for(lambda: state(namespace, "web").get("waiting", {}).get("reason") in
                       ("ErrImagePull", "ImagePullBackOff"))
    assert namespace.get("pods", "web")["status"]["phase"] == "Pending"


def test_logs_of_this_and_the_previous_container(namespace):
    script = "echo hello; sleep 1; exit 1"
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", script)])))
    namespace.wait_for(lambda: status(namespace, "web").get("restartCount") == 1)
    assert namespace.logs("web").split() == ["hello"]
    assert namespace.logs("web", "--previous").split() == ["hello"]


UNSCHEDULABLE = {
    "cpu": (dict(containers=[container(resources={"requests": {"cpu": "1000"}})]), "Insufficient cpu"),
    "selector": (dict(nodeSelector={"example.com/none": "here"}), "node affinity/selector"),
}


@pytest.mark.parametrize("what", UNSCHEDULABLE)
def test_what_fits_nowhere_stays_pending(namespace, what):
    spec, why = UNSCHEDULABLE[what]
    namespace.create("pods", pod("web", pod_spec(**spec)))
    seen = namespace.wait_for(lambda: condition(namespace.get("pods", "web"), "PodScheduled"))
    assert (seen["status"], seen["reason"]) == ("False", "Unschedulable")
    assert why in seen["message"]
    assert namespace.get("pods", "web")["status"]["phase"] == "Pending"


def test_a_taint_keeps_pods_away(namespace, nodes):
    for node in nodes[1:]:
        namespace.kubectl("taint", "node", node, "example.com/only=mine:NoSchedule")
    for name, tolerations in (("plain", []), ("tolerant", [{"key": "example.com/only", "operator": "Exists"}])):
        namespace.create("pods", pod(name, pod_spec(tolerations=tolerations)))
    namespace.wait_ready("plain", 1)
    namespace.wait_ready("tolerant", 1)
    assert namespace.get("pods", "plain")["spec"]["nodeName"] == nodes[0]
