"""What a node does around a container's life: hooks, grace, deadlines, the order of ends, what is left of a pod."""

import contextlib
import http.server
import threading

import pytest
from devcluster.objects import is_true
from test_pods import shell, state, status
from workloads import container, pod, pod_spec

SLEEP = "exec sleep 1000"
STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


def until_running(ns, name, which=0, kind="containerStatuses"):
    ns.wait_for(lambda: state(ns, name, which, kind).get("running"))


def until_gone(ns, name):
    ns.wait_for(lambda: not ns.find("pods", name))


def test_a_container_runs_only_after_its_poststart_hook(namespace, tmp_path):
    hook = {"postStart": {"exec": {"command": ["/bin/sh", "-c", f"until test -e {tmp_path}/go; do sleep 0.1; done"]}}}
    probe = {"exec": {"command": ["/bin/true"]}, "periodSeconds": 1}
    script = f"touch {tmp_path}/up; {SLEEP}"
    made = shell("a", script, lifecycle=hook, readinessProbe=probe)
    namespace.create("pods", pod("web", pod_spec(containers=[made])))
    namespace.wait_for((tmp_path / "up").exists)
    namespace.stays(lambda: "running" not in state(namespace, "web") and not status(namespace, "web").get("ready"))
    assert namespace.get("pods", "web")["status"]["phase"] == "Pending"
    (tmp_path / "go").touch()
    namespace.wait_ready("web", 1)


def test_a_container_whose_poststart_hook_fails_is_restarted(namespace):
    hook = {"postStart": {"exec": {"command": ["/bin/false"]}}}
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", SLEEP, lifecycle=hook)],
                                                 terminationGracePeriodSeconds=1)))
    namespace.wait_for(lambda: status(namespace, "web").get("restartCount", 0) >= 1)
    namespace.wait_for(lambda: "FailedPostStartHook" in namespace.kubectl("get", "events"))


@contextlib.contextmanager
def asked(status):
    """(the port of a server that answers every GET with a status, the list of the paths it was asked for)"""
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            """What is asked is in `paths`."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, paths
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("answer", [200, 500])
def test_an_http_prestop_hook_is_asked_whatever_it_answers(namespace, answer):
    with asked(answer) as (port, paths):
        hook = {"preStop": {"httpGet": {"host": "127.0.0.1", "path": "/leave", "port": port}}}
        namespace.create("pods", pod("web", pod_spec(containers=[container(lifecycle=hook)])))
        namespace.wait_ready("web", 1)
        namespace.delete("pods", "web")
        until_gone(namespace, "web")
    assert paths == ["/leave"]
    assert "FailedPreStopHook" not in namespace.kubectl("get", "events")


def test_a_prestop_hook_that_fails_is_told_and_the_pod_ends(namespace):
    hook = {"preStop": {"exec": {"command": ["/bin/false"]}}}
    namespace.create("pods", pod("web", pod_spec(containers=[container(lifecycle=hook)])))
    namespace.wait_ready("web", 1)
    namespace.delete("pods", "web")
    until_gone(namespace, "web")
    namespace.wait_for(lambda: "FailedPreStopHook" in namespace.kubectl("get", "events"))


def test_a_prestop_hook_has_no_more_than_the_grace_period(namespace):
    hook = {"preStop": {"sleep": {"seconds": 100}}}
    namespace.create("pods", pod("web", pod_spec(containers=[container(lifecycle=hook)],
                                                 terminationGracePeriodSeconds=100)))
    namespace.wait_ready("web", 1)
    namespace.delete("pods", "web", grace=1)
    until_gone(namespace, "web")


def test_a_second_deletion_may_shorten_the_grace_but_not_lengthen_it(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", STUBBORN)],
                                                 terminationGracePeriodSeconds=1000)))
    until_running(namespace, "web")
    namespace.delete("pods", "web")
    namespace.delete("pods", "web", grace=2000)
    assert namespace.get("pods", "web")["metadata"]["deletionGracePeriodSeconds"] == 1000
    namespace.stays(lambda: "running" in state(namespace, "web"))
    namespace.delete("pods", "web", grace=1)
    until_gone(namespace, "web")


def test_a_deletion_by_force_lets_go_at_once(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", STUBBORN)],
                                                 terminationGracePeriodSeconds=1)))
    until_running(namespace, "web")
    namespace.kubectl("delete", "pod/web", "--grace-period=0", "--force")
    assert not namespace.find("pods", "web")
    namespace.create("pods", pod("web"))
    namespace.wait_ready("web", 1)


def test_a_deadline_fails_the_pod(namespace):
    namespace.create("pods", pod("web", pod_spec(activeDeadlineSeconds=2, terminationGracePeriodSeconds=1)))
    ended = namespace.wait_for(lambda: namespace.get("pods", "web")["status"].get("phase") == "Failed"
                               and namespace.get("pods", "web"))
    assert ended["status"]["reason"] == "DeadlineExceeded"
    assert not is_true(ended, "Ready")


def test_a_failing_startup_probe_restarts(namespace):
    startup = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 2}
    namespace.create("pods", pod("web", pod_spec(containers=[container(startupProbe=startup)],
                                                 terminationGracePeriodSeconds=1)))
    namespace.wait_for(lambda: status(namespace, "web").get("restartCount", 0) >= 1)
    assert "failed startup probe, will be restarted" in namespace.kubectl("get", "events")


def test_sidecars_end_after_the_others_in_reverse_order(namespace, tmp_path):
    def logging(name):
        script = f"trap 'echo {name} >> {tmp_path}/log; exit 0' TERM; while :; do sleep 0.1; done"
        return shell(name, script)

    inits = [{**logging(name), "restartPolicy": "Always"} for name in ("first", "second")]
    namespace.create("pods", pod("web", pod_spec(initContainers=inits, containers=[logging("main")],
                                                 terminationGracePeriodSeconds=60)))
    namespace.wait_ready("web", 1)
    namespace.delete("pods", "web")
    until_gone(namespace, "web")
    assert (tmp_path / "log").read_text().split() == ["main", "second", "first"]


def test_a_pod_that_ended_keeps_its_object_until_it_is_deleted(namespace):
    namespace.create("pods", pod("web", pod_spec(containers=[shell("a", "echo done")], restartPolicy="Never")))
    namespace.wait_for(lambda: namespace.get("pods", "web")["status"]["phase"] == "Succeeded")
    namespace.stays(lambda: namespace.find("pods", "web"))
    namespace.delete("pods", "web")
    until_gone(namespace, "web")


def test_logs_are_followed_to_the_end_of_the_container(namespace):
    namespace.create("pods", pod("web", pod_spec(
        containers=[shell("a", "for n in 1 2 3 4 5; do echo $n; sleep 0.5; done")], restartPolicy="Never")))
    namespace.wait_for(lambda: state(namespace, "web").get("running") or state(namespace, "web").get("terminated"))
    assert namespace.logs("web", "-f").split() == list("12345")
