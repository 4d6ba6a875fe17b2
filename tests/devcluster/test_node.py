"""A node at work on an API server: pods as processes, from their first status to the DELETE that ends them."""

import asyncio

import pytest
from devcluster.node import hooks, sources, start
from devcluster.objects import is_true
from running import found, node, until

SHELL, OTHER_SHELL = "registry.local/shell:1", "registry.local/shell:2"
FOREVER = "while :; do sleep 0.05; done"


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    monkeypatch.setattr(hooks, "LEAST", 0.2)
    monkeypatch.setattr(sources, "PERIOD", 0.05)
    monkeypatch.setattr(start, "RETRY", 0.2)


def shell(script, name="c", **more):
    return {"name": name, "image": SHELL, "command": ["/bin/sh", "-c", script], **more}


def hook(script):
    return {"preStop": {"exec": {"command": ["/bin/sh", "-c", script]}}}


def on_term(said, log):
    """A script that says so when it gets a SIGTERM, and "up" once it can."""
    return f"trap 'echo {said} >> {log}; exit 0' TERM; echo up >> {log}; {FOREVER}"


class Run:
    """The pod `web` in namespace default, and how it does."""

    def __init__(self, client, api):
        self.client, self.api = client, api

    async def create(self, *containers, metadata=None, **spec):
        return await self.client.create("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", **(metadata or {})},
            # a token's volume waits for the CA that a controller would publish
            "spec": {"nodeName": "node-1", "automountServiceAccountToken": False, "containers": list(containers),
                     **spec}}, "default")

    async def get(self):
        return await self.client.get("pods", "web", "default")

    async def status(self):
        return ((await self.get())["status"].get("containerStatuses") or [{}])[0]

    async def until(self, condition):
        """The status of the first container, once a function says so of it."""
        async def right():
            status = await self.status()
            return status if condition(status) else None
        return await until(right)

    async def waiting(self, reason):
        return await self.until(lambda status: status.get("state", {}).get("waiting", {}).get("reason") == reason)

    async def running(self):
        return await self.until(lambda status: "running" in status.get("state", ()))

    async def phase(self, wanted):
        async def right():
            pod = await self.get()
            return pod if pod["status"].get("phase") == wanted else None
        return await until(right)

    async def use(self, image):
        body = {"spec": {"containers": [{"name": "c", "image": image}]}}
        return await self.client.patch("pods", "web", "default", body, kind="strategic")

    async def deleted(self):
        """The pod, once its node has deleted it and only a finalizer keeps it."""
        async def over():
            pod = await self.get()
            return pod if pod["metadata"]["deletionGracePeriodSeconds"] == 0 else None
        return await until(over)

    async def end(self, **options):
        """Deletes it; the statuses of its containers as they were at the very end."""
        await self.client.patch("pods", "web", "default", {"metadata": {"finalizers": ["example.com/mine"]}})
        await self.client.delete("pods", "web", "default", **options)
        pod = await self.deleted()
        await self.client.patch("pods", "web", "default", {"metadata": {"finalizers": None}})
        return {one["name"]: one["state"]["terminated"] for field in ("initContainerStatuses", "containerStatuses")
                for one in pod["status"].get(field) or ()}


def scenario(work, directory, **options):
    async def run():
        async with node(directory, **options) as (client, _, api):
            await work(Run(client, api))
    asyncio.run(run())


async def written(path, *words):
    await until(lambda: path.exists() and path.read_text().split() == list(words))


# the end of a container

