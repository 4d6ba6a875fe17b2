"""What EndpointSlices and Endpoints say of pods, and how slices are filled."""

import pytest

from devcluster.controllers import slices

NODES = {"n": {"metadata": {"name": "n", "labels": {}}}}


def service(*ports, **spec):
    return {"metadata": {"name": "web", "namespace": "d", "labels": {"a": "b"}},
            "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"},
                     "ports": list(ports) or [{"port": 80, "targetPort": "http"}], **spec}}


def pod(number, *, ready=True, deleted=False, port=8080, **status):
    metadata = {"name": f"web-{number}", "namespace": "d", "uid": f"u{number}", "labels": {"app": "web"}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ip = f"127.0.{number // 250}.{number % 250 + 1}"
    return {"metadata": metadata,
            "spec": {"nodeName": "n", "containers": [{"ports": [{"name": "http", "containerPort": port}]}]},
            "status": {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running",
                       "conditions": [{"type": "Ready", "status": str(ready)}], **status}}


def stored(plan, of):
    """The slices as the API server would have them after a plan."""
    return [{"metadata": {"name": f"s{index}", "labels": slices.labels(of)}, "addressType": family,
             "ports": ports, "endpoints": endpoints}
            for index, (family, ports, endpoints) in enumerate(plan.create)]


@pytest.mark.parametrize("ready, deleted, published, conditions", [
    (True, False, False, (True, True, False)),
    (False, False, False, (False, False, False)),
    (True, True, False, (False, True, True)),
    (False, True, False, (False, False, True)),
    (False, False, True, (True, False, False)),
    (True, True, True, (True, True, True)),
])
def test_conditions_of_an_endpoint(ready, deleted, published, conditions):
    one = slices.endpoint(service(publishNotReadyAddresses=published), pod(0, ready=ready, deleted=deleted),
                          NODES["n"], "IPv4")
    assert tuple(one["conditions"][key] for key in ("ready", "serving", "terminating")) == conditions


@pytest.mark.parametrize("status", [{"podIP": "", "podIPs": []}, {"phase": "Succeeded"}, {"phase": "Failed"}])
def test_pods_without_an_address_or_that_are_over_are_no_endpoints(status):
    assert slices.endpoint(service(), pod(0, **status), NODES["n"], "IPv4") is None


def test_a_service_without_pods_has_an_empty_slice_and_keeps_it():
    plan = slices.plan(service(), [], NODES, [])
    assert plan.create == [("IPv4", [], [])]
    again = slices.plan(service(), [], NODES, stored(plan, service()))
    assert (again.create, again.update, again.delete) == ([], [], [])


def test_pods_with_other_ports_come_in_other_slices():
    plan = slices.plan(service(), [pod(0), pod(1, port=9090), pod(2)], NODES, [])
    assert [(ports[0]["port"], len(endpoints)) for _, ports, endpoints in plan.create] == [
        (8080, 2), (9090, 1)]


def test_slices_hold_a_hundred_and_are_filled_up():
    pods = [pod(number) for number in range(130)]
    plan = slices.plan(service(), pods, NODES, [])
    assert [len(endpoints) for _, _, endpoints in plan.create] == [100, 30]
    more = slices.plan(service(), pods + [pod(130)], NODES, stored(plan, service()))
    assert (more.create, more.delete) == ([], [])
    assert [(one["metadata"]["name"], len(endpoints)) for one, endpoints in more.update] == [("s1", 31)]


def test_a_changed_pod_changes_its_slice_in_place():
    pods = [pod(number) for number in range(3)]
    before = stored(slices.plan(service(), pods, NODES, []), service())
    pods[1] = pod(1, ready=False)
    plan = slices.plan(service(), pods, NODES, before)
    (_, endpoints), = plan.update
    assert [one["conditions"]["ready"] for one in endpoints] == [True, False, True]


def test_a_pod_on_an_unknown_node_is_left_out_unless_all_are_published():
    assert slices.plan(service(), [pod(0)], {}, []).create == [("IPv4", [], [])]
    published = service(publishNotReadyAddresses=True)
    assert len(slices.plan(published, [pod(0)], {}, []).create[0][2]) == 1


def test_labels_follow_the_service_but_not_where_they_are_reserved():
    of = service(clusterIP="None")
    of["metadata"]["labels"][slices.MANAGED_BY] = "me"
    assert slices.labels(of) == {"a": "b", slices.SERVICE: "web", slices.MANAGED_BY: slices.MANAGER,
                                 slices.HEADLESS: ""}


def test_ports_served_at_the_same_addresses_come_together_in_endpoints():
    of = service({"name": "web", "port": 80, "targetPort": "http"},
                 {"name": "num", "port": 81, "targetPort": 9})
    found = slices.subsets(of, [pod(0), pod(1, ready=False), pod(2, port=9090), pod(3, deleted=True)])

    def ips(subset, key):
        return [one["ip"] for one in subset.get(key, ())]

    assert [([port["port"] for port in one["ports"]], ips(one, "addresses"), ips(one, "notReadyAddresses"))
            for one in found] == [([8080], ["127.0.0.1"], ["127.0.0.2"]),
                                  ([9], ["127.0.0.1", "127.0.0.3"], ["127.0.0.2"]),
                                  ([9090], ["127.0.0.3"], [])]
