"""Controllers at work on an API server: what only shows when they read and write. No node: pods are as tests say."""

import asyncio

import pytest
from devcluster.controllers import podgc, pods as pod_control, scheduler
from devcluster.controllers.daemonset import DaemonSets
from devcluster.controllers.deployment import Deployments
from devcluster.controllers.endpointslice import EndpointSlices
from devcluster.controllers.garbage import GarbageCollector
from devcluster.controllers.namespace import Namespaces
from devcluster.controllers.nodelifecycle import NodeLifecycle
from devcluster.controllers.podgc import PodCollector
from devcluster.controllers.replicaset import ReplicaSets
from devcluster.controllers.revisions import REVISION_LABEL
from devcluster.controllers.scheduler import Scheduler
from devcluster.controllers.statefulset import StatefulSets
from devcluster.errors import ApiError
from devcluster.objects import condition, controller_of, is_terminating, is_true, owner_reference
from running import controllers, found, until

SPEC = {"containers": [{"name": "c", "image": "i:1"}]}


def scenario(work, *kinds):
    async def run():
        async with controllers(*kinds) as (client, world, api):
            await work(client, world, api)

    asyncio.run(run())


def pod(name, spec=None, **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}, **metadata},
            "spec": {**SPEC, **(spec or {})}}


def workload(kind, replicas=1, **spec):
    template = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}}


def config(name, *owners, **metadata):
    references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": one["metadata"]["name"],
                   "uid": one["metadata"]["uid"], "blockOwnerDeletion": True} for one in owners]
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "ownerReferences": references, **metadata}}


def make(client, resource, obj):
    return client.create(resource, obj, "default")


async def names(client, resource):
    return sorted(one["metadata"]["name"] for one in (await client.list(resource, "default"))[0])


async def owned_pods(client):
    return [one for one in (await client.list("pods", "default"))[0] if controller_of(one)]


async def say(client, name, **status):
    """Has a pod's status say something, as its node does."""
    await client.patch("pods", name, "default", {"status": status}, kind="strategic", subresource="status")


def ready(value):
    return [{"type": "Ready", "status": value, "lastTransitionTime": "2026-01-01T00:00:00Z"}]


# whose pod it is

def test_a_replica_set_adopts_what_it_selects_and_lets_go_of_what_it_does_not():
    async def work(client, world, _api):
        await make(client, "pods", pod("orphan"))
        await until(lambda: world.get("pods", "default", "orphan"))
        await make(client, "replicasets", workload("ReplicaSet"))
        (adopted,) = await until(lambda: owned_pods(client))
        assert adopted["metadata"]["name"] == "orphan"
        await client.patch("pods", "orphan", "default", {"metadata": {"labels": {"app": "other"}}})
        (made,) = await until(lambda: owned_pods_but(client, "orphan"))
        assert made["metadata"]["name"].startswith("web-")
        assert not (await client.get("pods", "orphan", "default"))["metadata"].get("ownerReferences")

    async def owned_pods_but(client, name):
        owned = await owned_pods(client)
        return owned if name not in [one["metadata"]["name"] for one in owned] else None

    scenario(work, ReplicaSets)


def test_a_stateful_set_adopts_only_pods_that_are_named_after_it():
    async def work(client, world, _api):
        for name in ("other-0", "web-1"):
            await make(client, "pods", pod(name))
            await until(lambda: world.get("pods", "default", name))
        await make(client, "statefulsets", workload("StatefulSet", 2, serviceName="web"))
        await until(lambda: is_owned(client, "web-1"))
        assert not await is_owned(client, "other-0")

    async def is_owned(client, name):
        return controller_of(await client.get("pods", name, "default"))

    scenario(work, StatefulSets)


def test_of_equal_pods_that_on_a_node_with_a_siblings_goes():
    pods = {"alone": ("one", "n1", 9), "beside": ("one", "n2", 0), "sibling": ("two", "n2", 0)}

    async def work(client, world, _api):
        for name, (of, where, restarts) in pods.items():
            await make(client, "pods", pod(name, {"nodeName": where}, labels={"set": of}))
            await say(client, name, phase="Running", conditions=ready("True"), containerStatuses=[
                {"name": "c", "image": "i:1", "imageID": "", "ready": True, "restartCount": restarts}])
            await until(lambda: is_true(world.get("pods", "default", name), "Ready"))
        owner = await make(client, "deployments", workload("Deployment"))
        for name, replicas in (("one", 2), ("two", 1)):
            made = workload("ReplicaSet", replicas, selector={"matchLabels": {"set": name}}, template={
                "metadata": {"labels": {"set": name}}, "spec": SPEC})
            made["metadata"] = {"name": name, "ownerReferences": [owner_reference(owner)]}
            await make(client, "replicasets", made)
        await until(lambda: all_owned(client))
        await client.patch("replicasets", "one", "default", {"spec": {"replicas": 1}})
        await until(lambda: gone(client))

    async def all_owned(client):
        return len(await owned_pods(client)) == len(pods)

    async def gone(client):
        return [one["metadata"]["name"] for one in await owned_pods(client) if is_terminating(one)] == ["beside"]

    scenario(work, ReplicaSets)


