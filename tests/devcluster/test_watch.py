"""Watches over HTTP: where they begin, what selectors make of changes, bookmarks, and how they end."""

import asyncio
import contextlib
import json

from running import PATIENCE
from serving import TOKEN, serving

MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"


def config(name, **labels):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}


def seen(lines):
    return [(line["type"], line["object"]["metadata"].get("name")) for line in lines]


def scenario(work):
    async def run():
        async with serving() as api:
            await work(api)

    asyncio.run(run())


@contextlib.asynccontextmanager
async def watching(api, query, accept="application/json"):
    """read(count) gives the next events of a watch that is under way; without a count, all that come until its end."""
    async with api.session.get(f"{api.server}{MAPS}?watch=1&{query}",
                               headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept}) as answer:
        async def read(count=None):
            async with asyncio.timeout(PATIENCE):
                if count is None:
                    return [json.loads(line) async for line in answer.content]
                return [json.loads(await answer.content.readline()) for _ in range(count)]
        yield read


def test_without_a_version_it_begins_with_what_is_there():
    async def work(api):
        await api("POST", MAPS, config("one"))
        for query in ("", "resourceVersion=0"):
            async with watching(api, query) as read:
                await api("POST", MAPS, config("two"))
                assert seen(await read(2)) == [("ADDED", "one"), ("ADDED", "two")]
            await api("DELETE", f"{MAPS}/two")

    scenario(work)


def test_from_a_version_it_goes_on_with_what_came_after():
    async def work(api):
        version = (await api("POST", MAPS, config("one"))).body["metadata"]["resourceVersion"]
        await api("PATCH", f"{MAPS}/one", {"data": {"a": "b"}}, content_type=MERGE)
        async with watching(api, f"resourceVersion={version}") as read:
            await api("DELETE", f"{MAPS}/one")
            lines = await read(2)
        assert seen(lines) == [("MODIFIED", "one"), ("DELETED", "one")]
        versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
        assert int(version) < versions[0] < versions[1]

    scenario(work)


def test_selectors_turn_changes_into_additions_and_deletions():
    async def work(api):
        version = (await api("POST", MAPS, config("one"))).body["metadata"]["resourceVersion"]
        async with watching(api, f"resourceVersion={version}&labelSelector=app%3Dweb") as read:
            for labels in ({"app": "web"}, {"more": "1"}, {"app": "db"}, {"more": "2"}, {"app": "web"}):
                await api("PATCH", f"{MAPS}/one", {"metadata": {"labels": labels}}, content_type=MERGE)
            lines = await read(4)
        assert [kind for kind, _ in seen(lines)] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
        last = lines[2]["object"]["metadata"]
        # as it last matched, at the version of the change
        assert last["labels"] == {"app": "web", "more": "1"}
        assert int(last["resourceVersion"]) > int(lines[1]["object"]["metadata"]["resourceVersion"])

    scenario(work)


def test_field_selectors_follow_the_name():
    async def work(api):
        async with watching(api, "fieldSelector=metadata.name%3Dtwo") as read:
            for name in ("one", "two"):
                await api("POST", MAPS, config(name))
            assert seen(await read(1)) == [("ADDED", "two")]

    scenario(work)


def test_initial_events_end_with_a_marked_bookmark():
    async def work(api):
        await api("POST", MAPS, config("one"))
        async with watching(api, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                                 "&allowWatchBookmarks=true") as read:
            lines = await read(2)
        assert seen(lines) == [("ADDED", "one"), ("BOOKMARK", None)]
        metadata = lines[1]["object"]["metadata"]
        assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert int(metadata["resourceVersion"]) == api.core.store.version

    scenario(work)


def test_a_bookmark_comes_before_the_end(monkeypatch):
    monkeypatch.setattr("devcluster.apiserver.storage.watch.LAST_BOOKMARK", 0.5)

    async def work(api):
        await api("POST", MAPS, config("one"))
        async with watching(api, "timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=0") as read:
            assert seen(await read()) == [("ADDED", "one"), ("BOOKMARK", None)]

    scenario(work)


def test_initial_events_need_their_other_parameters():
    async def work(api):
        answer = await api("GET", f"{MAPS}?watch=1&sendInitialEvents=true")
        assert answer.status == 422
        assert answer.body["details"]["causes"][0]["field"] == "resourceVersionMatch"

    scenario(work)


def test_a_version_that_is_too_old_ends_the_watch_with_410():
    async def work(api):
        version = int((await api("POST", MAPS, config("one"))).body["metadata"]["resourceVersion"])
        await api("POST", MAPS, config("two"))
        assert (await api("POST", "/devcluster/faults", {"expireHistory": True})).status == 200
        answer = await api("GET", f"{MAPS}?watch=1&resourceVersion={version}")
        [line] = answer.lines
        assert (line["type"], line["object"]["code"], line["object"]["reason"]) == ("ERROR", 410, "Expired")

    scenario(work)


def test_a_cut_watch_ends_at_once_and_can_be_resumed():
    async def work(api):
        async with watching(api, "") as read:
            version = (await api("POST", MAPS, config("one"))).body["metadata"]["resourceVersion"]
            await api("POST", "/devcluster/faults", {"cutWatches": True})
            assert seen(await read()) == [("ADDED", "one")]
        await api("POST", MAPS, config("two"))
        async with watching(api, f"resourceVersion={version}") as read:
            assert seen(await read(1)) == [("ADDED", "two")]

    scenario(work)


def test_metadata_alone_and_tables_can_be_watched():
    async def work(api):
        await api("POST", MAPS, config("one"))
        for form in ("PartialObjectMetadata", "Table"):
            async with watching(api, "", f"application/json;as={form};v=v1;g=meta.k8s.io") as read:
                assert (await read(1))[0]["object"]["kind"] == form

    scenario(work)


def test_a_page_can_be_continued_as_of_its_first_version_until_that_is_forgotten():
    async def work(api):
        for name in ("a", "b", "c"):
            await api("POST", MAPS, config(name))
        first = (await api("GET", f"{MAPS}?limit=2")).body
        assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
        assert first["metadata"]["remainingItemCount"] == 1
        await api("DELETE", f"{MAPS}/c")
        more = f"{MAPS}?limit=2&continue={first['metadata']['continue']}"
        second = (await api("GET", more)).body
        assert [item["metadata"]["name"] for item in second["items"]] == ["c"]
        assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        await api("POST", "/devcluster/faults", {"expireHistory": True})
        await api("POST", MAPS, config("d"))
        api.core.store.forget_history()
        late = await api("GET", more)
        assert (late.status, late.body["reason"]) == (410, "Expired")
        rest = (await api("GET", f"{MAPS}?continue={late.body['metadata']['continue']}")).body
        assert [item["metadata"]["name"] for item in rest["items"]] == ["d"]

    scenario(work)


def test_a_version_from_the_future_is_not_waited_for():
    async def work(api):
        answer = await api("GET", f"{MAPS}?resourceVersion=999999")
        assert (answer.status, answer.body["reason"]) == (504, "Timeout")
        assert answer.headers["Retry-After"] == "1"

    scenario(work)


def test_lines_are_one_document_each():
    async def work(api):
        await api("POST", MAPS, {**config("one"), "data": {"text": "two\nlines \u2603"}})
        async with watching(api, "resourceVersion=0") as read:
            assert [line["object"]["data"]["text"] for line in await read(1)] == ["two\nlines \u2603"]

    scenario(work)
