"""The store: versions, sorted selections, history and its end."""

import asyncio

import pytest

from devcluster.apiserver.storage import store as stores
from devcluster.apiserver.storage.store import Store
from devcluster.errors import ApiError

PODS = ("", "pods")


def obj(name, namespace="a", **more):
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace}, **more}


def names(pairs):
    return [key for key, _ in pairs]


def test_every_write_has_a_version_of_its_own():
    store = Store()
    first = store.put(PODS, obj("x"))
    second = store.put(PODS, obj("x", spec={}))
    other = store.put(("", "configmaps"), obj("x"))
    gone = store.remove(PODS, second)
    versions = [item.version for item in (first, second, other, gone)]
    assert versions == sorted(set(versions))
    assert gone.obj["metadata"]["resourceVersion"] == str(gone.version)
    assert store.get(PODS, "a", "x") is None


def test_what_is_stored_is_not_changed_by_later_writes():
    store = Store()
    first = store.put(PODS, obj("x"))
    store.put(PODS, obj("x", spec={"nodeName": "n"}))
    assert "spec" not in first.obj
    assert first.data == b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","namespace":"a",' \
                         b'"resourceVersion":"%d"}}' % first.version


def test_a_namespace_is_selected_alone_and_sorted():
    store = Store()
    for namespace, name in (("a", "z"), ("a-b", "m"), ("a", "b"), ("b", "a")):
        store.put(PODS, obj(name, namespace))
    assert names(store.select(PODS, "a")) == ["a/b", "a/z"]
    assert names(store.select(PODS)) == ["a-b/m", "a/b", "a/z", "b/a"]


def test_the_past_can_be_selected():
    store = Store()
    store.put(PODS, obj("kept"))
    old = store.put(PODS, obj("changed"))
    version = store.put(PODS, obj("deleted")).version
    store.put(PODS, obj("changed", spec={}))
    store.remove(PODS, store.get(PODS, "a", "deleted"))
    store.put(PODS, obj("later"))
    past = dict(store.select_at(PODS, version, "a"))
    assert sorted(past) == ["a/changed", "a/deleted", "a/kept"]
    assert past["a/changed"] is old


def test_history_is_bounded(monkeypatch):
    monkeypatch.setattr(stores, "HISTORY", 3)
    store = Store()
    versions = [store.put(PODS, obj("x", n=count)).version for count in range(6)]
    assert [event.version for event in store.since(PODS, versions[2])] == versions[3:]
    with pytest.raises(ApiError) as failed:
        store.since(PODS, versions[1])
    assert (failed.value.code, failed.value.reason) == (410, "Expired")
    assert failed.value.message == f"too old resource version: {versions[1]} ({versions[2]})"


def test_forgotten_history_cannot_be_resumed_from():
    store = Store()
    version = store.put(PODS, obj("x")).version
    store.put(PODS, obj("y"))
    store.forget_history()
    assert store.since(PODS, store.version) == []
    with pytest.raises(ApiError):
        store.since(PODS, version)


def test_a_feed_that_lags_too_far_behind_is_cut(monkeypatch):
    monkeypatch.setattr(stores, "BACKLOG", 2)
    store = Store()
    feed = store.subscribe(PODS)
    for count in range(3):
        store.put(PODS, obj("x", n=count))
    assert feed.cut and len(feed.events) == 2


def test_a_feed_wakes_for_an_event_and_for_the_end():
    async def scenario():
        store = Store()
        feed = store.subscribe(PODS)
        waiting = asyncio.ensure_future(feed.wait(5))
        await asyncio.sleep(0)
        store.put(PODS, obj("x"))
        await asyncio.wait_for(waiting, 1)
        assert feed.events.popleft().key == "a/x"
        waiting = asyncio.ensure_future(feed.wait(5))
        await asyncio.sleep(0)
        store.cut_watches()
        await asyncio.wait_for(waiting, 1)
        assert feed.cut

    asyncio.run(scenario())
