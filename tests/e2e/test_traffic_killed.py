"""Drains end as they should, and lose nothing, whatever happens to the reconciler and to the load balancer."""

import contextlib
import subprocess

import edge
import sluice
from edge import addresses, apply_policy, lossless, state
from rollouts import WATCHED, Rolled, batches
from workloads import deployment, image_of, uids

ELECTION = {"leaderElection": {"leaseDuration": "3s", "renewDeadline": "2s", "retryPeriod": "500ms"}}
STATES = {"Joining", "InService", "Draining", "Drained", "Upgrading"}
REASON = '{.status.conditions[?(@.type=="sluice.dev/traffic-ready")].reason}'
LONG = 4  # seconds that a request takes which is under way


@contextlib.contextmanager
def states(namespace):
    """(state, whether it is being deleted) of a pod at each change of any from now on, and when it is gone."""
    command = ["timeout", str(WATCHED), *namespace.cluster.command(
        "-n", namespace.name, "get", "pods", "-w", "-o",
        f'jsonpath={REASON}/{{.metadata.deletionTimestamp}}{{"\\n"}}')]

    def each():
        for line in watch.stdout:
            reason, deleted = line.strip().split("/")
            yield reason, bool(deleted)

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            yield each()
        finally:
            watch.terminate()


def killed_in_each_state(namespace, reconciler, change, is_over):
    """Makes a change, kills and starts the reconciler whenever a pod is in a state that none has been in, until it is
    over; {(state, whether the pod is being deleted)}"""
    seen = set()
    with states(namespace) as found:
        change()
        for reason, deleted in found:
            if reason and (reason, deleted) not in seen:
                reconciler.kill()
                reconciler.start()
                seen.add((reason, deleted))
            if is_over():
                return seen
    raise AssertionError(f"it is never over: {seen}")


def test_killed_in_each_state_of_an_upgrade_in_place(shop, reconciler, proxy, tmp_path):
    apply_policy(shop, "web", proxy.balancer())
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(batches(1, "100%", maxUnavailable=1))
    with lossless(tmp_path, proxy.url()):
        seen = killed_in_each_state(shop, reconciler, lambda: web.push("2"),
                                    lambda: all(image_of(pod) == "2" and state(pod) == "InService"
                                                for pod in web.pods()))
        web.was_in_place(web.wait_healthy("2"))
    assert {reason for reason, _ in seen} == STATES
    assert proxy.serves() == addresses(web.pods())


def test_killed_in_each_state_of_a_deletion(shop, reconciler, proxy, tmp_path):
    apply_policy(shop, "web", proxy.balancer())
    shop.apply(deployment("web", 3))
    before = shop.wait_ready("web", 3)
    with lossless(tmp_path, proxy.url()):
        seen = killed_in_each_state(shop, reconciler,
                                    lambda: shop.kubectl("delete", "pod", "--wait=false", *sorted(
                                        pod["metadata"]["name"] for pod in before)[:2]),
                                    lambda: len(uids(shop.list("pods")) - uids(before)) == 2
                                    and all(state(pod) == "InService" for pod in shop.list("pods")))
        after = shop.wait_ready("web", 3)
    assert ("Draining", True) in seen
    shop.wait_for(lambda: set(proxy.servers()) == proxy.serves() == addresses(after))


def test_two_replicas_and_the_leader_is_killed_in_the_middle_of_a_drain(shop, process, account, proxy, tmp_path):
    process.stop()
    first, second = (sluice.Reconciler(tmp_path / name, account, "--leader-elect", **ELECTION) for name in "ab")
    first.start()
    first.says("leading")
    second.start()
    try:
        apply_policy(shop, "web", proxy.balancer())
        web = Rolled(shop, "Deployment").apply().come_up().plan(batches(1, "100%", maxUnavailable=1))
        with lossless(tmp_path, proxy.url()):
            web.push("2")
            shop.wait_for(lambda: any(state(pod) == "Draining" for pod in web.pods()))
            first.kill()
            web.was_in_place(web.wait_healthy("2"))
        assert second.has_said("leading")
        assert proxy.serves() == addresses(web.pods())
    finally:
        for one in (first, second):
            one.stop()


# --- the load balancer ---

def test_an_haproxy_killed_in_the_middle_of_a_drain_gets_its_members_back(shop, reconciler, proxy, tmp_path):
    apply_policy(shop, "web", proxy.balancer())
    web = Rolled(shop, "StatefulSet").apply().come_up().plan(batches(1, "100%", maxUnavailable=1))
    under_way = proxy.long_requests(6, LONG)  # so that every pod has some to finish
    web.push("2")
    shop.wait_for(lambda: any(state(pod) == "Draining" for pod in web.pods()))
    proxy.kill()
    assert not any(one.result() for one in under_way)
    draining = [pod for pod in web.pods() if state(pod) == "Draining"]
    shop.stays(lambda: all(state(shop.get("pods", pod["metadata"]["name"])) == "Draining" for pod in draining))
    proxy.start()
    shop.wait_for(lambda: proxy.serves() >= addresses(web.pods()) - addresses(draining))
    with lossless(tmp_path, proxy.url()):
        web.was_in_place(web.wait_healthy("2"))
    assert proxy.serves() == addresses(web.pods())


def test_a_pod_waits_for_every_haproxy_of_its_policy(shop, reconciler, proxy, tmp_path):
    (tmp_path / "other").mkdir()
    with edge.haproxy(tmp_path / "other") as other:
        apply_policy(shop, "web", proxy.balancer("edge"), other.balancer("inner"))
        shop.apply(deployment("web", 2))
        pods = shop.wait_ready("web", 2)
        assert proxy.serves() == other.serves() == addresses(pods)
        under_way = other.long_requests(2, LONG)
        name = pods[0]["metadata"]["name"]
        shop.patch("pods", name, {"metadata": {"annotations": {edge.DRAIN: '{"op":"test","id":"1"}'}}})
        shop.wait_for(lambda: proxy.serves() == other.serves() == addresses(pods[1:]))
        assert state(shop.get("pods", name)) == "Draining"
        shop.wait_for(lambda: state(shop.get("pods", name)) == "Drained")
        assert all(one.done() and one.result() for one in under_way[:1])
        assert all(one.result() for one in under_way)


def test_a_member_that_somebody_changed_is_put_back(shop, reconciler, proxy):
    apply_policy(shop, "web", proxy.balancer())
    shop.apply(deployment("web", 2))
    pods = shop.wait_ready("web", 2)
    server = proxy.servers()[pods[0]["status"]["podIP"]]["svname"]
    proxy.ask(f"set server web/{server} state maint")
    shop.wait_for(lambda: proxy.serves() == addresses(pods))
    shop.wait_for(lambda: "MemberCorrected" in shop.kubectl("get", "events"))
