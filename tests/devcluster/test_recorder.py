"""Events: told once and then counted, combined where only messages differ, and not too many about one object."""

import asyncio

import pytest
from devcluster import recorder
from devcluster.errors import ApiError

POD = {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "p", "namespace": "n", "uid": "1", "resourceVersion": "7"}}


class Client:
    """Notes what is written. gone: names of Events that somebody has deleted."""

    def __init__(self):
        self.created, self.patched, self.gone = [], [], set()

    async def create(self, _resource, event):
        self.created.append(event)
        return event

    async def patch(self, _resource, name, _namespace, body, **_options):
        if name in self.gone:
            raise ApiError("NotFound", "gone")
        self.patched.append(body)
        event = next(one for one in self.created if one["metadata"]["name"] == name)
        return {**event, **body}


def write(*said, client=None, prepare=None):
    """Has a Recorder say (reason, message) after (reason, message) of a pod, each written before the next."""
    client = client or Client()

    async def run():
        one = recorder.Recorder(client, "node-1")
        task = asyncio.create_task(one.run())
        for number, (reason, message) in enumerate(said):
            if prepare:
                prepare(number, client)
            one.event("kubelet", POD, "Normal", reason, message, "spec.containers{c}")
            for _ in range(3):  # turns that it takes to write one
                await asyncio.sleep(0)
        task.cancel()

    asyncio.run(run())
    return client


def test_what_an_event_holds():
    (event,) = write(("Started", "Container started")).created
    assert event["involvedObject"] == {"apiVersion": "v1", "kind": "Pod", "namespace": "n", "name": "p", "uid": "1",
                                       "resourceVersion": "7", "fieldPath": "spec.containers{c}"}
    assert event["metadata"]["namespace"] == "n" and event["metadata"]["name"].startswith("p.")
    assert (event["source"], event["count"]) == ({"component": "kubelet", "host": "node-1"}, 1)


def test_the_same_again_is_counted():
    client = write(*[("BackOff", "again")] * 3)
    assert len(client.created) == 1
    assert [body["count"] for body in client.patched] == [2, 3]


def test_one_that_was_deleted_is_told_anew():
    def lose(number, client):
        if number:
            client.gone = {one["metadata"]["name"] for one in client.created}

    client = write(*[("BackOff", "again")] * 2, prepare=lose)
    assert [event["count"] for event in client.created] == [1, 1]


def test_messages_that_differ_in_vain_become_one():
    client = write(*[("Failed", f"number {number}") for number in range(recorder.SIMILAR + 2)])
    texts = [event["message"] for event in client.created]
    assert len(texts) == recorder.SIMILAR
    assert texts[-1] == recorder.COMBINED + f"number {recorder.SIMILAR - 1}"
    assert [body["count"] for body in client.patched] == [2, 3]


def test_about_one_object_not_too_much_is_said():
    client = write(*[(f"Reason{number}", "x") for number in range(recorder.BURST + 5)])
    assert len(client.created) == recorder.BURST


def test_a_long_message_is_cut():
    (event,) = write(("Failed", "x" * 5000)).created
    assert len(event["message"]) == recorder.MESSAGE_LIMIT


@pytest.mark.parametrize("error", [ApiError("Forbidden", "no"), OSError("down")])
def test_what_cannot_be_written_stops_nothing(error):
    class Refusing(Client):
        async def create(self, resource, event):
            if event["reason"] == "First":
                raise error
            return await super().create(resource, event)

    client = write(("First", "a"), ("Second", "b"), client=Refusing())
    assert [event["reason"] for event in client.created] == ["Second"]
