"""What else befalls pods behind a load balancer: none sticks, and none is sent requests that it cannot answer."""

import edge
import pytest
from devcluster.errors import ApiError
from devcluster.objects import is_true
from devcluster.supervisor import take_network
from edge import DRAIN, LABEL, READY, addresses, apply_policy, finalizers, lossless, state
from test_nodes import Agent
from workloads import GATE, deployment, pod, pod_spec, uids

ASKED = {"metadata": {"annotations": {DRAIN: '{"op":"resize","id":"1"}'}}}
NOT_ASKED = {"metadata": {"annotations": {DRAIN: None}}}


def behind(namespace, proxy, count=2, **policy):
    """A Deployment whose pods are behind it; they."""
    apply_policy(namespace, "web", proxy.balancer(), **policy)
    namespace.apply(deployment("web", count))
    pods = namespace.wait_ready("web", count)
    assert proxy.serves() == addresses(pods)
    return pods


def name_of(made):
    return made["metadata"]["name"]


def wait_state(namespace, made, wanted):
    namespace.wait_for(lambda: state(namespace.get("pods", name_of(made))) == wanted)
    return namespace.get("pods", name_of(made))


def wait_replaced(namespace, proxy, gone, count):
    """Until others are in the place of those pods, and nothing is left of these."""
    namespace.wait_for(lambda: not uids(namespace.list("pods")) & uids(gone))
    after = namespace.wait_ready("web", count)
    namespace.wait_for(lambda: set(proxy.servers()) == proxy.serves() == addresses(after))


# --- drains that others ask for ---

def test_another_controller_has_a_pod_drained_and_gives_it_back(shop, proxy, tmp_path):
    pods = behind(shop, proxy)
    with lossless(tmp_path, proxy.url()):
        shop.patch("pods", name_of(pods[0]), ASKED)
        drained = wait_state(shop, pods[0], "Drained")
        assert not finalizers(drained) and not is_true(drained, READY)
        assert proxy.serves() == addresses(pods[1:])
        shop.stays(lambda: state(shop.get("pods", name_of(pods[0]))) == "Drained")
        shop.patch("pods", name_of(pods[0]), NOT_ASKED)
        back = wait_state(shop, pods[0], "InService")
        assert finalizers(back) == [edge.FINALIZER + "edge"]
        assert proxy.serves() == addresses(pods)


def test_past_its_deadline_a_drain_proceeds_and_says_what_it_cuts(shop, proxy):
    web, = behind(shop, proxy, 1, drain={"timeoutSeconds": 2})
    answered, = proxy.long_requests(1, 8)
    shop.patch("pods", name_of(web), ASKED)
    wait_state(shop, web, "Drained")
    assert not answered.done()
    shop.wait_for(lambda: "DrainOverdue" in shop.kubectl("get", "events"))
    answered.result()


def test_past_its_deadline_a_drain_holds_until_the_last_session_ends(shop, proxy):
    web, = behind(shop, proxy, 1, drain={"timeoutSeconds": 2, "onTimeout": "Hold"})
    answered, = proxy.long_requests(1, 6)
    shop.patch("pods", name_of(web), ASKED)
    shop.wait_for(lambda: "DrainHeld" in shop.kubectl("get", "events"))
    assert not answered.done() and state(shop.get("pods", name_of(web))) == "Draining"
    assert answered.result()
    wait_state(shop, web, "Drained")


# --- evictions ---

def eviction(made, **options):
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name_of(made)},
            "deleteOptions": options}


def evict(namespace, made, **options):
    namespace.create("pods", eviction(made, **options), name=name_of(made), subresource="eviction")


def test_an_eviction_is_told_to_wait_and_a_dry_run_changes_nothing(shop, proxy):
    web, = behind(shop, proxy, 1)
    evict(shop, web, dryRun=["All"])
    shop.stays(lambda: DRAIN not in shop.get("pods", name_of(web))["metadata"].get("annotations", {}))
    with pytest.raises(ApiError) as refused:
        evict(shop, web)
    assert refused.value.code == 429
    wait_state(shop, web, "Drained")
    evict(shop, web)
    wait_replaced(shop, proxy, [web], 1)


def test_with_no_reconciler_the_deadline_lets_an_eviction_go(shop, reconciler, proxy):
    web, = behind(shop, proxy, 1, drain={"timeoutSeconds": 3})
    reconciler.kill()
    with pytest.raises(ApiError) as refused:
        evict(shop, web)
    assert refused.value.code == 429

    def let_go():
        try:
            evict(shop, web)
        except ApiError as error:
            assert error.code == 429
            return False
        return True

    shop.wait_for(let_go)
    shop.wait_for(lambda: "deletionTimestamp" in shop.get("pods", name_of(web))["metadata"])
    reconciler.start()
    wait_replaced(shop, proxy, [web], 1)


# --- ends of pods ---

