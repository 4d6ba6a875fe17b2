"""The local copy of a kind: what it takes in, what it keeps, and how it begins again."""

import asyncio

from devcluster.cache import Cache
from devcluster.errors import ApiError


def obj(version, name="a", uid="1"):
    return {"metadata": {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(version)}}


def cached(client=None):
    """A Cache, and the names of what its listeners were told: (old, new)."""
    cache, told = Cache(client, "pods"), []

    def version(one):
        return one and int(one["metadata"]["resourceVersion"])

    cache.listeners.append(lambda old, new: told.append((version(old), version(new))))
    return cache, told


def test_what_is_older_or_known_changes_nothing():
    cache, told = cached()
    for version in (5, 5, 4, 6):
        cache.observe(obj(version))
    assert told == [(None, 5), (5, 6)]
    assert cache.get("n", "a")["kind"] == "Pod"


def test_another_object_of_the_name_takes_the_place():
    cache, told = cached()
    cache.observe(obj(5))
    cache.observe(obj(5, uid="2"))
    assert told == [(None, 5), (5, 5)]
    cache.forget(obj(5))
    assert cache.get("n", "a")["metadata"]["uid"] == "2"


def test_a_late_event_does_not_bring_back_what_is_gone():
    cache, told = cached()
    cache.observe(obj(5))
    cache.forget(obj(5))
    cache.observe(obj(6))
    assert told == [(None, 5), (5, None)] and not cache.values()


class Script:
    """A client whose lists and watches are given; an exception among the events of a watch is raised."""

    def __init__(self, lists, watches):
        self.lists, self.watches, self.asked = iter(lists), iter(watches), []

    async def list(self, _resource, **_options):
        self.asked.append("list")
        return next(self.lists)

    async def watch(self, _resource, version, **_options):
        self.asked.append(version)
        for event in next(self.watches, (asyncio.CancelledError(),)):
            if isinstance(event, BaseException):
                raise event
            yield event


def follow(client):
    cache, told = cached(client)

    async def run():
        try:
            await cache.run()
        except asyncio.CancelledError:
            return

    asyncio.run(run())
    return cache, told


def test_a_watch_that_ends_is_resumed_where_it_was():
    client = Script([([obj(3)], "4")], [[("MODIFIED", obj(5)), ("BOOKMARK", obj(7, "", ""))], []])
    _, told = follow(client)
    assert client.asked == ["list", "4", "7", "7"]
    assert told == [(None, 3), (3, 5)]


def test_what_a_new_list_lacks_is_gone():
    lists = [([obj(3), obj(3, "b", "2")], "4"), ([obj(3)], "9")]
    client = Script(lists, [[ApiError("Expired", "too old")]])
    cache, told = follow(client)
    assert client.asked == ["list", "4", "list", "9"]
    assert [one["metadata"]["name"] for one in cache.values()] == ["a"] and told[-1] == (3, None)


def test_what_was_written_while_a_list_was_under_way_stays():
    async def run():
        cache, _ = cached(client := Script([([], "4")], []))
        listed = client.list

        async def slow(*arguments, **options):
            cache.observe(obj(9))
            return await listed(*arguments, **options)

        client.list = slow
        await cache._list()
        return cache.values()

    assert len(asyncio.run(run())) == 1


def test_it_begins_again_whatever_happens():
    client = Script([([], "4"), ([], "5"), ([], "6")], [[OSError("down")], [ValueError("not JSON")]])
    follow(client)
    assert client.asked == ["list", "4", "list", "5", "list", "6"]