def test_fact_04_a_daemon_pod_relabelled_with_the_bare_hash_counts_as_updated():
    async def work(client, _world, _api):
        await client.create("nodes", node("n"))
        made = workload("DaemonSet", updateStrategy={"type": "OnDelete"})
        del made["spec"]["replicas"]
        await make(client, "daemonsets", made)
        (before,) = await until(lambda: owned_pods(client))
        await client.patch("daemonsets", "web", "default", {"spec": {"template": image("i:2")}}, kind="strategic")
        newest = await until(lambda: second_revision(client))
        bare = newest["metadata"]["labels"][REVISION_LABEL]
        assert newest["metadata"]["name"] == f"web-{bare}"
        await until(lambda: status_is(client, observedGeneration=2, updatedNumberScheduled=None))
        await client.patch("pods", before["metadata"]["name"], "default", {"metadata": {"labels": {
            REVISION_LABEL: bare}}})
        await until(lambda: status_is(client, observedGeneration=2, updatedNumberScheduled=1))
        (after,) = await owned_pods(client)
        assert after["metadata"]["uid"] == before["metadata"]["uid"] and not is_terminating(after)

    async def second_revision(client):
        listed = (await client.list("controllerrevisions", "default"))[0]
        return next((one for one in listed if one["revision"] == 2), None)

    async def status_is(client, **wanted):
        status = (await client.get("daemonsets", "web", "default"))["status"]
        return {key: status.get(key) for key in wanted} == wanted

    scenario(work, DaemonSets)


@pytest.mark.parametrize("latest", [
    None, {"uid": "another"}, {"uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"}])
def test_who_is_gone_or_going_adopts_nothing(latest):
    class World:
        client = None

        @staticmethod
        async def get(_resource, _name, _namespace):
            if latest is None:
                raise ApiError("NotFound", "gone")
            return {"metadata": latest}

    World.client = World
    owner = {"kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "n", "uid": "u"},
             "spec": {"selector": {"matchLabels": {"app": "web"}}}}
    assert asyncio.run(pod_control.claim(World, "pods", owner, [pod("orphan")])) == []


@pytest.mark.parametrize("fails, expected", [(None, [1, 2, 4, 3]), (0, [1]), (2, [1, 2])])
def test_pods_are_created_few_at_first_and_no_more_after_a_failure(fails, expected):
    batches, under_way = [], 0

    async def attempt(number):
        nonlocal under_way
        if not under_way:
            batches.append(0)
        under_way += 1
        batches[-1] += 1
        await asyncio.sleep(0)
        under_way -= 1
        if number == fails:
            raise ApiError("Forbidden", "no")

    async def run():
        try:
            await pod_control.slow_start(range(10), attempt)
        except ApiError:
            assert fails is not None

    asyncio.run(run())
    assert batches == expected


# Deployments

async def replica_sets(client):
    """{image: (size, name)}"""
    listed = (await client.list("replicasets", "default"))[0]
    return {one["spec"]["template"]["spec"]["containers"][0]["image"]: (
        one["spec"]["replicas"], one["metadata"]["name"]) for one in listed}


async def observed(client, **changes):
    """Patches the Deployment's spec and waits until its controller has seen that."""
    made = await client.patch("deployments", "web", "default", {"spec": changes}, kind="strategic")
    generation = made["metadata"]["generation"]
    await until(lambda: seen(client, generation))


async def seen(client, generation):
    status = (await client.get("deployments", "web", "default")).get("status") or {}
    return status.get("observedGeneration") == generation


def image(text):
    return {"spec": {"containers": [{"name": "c", "image": text}]}}


def test_fact_05_paused_with_the_template_holds_all():
    async def work(client, _world, _api):
        await make(client, "deployments", workload("Deployment", 2))
        await until(lambda: replica_sets(client))
        await observed(client, paused=True, template=image("i:2"))
        assert {one: size for one, (size, _) in (await replica_sets(client)).items()} == {"i:1": 2}
        await observed(client, replicas=3)  # one active ReplicaSet is scaled even so
        assert {one: size for one, (size, _) in (await replica_sets(client)).items()} == {"i:1": 3}

    scenario(work, Deployments)