def test_a_forced_deletion_leaves_no_member_and_no_pod(shop, proxy):
    pods = behind(shop, proxy)
    shop.kubectl("delete", "pod", name_of(pods[0]), "--grace-period=0", "--force", "--wait=false")
    wait_replaced(shop, proxy, pods[:1], 2)


def test_a_pod_that_has_completed_is_let_go(shop, proxy):
    apply_policy(shop, "job", proxy.balancer())
    spec = pod_spec(restartPolicy="Never")
    spec["containers"][0] |= {"command": ["/bin/sh", "-c", "exec podinfo & sleep 3"]}
    del spec["containers"][0]["readinessProbe"]
    shop.create("pods", pod("job", spec))
    shop.wait_for(lambda: proxy.serves())
    shop.wait_for(lambda: shop.get("pods", "job")["status"]["phase"] in ("Succeeded", "Failed"))
    shop.wait_for(lambda: not finalizers(shop.get("pods", "job")) and not proxy.servers())
    shop.delete("pods", "job")
    shop.wait_for(lambda: not shop.find("pods", "job"))


def test_the_pods_of_a_node_that_is_gone_are_let_go(cluster, shop, proxy, tmp_path):
    number, held = take_network()
    agent = Agent(cluster.kubeconfig, tmp_path / "node", f"127.{number}.0.0/16")
    agent.start()
    try:
        shop.wait_for(lambda: shop.find("nodes", agent.name))
        apply_policy(shop, "web", proxy.balancer())
        shop.create("pods", pod("web", pod_spec(nodeName=agent.name)))
        shop.wait_ready("web", 1)
        assert proxy.serves()
    finally:
        agent.kill()
        shop.kubectl("delete", "node", agent.name, "--ignore-not-found")
        held.close()
    shop.wait_for(lambda: not shop.find("pods", "web") and not proxy.servers())


def test_a_namespace_that_is_deleted_goes(shop, proxy, cluster):
    behind(shop, proxy)
    cluster.call("delete", "namespaces", shop.name)
    shop.wait_for(lambda: not cluster.call("list", "pods", shop.name)[0])
    shop.wait_for(lambda: not shop.find("namespaces", shop.name))
    shop.wait_for(lambda: not proxy.servers())
    cluster.call("create", "namespaces", {"metadata": {"name": shop.name}})  # for the fixture to delete


# --- pods that are not as the webhook would have made them ---

def test_pods_that_the_webhook_has_not_seen_are_drained_through_their_balancers(unmanaged, proxy, tmp_path):
    unmanaged.apply(edge.policy("web", proxy.balancer()), deployment("web", 2))
    pods = unmanaged.wait_ready("web", 2)
    assert not any(one["spec"].get("readinessGates") for one in pods)
    unmanaged.wait_for(lambda: proxy.serves() == addresses(pods))
    unmanaged.wait_for(lambda: all(state(one) == "InService" and finalizers(one)
                                   and one["metadata"]["labels"].get(LABEL) == "web" for one in unmanaged.pods()))
    with lossless(tmp_path, proxy.url()):
        unmanaged.patch("pods", name_of(pods[0]), ASKED)
        wait_state(unmanaged, pods[0], "Drained")
        assert proxy.serves() == addresses(pods[1:])
        unmanaged.patch("pods", name_of(pods[0]), NOT_ASKED)
        wait_state(unmanaged, pods[0], "InService")
    assert proxy.serves() == addresses(pods)


def test_a_pod_that_its_policy_no_longer_matches_is_released(shop, proxy):
    pods = behind(shop, proxy)
    shop.patch("pods", name_of(pods[0]), {"metadata": {"labels": {"app": "other"}}})
    shop.wait_for(lambda: not finalizers(shop.get("pods", name_of(pods[0]))))
    shop.wait_for(lambda: pods[0]["status"]["podIP"] not in proxy.servers())
    released = shop.get("pods", name_of(pods[0]))
    assert LABEL not in released["metadata"]["labels"] and is_true(released, READY)
    shop.stays(lambda: is_true(shop.get("pods", name_of(pods[0])), "Ready"))


def test_a_policy_that_is_deleted_releases_its_pods(shop, proxy):
    pods = behind(shop, proxy)
    shop.delete(edge.POLICIES, "web")
    shop.wait_for(lambda: not any(finalizers(one) or LABEL in one["metadata"]["labels"] for one in shop.pods()))
    shop.wait_for(lambda: not proxy.servers())
    assert uids(shop.wait_ready("web", 2)) == uids(pods)


def test_a_pod_with_another_unready_gate_is_in_traffic_and_leaves_it(shop, proxy):
    apply_policy(shop, "web", proxy.balancer())
    shop.create("pods", pod("web", pod_spec(readinessGates=[{"conditionType": GATE}])))
    shop.wait_for(lambda: state(shop.get("pods", "web")) == "InService" and proxy.serves())
    assert not is_true(shop.get("pods", "web"), "Ready")
    shop.delete("pods", "web")
    shop.wait_for(lambda: not shop.find("pods", "web") and not proxy.servers())
