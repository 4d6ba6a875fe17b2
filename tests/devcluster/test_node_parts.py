"""The small parts of the node agent: names in text, backoff, images, volumes, logs, addresses."""

import asyncio
import ipaddress
import os
import time

import aiohttp
import pytest
from devcluster.node import backoff, downward, environment, images, logs, volumes
from devcluster.node.container import Container
from devcluster.node.node import Addresses

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"b": "2", "a": 'say "1"'}},
       "spec": {"nodeName": "node-1"}}


@pytest.mark.parametrize("text, expected", [
    ("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("$A", "$A"), ("$$$(A)", "$1"), ("$(", "$("), ("", "")])
def test_variables_are_expanded(text, expected):
    assert environment.expand(text, {"A": "1"}) == expected


@pytest.mark.parametrize("path, expected", [
    ("metadata.name", "p"), ("spec.nodeName", "node-1"), ("status.podIP", "127.1.1.2"), ("status.hostIP", "127.1.0.1"),
    ("metadata.labels['b']", "2"), ("metadata.labels['x']", ""), ("metadata.labels", 'a="say \\"1\\""\nb="2"')])
def test_fields_of_the_downward_api(path, expected):
    assert downward.field(POD, path, host="127.1.0.1", address="127.1.1.2") == expected


@pytest.mark.parametrize("reference, expected", [
    ({"resource": "limits.cpu"}, "2"), ({"resource": "limits.memory", "divisor": "1Mi"}, "64"),
    ({"resource": "requests.cpu", "divisor": "1m"}, "250"), ({"resource": "limits.ephemeral-storage"}, "7")])
def test_resources_of_the_downward_api(reference, expected):
    spec = {"resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}}
    assert downward.resource(spec, reference, {"ephemeral-storage": "7"}) == expected


@pytest.mark.parametrize("seconds, expected", [
    (10, "10s"), (80, "1m20s"), (300, "5m0s"), (0.5, "500ms"), (2.5, "2.5s")])
def test_durations_are_printed_as_go_does(seconds, expected):
    assert backoff.duration(seconds) == expected


def test_a_backoff_doubles_to_its_limit():
    one, delays = backoff.Backoff(10), []
    for _ in range(7):
        one.next()
        delays.append(one.delay)
    assert delays == [10, 20, 40, 80, 160, 300, 300]
    assert 200 < one.remaining(time.monotonic()) <= 300


def test_a_backoff_is_forgotten_after_a_long_run():
    one = backoff.Backoff(10)
    one.next()
    assert one.remaining(time.monotonic() + 601) > 0 and one.delay == 0


COMMANDS = [
    ("registry.local/podinfo:v1", None, None, ["podinfo"]),
    ("registry.local/podinfo:v1", None, ["--graceful"], ["podinfo", "--graceful"]),
    ("registry.local/shell:1", None, None, ["/bin/sh"]),
    ("registry.local/shell:1", None, ["true"], ["true"]),
    ("registry.local/shell:1", ["echo"], ["hi"], ["echo", "hi"]),
    ("busybox:1.36", ["sleep", "1"], None, ["sleep", "1"]),
]


@pytest.mark.parametrize("image, command, args, expected", COMMANDS)
def test_an_image_names_a_command(image, command, args, expected):
    assert images.Images({}).command(image, command, args) == expected


@pytest.mark.parametrize("image", ["registry.local/podinfo:absent", "registry.local/nothing:1", "nginx"])
def test_an_image_that_is_not_in_the_table_cannot_be_pulled(image):
    with pytest.raises(images.PullError, match="failed to resolve reference"):
        asyncio.run(images.Images({}).pull(image))


def test_a_volume_is_replaced_all_at_once(tmp_path):
    volumes.write_atomically(tmp_path, {"a": (b"1", 0o644), "sub/b": (b"2", 0o600)})
    first = os.readlink(tmp_path / "..data")
    assert (tmp_path / "a").read_text() == "1" and (tmp_path / "sub/b").read_text() == "2"
    assert (tmp_path / "sub/b").stat().st_mode & 0o777 == 0o600
    volumes.write_atomically(tmp_path, {"a": (b"3", 0o644)})
    assert os.readlink(tmp_path / "..data") != first and not (tmp_path / first).exists()
    assert (tmp_path / "a").read_text() == "3" and not (tmp_path / "sub").exists()


def test_a_token_is_asked_for_again_before_it_expires(tmp_path):
    class Agent:
        """Node and client in one, that counts what is asked for."""

        asked = 0

        @property
        def client(self):
            return self

        async def create(self, _resource, request, _namespace, *, name, subresource):
            assert (name, subresource) == ("default", "token")
            assert request["spec"]["boundObjectRef"]["uid"] == POD["metadata"]["uid"]
            self.asked += 1
            return {"status": {"token": f"token-{self.asked}"}}

    async def run():
        mounted = volumes.Volumes(Agent(), tmp_path, lambda: None)
        return [await mounted._current_token(POD, *one) for one in (("a", 600), ("a", 600), ("b", 0), ("b", 0))]
    assert asyncio.run(run()) == ["token-1", "token-1", "token-2", "token-3"]


@pytest.mark.parametrize("count, expected", [(0, b""), (1, b"c"), (2, b"b\nc"), (9, b"a\nb\nc")])
def test_the_tail_of_a_log(tmp_path, count, expected):
    (tmp_path / "log").write_bytes(b"a\nb\nc")
    with open(tmp_path / "log", "rb") as file:
        logs._seek_tail(file, count)
        assert file.read() == expected


def test_an_address_comes_again_after_all_the_others():
    addresses = Addresses(ipaddress.ip_network("127.9.1.0/29"))
    first = addresses.take()
    addresses.release(first)
    assert addresses.keep("127.9.1.4") and not addresses.keep("127.9.1.4") and not addresses.keep(None)
    addresses.release("127.9.1.4")
    assert [addresses.take() for _ in range(6)] == [f"127.9.1.{n}" for n in (3, 5, 6, 2, 4)] + [None]


@pytest.mark.parametrize("policy, init, code, expected", [
    ("Always", False, 0, True), ("OnFailure", False, 0, False), ("OnFailure", False, 1, True),
    ("Never", False, 1, False), ("Always", True, 0, False), ("Always", True, 1, True), ("Never", True, 1, False)])
def test_which_containers_are_started_again(policy, init, code, expected):
    container = Container({"name": "c", "image": "i:1"}, init)
    assert container.restarts(policy)
    container.begin(None, {})
    container.end(code)
    assert container.restarts(policy) is expected


def test_a_container_of_an_earlier_agent_is_lost():
    container = Container({"name": "c", "image": "i:1"})
    container.adopt({"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "restartCount": 2,
                     "containerID": "devcluster://1", "image": "i:1", "imageID": "x"})
    assert container.state["terminated"]["exitCode"] == 255
    container.begin(None, {})
    assert container.restart_count == 3 and container.last_state["terminated"]["reason"] == "Unknown"


class Worker:
    """As much of a PodWorker as its logs need."""

    def __init__(self, directory):
        self.directory = directory
        self.containers = {"c": Container({"name": "c", "image": "i:1"})}


class Node:
    address = "127.14.0.9"

    def __init__(self, worker):
        self.of = worker

    def worker(self, namespace, name):
        return self.of if (namespace, name) == ("n", "p") else None


LOGS = [
    ("n/p/c", 200, "third\nfourth\n"), ("n/p/c?tailLines=1", 200, "fourth\n"), ("n/p/c?limitBytes=2", 200, "th"),
    ("n/p/c?previous=true", 200, "first\n"), ("n/p/other", 404, "container other is not valid for pod p"),
    ("n/q/c", 404, 'pod "q" does not exist')]


@pytest.mark.parametrize("path, status, text", LOGS)
def test_logs_are_served(tmp_path, path, status, text):
    worker = Worker(tmp_path)
    (tmp_path / "c").mkdir()
    (tmp_path / "c/0.log").write_text("first\n")
    (tmp_path / "c/1.log").write_text("third\nfourth\n")
    worker.containers["c"].begin(None, {})
    worker.containers["c"].begin(None, {})

    async def run():
        server = logs.LogServer(Node(worker))
        await server.start()
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.14.0.9:{server.port}/containerLogs/{path}") as answer:
                found = answer.status, await answer.text()
        await server.stop()
        return found
    assert asyncio.run(run()) == (status, text)