def test_recreate_waits_until_the_last_old_pod_is_gone():
    async def work(client, _world, _api):
        await make(client, "deployments", workload("Deployment", strategy={"type": "Recreate"}))
        (old,) = await until(lambda: owned_pods(client))
        name = old["metadata"]["name"]
        await client.patch("pods", name, "default", {"metadata": {"finalizers": ["example.com/mine"]}})
        await observed(client, template=image("i:2"))
        await until(lambda: pod_is_terminating(client, name))
        await observed(client, minReadySeconds=1)  # looks again
        assert set(await replica_sets(client)) == {"i:1"}
        await client.patch("pods", name, "default", {"metadata": {"finalizers": None}})
        await until(lambda: replica_set_of(client, "i:2"))

    async def pod_is_terminating(client, name):
        return is_terminating(await client.get("pods", name, "default"))

    async def replica_set_of(client, image_name):
        return (await replica_sets(client)).get(image_name)

    scenario(work, Deployments, ReplicaSets)


def test_a_name_that_is_taken_makes_another():
    async def work(client, _world, _api):
        await make(client, "deployments", workload("Deployment"))
        await until(lambda: replica_sets(client))
        await client.delete("deployments", "web", "default", propagation="Background")
        await make(client, "deployments", workload("Deployment"))
        await until(lambda: two(client))
        status = (await client.get("deployments", "web", "default"))["status"]
        assert status["collisionCount"] == 1

    async def two(client):
        return len(await names(client, "replicasets")) == 2

    scenario(work, Deployments)


# what a Service leads to

def test_an_endpoint_follows_its_pod():
    async def work(client, _world, _api):
        await client.create("nodes", {"metadata": {"name": "n"}})
        await make(client, "services", {"metadata": {"name": "web"}, "spec": {
            "selector": {"app": "web"}, "ports": [{"port": 80}]}})
        await make(client, "pods", pod("web", {"nodeName": "n"}))
        for value, expected in (("True", (True, False)), ("False", (False, False)), ("True", (True, False))):
            await say(client, "web", phase="Running", podIP="127.14.1.2", conditions=ready(value))
            await until(lambda: endpoint(client, *expected))
        await client.delete("pods", "web", "default")
        await until(lambda: endpoint(client, False, True))
        await client.delete("pods", "web", "default", grace=0)
        await until(lambda: no_endpoint(client))

    async def slices(client):
        listed = (await client.list("endpointslices", "default", labels="kubernetes.io/service-name=web"))[0]
        return [one for some in listed for one in some["endpoints"] or ()]

    async def endpoint(client, is_ready, terminating):
        return [(one["conditions"]["ready"], one["conditions"]["terminating"]) for one in await slices(client)] == [
            (is_ready, terminating)]

    async def no_endpoint(client):
        return not await slices(client)

    scenario(work, EndpointSlices)


# what goes with its owner

def test_dependents_go_after_their_owner():
    async def work(client, _world, _api):
        owner = await make(client, "configmaps", config("owner"))
        await make(client, "configmaps", config("dependent", owner))
        await make(client, "configmaps", config("free"))
        await client.delete("configmaps", "owner", "default", propagation="Background")
        await until(lambda: only(client, "free"))

    scenario(work, GarbageCollector)


async def only(client, *left):
    return await names(client, "configmaps") == sorted(left)


def test_orphans_stay_without_their_owner():
    async def work(client, _world, _api):
        owner = await make(client, "configmaps", config("owner"))
        other = await make(client, "configmaps", config("other"))
        await make(client, "configmaps", config("orphan", owner))
        await make(client, "configmaps", config("shared", owner, other))
        await client.delete("configmaps", "owner", "default", propagation="Orphan")
        await until(lambda: only(client, "orphan", "other", "shared"))
        assert await owners(client, "orphan") == [] and await owners(client, "shared") == ["other"]

    async def owners(client, name):
        metadata = (await client.get("configmaps", name, "default"))["metadata"]
        return [one["name"] for one in metadata.get("ownerReferences") or ()]

    scenario(work, GarbageCollector)


def test_in_the_foreground_an_owner_waits_for_its_dependents():
    async def work(client, _world, _api):
        owner = await make(client, "configmaps", config("owner"))
        await make(client, "configmaps", config("dependent", owner, finalizers=["example.com/mine"]))
        await client.delete("configmaps", "owner", "default", propagation="Foreground")
        await until(lambda: dependent_is_terminating(client))
        assert is_terminating(await client.get("configmaps", "owner", "default"))
        await client.patch("configmaps", "dependent", "default", {"metadata": {"finalizers": None}})
        await until(lambda: only(client))

    async def dependent_is_terminating(client):
        return is_terminating(await client.get("configmaps", "dependent", "default"))

    scenario(work, GarbageCollector)


