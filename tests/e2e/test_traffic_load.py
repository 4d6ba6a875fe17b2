"""Under load through a real HAProxy no request is lost, whatever is done to the pods behind it."""

import edge
import pytest
import sluice
from edge import addresses, apply_policy, lossless
from rollouts import Rolled, batches
from workloads import budget, deployment, service, uids

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
CASES = [(kind, update) for update in ("InPlaceIfPossible", "Recreate") for kind in KINDS]
NAMES = [f"{kind}-{update}".lower() for kind, update in CASES]
MANY = 20


@pytest.fixture(scope="module")
def rolled(mall, tmp_path_factory):
    """Every kind and way of upgrading at once, each behind a backend of its own and under load:
    ({name: Rolled}, {name: its pods after}, {name: what its load counted})."""
    directory = tmp_path_factory.mktemp("edge")
    with edge.haproxy(directory, *NAMES) as proxy:
        webs = {name: Rolled(mall, kind, name) for name, (kind, _) in zip(NAMES, CASES)}
        for name, web in webs.items():
            apply_policy(mall, name, proxy.balancer(backend=name))
            web.apply()
        for name, (_, update) in zip(NAMES, CASES):
            webs[name].come_up().plan(batches(1, "100%", maxUnavailable=1), update=update)
            assert proxy.serves(name) == addresses(webs[name].before)
        load = edge.Load(directory, {name: proxy.url(name) for name in NAMES}, "--keep-alive=2", "--new=1", "--slow=3",
                         "--sleep=300", "--pause=100")
        for web in webs.values():
            web.push("2")
        after = {name: web.wait_healthy("2") for name, web in webs.items()}
        assert {name: proxy.serves(name) for name in NAMES} == {name: addresses(after[name]) for name in NAMES}
        yield webs, after, load.end()["all"]


@pytest.mark.parametrize("name", NAMES)
def test_a_rollout_loses_nothing(rolled, name):
    webs, after, counted = rolled
    edge.loses_nothing(counted[name])
    if "recreate" in name:
        webs[name].was_recreated(after[name])
    else:
        webs[name].was_in_place(after[name])


def test_a_scale_down_and_a_deletion_lose_nothing(shop, proxy, tmp_path):
    apply_policy(shop, "web", proxy.balancer())
    shop.apply(deployment("web", 6))
    before = shop.wait_ready("web", 6)
    assert proxy.serves() == addresses(before)
    with lossless(tmp_path, proxy.url()):
        shop.kubectl("scale", "deployment/web", "--replicas=3")
        left = shop.wait_ready("web", 3)
        shop.wait_for(lambda: proxy.serves() == addresses(left) and len(shop.list("pods", "app=web")) == 3)
        shop.kubectl("delete", "pod", left[0]["metadata"]["name"], left[1]["metadata"]["name"])
        after = shop.wait_ready("web", 3)
        shop.wait_for(lambda: proxy.serves() == addresses(after))
    assert len(uids(after) & uids(left)) == 1
    shop.wait_for(lambda: set(proxy.servers()) == addresses(after))  # those that are gone are no members


def test_a_node_of_twenty_pods_is_drained_and_loses_nothing(shop, proxy, nodes, tmp_path):
    """Its budget has some wait for longer than the time that their drain has: they are drained all the same."""
    apply_policy(shop, "many", proxy.balancer(), drain={"timeoutSeconds": 6})
    shop.kubectl("cordon", *nodes[1:])
    shop.apply(deployment("many", MANY), budget("many", maxUnavailable="25%"))
    before = shop.wait_ready("many", MANY)
    assert {pod["spec"]["nodeName"] for pod in before} == {nodes[0]}
    shop.kubectl("uncordon", *nodes[1:])
    shop.wait_for(lambda: shop.get("poddisruptionbudgets", "many")["status"].get("disruptionsAllowed") == MANY // 4)
    with lossless(tmp_path, proxy.url()):
        said = shop.kubectl("drain", nodes[0], "--pod-selector=app=many", "--ignore-daemonsets")
        after = shop.wait_ready("many", MANY)
        shop.wait_for(lambda: proxy.serves() == addresses(after))
    assert said.count(" evicted\n") == MANY
    assert not uids(after) & uids(before)


def test_with_no_balancer_of_its_own_a_policy_gives_who_goes_by_ready_the_time_to_stop(shop, tmp_path):
    if sluice.refuses_loopback(shop.cluster, sluice.endpoints(1, "probe"), dry_run=True):
        pytest.skip("this API server has no EndpointSlice of pods on this machine, which tell who is Ready")
    apply_policy(shop, "web", drain={"propagationSeconds": 1, "waitSeconds": 1})
    web = Rolled(shop, "Deployment").apply().come_up().plan(batches(1, "100%", maxUnavailable=1))
    shop.apply(service("web"))
    with edge.haproxy(tmp_path, slots=10) as proxy, edge.following(shop, "web", proxy):
        shop.wait_for(lambda: proxy.serves() == addresses(web.before))
        with lossless(tmp_path, proxy.url()):
            web.push("2")
            web.was_in_place(web.wait_healthy("2"))
            gone = shop.pods("web")[0]
            shop.kubectl("delete", "pod", gone["metadata"]["name"])
            shop.wait_for(lambda: not uids([gone]) & uids(shop.list("pods")))
            shop.wait_ready("web", 3)