def test_a_variable_of_no_field_is_told(tmp_path):
    async def work(run):
        variable = {"name": "X", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.nothing"}}}
        await run.create(shell("exit 0", env=[variable]))
        told = await run.waiting("CreateContainerConfigError")
        assert told["state"]["waiting"]["message"] == "unsupported pod fieldPath: metadata.nothing"

    scenario(work, tmp_path)


def test_the_hook_comes_before_sigterm(tmp_path):
    log = tmp_path / "log"

    async def work(run):
        handler = hook(f"echo hook >> {log}; sleep 0.3; echo done >> {log}")
        await run.create(shell(on_term("term", log), lifecycle=handler))
        await written(log, "up")
        ended = await run.end()
        assert log.read_text().split() == ["up", "hook", "done", "term"] and ended["c"]["exitCode"] == 0

    scenario(work, tmp_path)


def test_a_container_has_its_grace_period(tmp_path):
    async def work(run):
        await run.create(shell(f"trap 'sleep 1; exit 7' TERM; echo up > {tmp_path}/log; {FOREVER}"),
                         terminationGracePeriodSeconds=10)
        await written(tmp_path / "log", "up")
        assert (await run.end())["c"]["exitCode"] == 7

    scenario(work, tmp_path)


def test_one_that_does_not_heed_sigterm_is_killed(tmp_path):
    async def work(run):
        await run.create(shell(f"trap '' TERM; echo up > {tmp_path}/log; {FOREVER}"))
        await written(tmp_path / "log", "up")
        assert (await run.end(grace=1))["c"]["exitCode"] == 137

    scenario(work, tmp_path)


def test_sidecars_end_after_the_others_and_in_turn(tmp_path):
    log = tmp_path / "log"

    async def work(run):
        sidecars = [shell(on_term(name, log), name, restartPolicy="Always") for name in ("first", "second")]
        main = shell(f"trap 'sleep 0.3; echo main >> {log}; exit 0' TERM; echo up >> {log}; {FOREVER}")
        await run.create(main, initContainers=sidecars)
        await written(log, "up", "up", "up")
        await run.end()
        assert log.read_text().split()[3:] == ["main", "second", "first"]

    scenario(work, tmp_path)


def test_fact_13_finalizers_keep_the_object_and_the_node_deletes_once(tmp_path):
    async def work(run):
        await run.create(shell(FOREVER), metadata={"finalizers": ["example.com/mine"]}, terminationGracePeriodSeconds=1)
        await run.running()
        await run.client.delete("pods", "web", "default")
        await run.until(lambda status: "terminated" in status["state"])
        await run.deleted()
        await run.api("POST", "/devcluster/faults", {"verb": "delete", "resource": "pods", "times": 1, "code": 500})
        for number in range(6):  # a node would try again at a change, or after a second
            await asyncio.sleep(0.2)
            labels = {"changed": str(number)}
            await run.client.patch("pods", "web", "default", {"metadata": {"labels": labels}})
        assert len((await run.api("GET", "/devcluster/faults")).body["faults"]) == 1
        await run.client.patch("pods", "web", "default", {"metadata": {"finalizers": None}})
        assert await found(run.client, "pods", "web") is None

    scenario(work, tmp_path)


# another image

def test_fact_08_the_generation_is_observed_before_the_container_restarts(tmp_path):
    async def work(run):
        await run.create(shell(FOREVER, lifecycle=hook(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")))
        before = await run.running()
        generation = (await run.use(OTHER_SHELL))["metadata"]["generation"]
        await until(lambda: observed(run, generation))
        assert (await run.status())["containerID"] == before["containerID"]  # its hook waits for us
        (tmp_path / "go").touch()
        after = await run.until(lambda status: status["containerID"] != before["containerID"])
        assert (after["image"], after["restartCount"]) == (OTHER_SHELL, 1)

    async def observed(run, generation):
        return (await run.get())["status"]["observedGeneration"] == generation

    scenario(work, tmp_path)


def test_another_image_restarts_whatever_the_restart_policy(tmp_path):
    async def work(run):
        await run.create(shell(FOREVER), restartPolicy="Never", terminationGracePeriodSeconds=0)
        before = await run.running()
        await run.use(OTHER_SHELL)
        await run.until(lambda status: status["containerID"] != before["containerID"] and "running" in status["state"])

    scenario(work, tmp_path)


# containers that fail

def test_a_container_that_fails_is_held_back(tmp_path):
    async def work(run):
        await run.create(shell(f"echo x >> {tmp_path}/log; exit 3"))
        status = await run.waiting("CrashLoopBackOff")
        assert status["lastState"]["terminated"]["exitCode"] == 3
        assert (tmp_path / "log").read_text().split() == ["x", "x"] and status["restartCount"] == 1

    scenario(work, tmp_path)


def test_a_container_that_is_not_alive_is_restarted(tmp_path):
    async def work(run):
        live = {"exec": {"command": ["test", "!", "-e", f"{tmp_path}/ill"]}, "periodSeconds": 1, "failureThreshold": 1}
        await run.create(shell(f"rm -f {tmp_path}/ill; {FOREVER}", livenessProbe=live), terminationGracePeriodSeconds=0)
        before = await run.running()
        (tmp_path / "ill").touch()
        after = await run.until(lambda status: status["restartCount"] == 1 and "running" in status["state"])
        assert after["containerID"] != before["containerID"]

    scenario(work, tmp_path)


def test_a_pod_has_a_deadline(tmp_path):
    async def work(run):
        await run.create(shell(FOREVER), activeDeadlineSeconds=1, terminationGracePeriodSeconds=0)
        pod = await run.phase("Failed")
        assert pod["status"]["reason"] == "DeadlineExceeded"

    scenario(work, tmp_path)


def test_a_container_waits_for_what_its_environment_refers_to(tmp_path):
    async def work(run):
        env = [{"name": "WORD", "valueFrom": {"configMapKeyRef": {"name": "it", "key": "word"}}}]
        await run.create(shell(f"echo $WORD > {tmp_path}/log; {FOREVER}", env=env))
        status = await run.waiting("CreateContainerConfigError")
        assert status["state"]["waiting"]["message"] == 'configmap "it" not found'
        await run.client.create("configmaps", {"metadata": {"name": "it"}, "data": {"word": "hello"}}, "default")
        await written(tmp_path / "log", "hello")

    scenario(work, tmp_path)


# what goes on beside the containers

def test_a_mounted_config_map_follows_its_source(tmp_path):
    async def work(run):
        await run.client.create("configmaps", {"metadata": {"name": "it"}, "data": {"word": "one"}}, "default")
        await run.create(shell(FOREVER, volumeMounts=[{"name": "v", "mountPath": "/etc/it"}]),
                         volumes=[{"name": "v", "configMap": {"name": "it"}}])
        await run.running()
        (path,) = tmp_path.glob("pods/*/c/root/etc/it/word")
        await written(path, "one")
        await run.client.patch("configmaps", "it", "default", {"data": {"word": "two"}})
        await written(path, "two")

    scenario(work, tmp_path)


def test_a_status_that_cannot_be_written_is_written_later(tmp_path):
    async def work(run):
        fault = {"verb": "patch", "resource": "pods/status", "times": 3, "code": 500}
        await run.api("POST", "/devcluster/faults", fault)
        await run.create(shell("exit 0"), restartPolicy="Never")
        await run.phase("Succeeded")

    scenario(work, tmp_path)


def test_a_status_that_somebody_else_has_changed_is_put_right(tmp_path):
    async def work(run):
        await run.create(shell(FOREVER))
        await run.running()
        await run.client.patch("pods", "web", "default", {"status": {"conditions": [
            {"type": "Ready", "status": "False"}]}}, kind="strategic", subresource="status")
        await until(lambda: is_ready(run))

    async def is_ready(run):
        return is_true(await run.get(), "Ready")

    scenario(work, tmp_path)


def test_a_node_is_ready_and_renews_its_lease(tmp_path, monkeypatch):
    monkeypatch.setattr("devcluster.node.node.LEASE_PERIOD", 0.05)

    async def work(run):
        times = set()

        async def renewed():
            lease = await found(run.client, "leases", "node-1", "kube-node-lease")
            times.update([lease["spec"]["renewTime"]] if lease else [])
            return len(times) == 2

        await until(renewed)
        assert is_true(await run.client.get("nodes", "node-1"), "Ready")

    scenario(work, tmp_path)