def test_another_object_of_the_owners_name_is_no_owner():
    async def work(client, _world, _api):
        owner = await make(client, "configmaps", config("owner"))
        gone = {"metadata": {**owner["metadata"], "uid": "of-one-before"}}
        await make(client, "configmaps", config("dependent", gone))
        await make(client, "configmaps", config("shared", gone, owner))
        await until(lambda: only(client, "owner", "shared"))
        await until(lambda: shared_has_one_owner(client))

    async def shared_has_one_owner(client):
        return len((await client.get("configmaps", "shared", "default"))["metadata"]["ownerReferences"]) == 1

    scenario(work, GarbageCollector)


def test_a_namespace_loses_its_pods_first():
    async def work(client, _world, _api):
        await client.create("namespaces", {"metadata": {"name": "shop"}})
        await client.create("configmaps", config("it"), "shop")
        await client.create("pods", pod("web", finalizers=["example.com/mine"]), "shop")
        await client.delete("namespaces", "shop")
        await until(lambda: is_going(client))
        assert await found(client, "configmaps", "it", "shop")
        await client.patch("pods", "web", "shop", {"metadata": {"finalizers": None}})
        await until(lambda: is_gone(client))
        assert not await found(client, "configmaps", "it", "shop")

    async def is_going(client):
        one = await found(client, "pods", "web", "shop")
        return is_terminating(one) and condition(await client.get("namespaces", "shop"), "NamespaceContentRemaining")

    async def is_gone(client):
        return await found(client, "namespaces", "shop", None) is None

    scenario(work, Namespaces)


# nodes and their pods

def node(name, value="True", cpu="1"):
    return {"metadata": {"name": name}, "status": {
        "conditions": [{"type": "Ready", "status": value, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "allocatable": {"cpu": cpu, "memory": "1Gi", "pods": "10"}}}


def asking(cpu):
    return {"containers": [{"name": "c", "image": "i:1", "resources": {"requests": {"cpu": cpu}}}]}


def test_pods_of_a_node_that_is_not_ready_are_not_ready():
    async def work(client, _world, _api):
        await client.create("nodes", node("n"))
        await make(client, "pods", pod("web", {"nodeName": "n"}))
        await say(client, "web", phase="Running", conditions=ready("True"))
        await client.patch("nodes", "n", None, {"status": node("n", "False")["status"]}, kind="strategic",
                           subresource="status")
        told = await until(lambda: not_ready(client))
        assert told["reason"] == "NodeNotReady"

    async def not_ready(client):
        one = await client.get("pods", "web", "default")
        return not is_true(one, "Ready") and condition(one, "Ready")

    scenario(work, NodeLifecycle)


def test_pods_of_a_node_that_is_gone_are_deleted(monkeypatch):
    monkeypatch.setattr(podgc, "QUARANTINE", 0.1)

    async def work(client, _world, _api):
        await client.create("nodes", node("n"))
        for name, where in (("kept", "n"), ("stray", "nowhere")):
            await make(client, "pods", pod(name, {"nodeName": where}))
        await until(lambda: only_kept(client))

    async def only_kept(client):
        return await names(client, "pods") == ["kept"]

    scenario(work, PodCollector)


async def node_of(client, name):
    return (await client.get("pods", name, "default"))["spec"].get("nodeName")


def test_a_pod_waits_for_room_and_takes_it_when_another_goes():
    async def work(client, _world, _api):
        await client.create("nodes", node("n"))
        await make(client, "pods", pod("first", asking("700m")))
        await until(lambda: node_of(client, "first"))
        await make(client, "pods", pod("second", asking("700m")))
        told = await until(lambda: refused(client))
        assert told["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
        await client.delete("pods", "first", "default", grace=0)
        assert await until(lambda: node_of(client, "second")) == "n"

    async def refused(client):
        return condition(await client.get("pods", "second", "default"), "PodScheduled")

    scenario(work, Scheduler)


def test_a_binding_that_fails_is_tried_again(monkeypatch):
    monkeypatch.setattr(scheduler, "BACKOFF", 0.05)

    async def work(client, _world, api):
        await client.create("nodes", node("n"))
        await api("POST", "/devcluster/faults", {"verb": "create", "resource": "pods/binding", "times": 2, "code": 500})
        await make(client, "pods", pod("web"))
        assert await until(lambda: node_of(client, "web")) == "n"

    scenario(work, Scheduler)
