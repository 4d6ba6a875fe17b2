"""Every recorded exchange with a real API server, made again with ours: tests/fixtures/api/ holds them.

The cluster is first brought to the state that the exchanges presuppose, with the objects that the recorded
answers show. Then each request is sent, and its answer compared: status, Content-Type, the whole Status of a
failure, and every key that an object has, apart from what LEFT_OUT names.
"""

import asyncio
import json
import re

import pytest
import recorded
from serving import serving

NAMES = sorted(path.stem for path in recorded.FIXTURES.glob("api/*.json"))
POD = "/api/v1/namespaces/shop/pods/t1"
MERGE = "application/merge-patch+json"

# key paths (a list's elements are []) that a real answer has and ours has not, and why
LEFT_OUT = (
    # a hash that clients use to see that a server was upgraded
    r".*\.storageVersionHash",
    # the zero value of a bookmark's Go type
    r"\[\]\.object\.spec(\.containers)?", r"\[\]\.object\.status",
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBERS = re.compile(r"\b\d+\b")


def fixture(name):
    return recorded.load(f"api/{name}.json")


def normal(text):
    """A message without what differs from one run to the next."""
    return NUMBERS.sub("N", UUID.sub("UID", text.partition("\n")[0]))


def paths(value, prefix=""):
    """The key paths of a value; keys that are data (labels, owned fields) are not told apart."""
    found = {prefix} if prefix else set()
    if isinstance(value, dict):
        for key, one in value.items():
            if prefix.endswith((".labels", ".annotations", ".matchLabels", ".fieldsV1", ".data")):
                continue
            found |= paths(one, f"{prefix}.{key}")
    elif isinstance(value, list):
        for one in value:
            found |= paths(one, f"{prefix}[]")
    return found


def lacking(real, ours):
    """The key paths of a real answer that ours lacks for no known reason."""
    left_out = re.compile("|".join(f"(?:{pattern})" for pattern in LEFT_OUT))
    return sorted(path for path in paths(real) - paths(ours) if not left_out.fullmatch(path))


async def put_back(api, obj, *, kind, version):
    """Creates an object as a recorded answer shows it, with its status."""
    plural, group = kind
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    path = f"{root}/namespaces/{obj['metadata']['namespace']}/{plural}"
    metadata = {key: value for key, value in obj["metadata"].items()
                if key in ("name", "generateName", "labels", "annotations", "ownerReferences")}
    created = await api("POST", path, {**obj, "metadata": metadata})
    assert created.status == 201, created.text
    if "status" in obj:
        answer = await api("PATCH", f"{path}/{metadata['name']}/status", {"status": obj["status"]},
                           content_type=MERGE)
        assert answer.status == 200, answer.text


async def prepare(api):
    """The namespace and the workloads that were there, but for the pod t1 that exchanges make themselves."""
    await api("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    for item in fixture("list-pods")["response"]["body"]["items"]:
        if item["metadata"]["name"] != "t1":
            await put_back(api, item, kind=("pods", ""), version="v1")
    await put_back(api, fixture("statefulset-status-mid-rollout")["response"]["body"],
                   kind=("statefulsets", "apps"), version="v1")
    for name, kind in (("controllerrevisions", ("controllerrevisions", "apps")),
                       ("endpointslices", ("endpointslices", "discovery.k8s.io"))):
        for item in fixture(name)["response"]["body"]["items"]:
            if item["metadata"]["name"] == "kubernetes":
                continue  # every cluster has it
            await put_back(api, item, kind=kind, version="v1")


async def make_t1(api, *, running):
    """The pod that most exchanges are about; running: with the status that its node reported."""
    request = fixture("create-pod")["request"]
    assert (await api("POST", request["path"], request["body"])).status == 201
    if running:
        status = fixture("get-pod")["response"]["body"]["status"]
        answer = await api("PATCH", f"{POD}/status", {"status": status}, content_type=MERGE)
        assert answer.status == 200, answer.text


async def label_t1(api):
    await make_t1(api, running=True)
    await api("PATCH", POD, {"metadata": {"labels": {"sluice.dev/upgrading": "1"}}}, content_type=MERGE)


async def release_t1(api):
    """As it was when the watch began: without its finalizer, and with its condition."""
    await label_t1(api)
    await api("PATCH", POD, {"metadata": {"finalizers": None}}, content_type=MERGE)
    status = fixture("during-watch-delete")["response"]["body"]["status"]
    await api("PATCH", f"{POD}/status", {"status": status}, content_type=MERGE)
    request = fixture("patch-strategic-condition")["request"]
    await api("PATCH", request["path"], request["body"], content_type=request["contentType"])


async def forget(api):
    await api("POST", "/devcluster/faults", {"expireHistory": True})


async def nothing(api):
    pass


async def running_t1(api):
    await make_t1(api, running=True)


BEFORE = {
    "create-pod": nothing, "create-pod-dryrun": nothing, "create-pod-invalid": nothing,
    "during-watch-delete": release_t1, "during-watch-patch": release_t1,
    "patch-strategic-condition": label_t1, "patch-strategic-delete-finalizer": label_t1,
    "patch-strategic-image": label_t1, "watch-gone": forget, "watch-initial-events": nothing,
}


async def send(api, request):
    body = request["body"]
    if request["method"] == "PUT" and request["path"] == POD:
        body["metadata"]["uid"] = (await api("GET", POD)).body["metadata"]["uid"]
    return await api(request["method"], request["path"], body, accept=request["accept"],
                     content_type=request["contentType"] or "application/json")


def compare(real, ours):
    assert ours.status == real["status"], ours.text
    assert ours.headers["Content-Type"].replace(" ", "") == real["contentType"].replace(" ", "")
    if "text" in real:
        assert ours.text == real["text"]
        return
    if "lines" in real:
        assert [line["type"] for line in ours.lines] == [line["type"] for line in real["lines"]]
        for one, other in zip(real["lines"], ours.lines):
            compare_bodies(one["object"], other["object"])
        assert lacking(real["lines"], ours.lines) == []
        return
    compare_bodies(real["body"], ours.body)
    assert lacking(real["body"], ours.body) == []


def compare_bodies(real, ours):
    """What must be the same, not only there."""
    assert (ours.get("kind"), ours.get("apiVersion")) == (real.get("kind"), real.get("apiVersion"))
    if real.get("kind") != "Status":
        return
    for key in ("status", "reason", "code"):
        assert ours.get(key) == real.get(key)
    assert normal(ours["message"]) == normal(real["message"])

    def causes(status):
        return [(one["reason"], one["field"], normal(one["message"]))
                for one in status.get("details", {}).get("causes", ())]

    assert causes(ours) == causes(real)
    known = {key: value for key, value in real.get("details", {}).items() if key != "causes"}
    assert {key: value for key, value in ours.get("details", {}).items() if key != "causes"} == known


def replay(name, work):
    async def run():
        async with serving() as api:
            await prepare(api)
            await BEFORE.get(name, running_t1)(api)
            await work(api)

    asyncio.run(run())


def served(real, ours):
    """Of a recorded discovery, only the groups and resources that we serve too."""
    if isinstance(real, list) and isinstance(ours, list):
        def key(one):
            if not isinstance(one, dict):
                return json.dumps(one)
            return one.get("name") or one.get("resource") or one.get("subresource") or one.get("version") \
                or one.get("metadata", {}).get("name") or json.dumps(one, sort_keys=True)

        mine = {key(one): one for one in ours}
        return [served(one, mine[key(one)]) for one in real if key(one) in mine]
    if isinstance(real, dict) and isinstance(ours, dict):
        return {key: served(one, ours.get(key)) for key, one in real.items()}
    return real


@pytest.mark.parametrize("name", [name for name in NAMES if name != "watch-pods"])
def test_the_recorded_exchange(name):
    exchange = fixture(name)
    real = exchange["response"]

    async def work(api):
        ours = await send(api, exchange["request"])
        if name.startswith("discovery-"):
            real["body"] = served(real["body"], ours.body)
        compare(real, ours)

    replay(name, work)


def test_the_recorded_watch_of_a_pods_end():
    """watch-pods: a patch of the status, a deletion, and the node's own deletion, as a watcher saw them."""
    real = fixture("watch-pods")["response"]

    async def work(api):
        version = (await api("GET", POD)).body["metadata"]["resourceVersion"]
        for name in ("during-watch-patch", "during-watch-delete"):
            await send(api, fixture(name)["request"])
        await api("DELETE", POD, {"gracePeriodSeconds": 0})
        ours = await api("GET", "/api/v1/namespaces/shop/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=3"
                                f"&resourceVersion={version}")
        kinds = [line["type"] for line in ours.lines]
        assert kinds == ["MODIFIED", "MODIFIED", "MODIFIED", "DELETED", "BOOKMARK"]
        first, going, last, gone, mark = ours.lines
        by_grace = {line["object"]["metadata"].get("deletionGracePeriodSeconds"): line["object"]
                    for line in real["lines"] if line["type"] == "MODIFIED"}
        for line, was in ((first, by_grace[None]), (going, by_grace[1]), (last, by_grace[0]),
                          (gone, real["lines"][-2]["object"]), (mark, real["lines"][-1]["object"])):
            assert [path for path in lacking([{"object": was}], [line]) if ".status." not in path] == []
        versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in ours.lines]
        assert versions == sorted(versions)
        generations = [line["object"]["metadata"]["generation"] for line in (first, going, last, gone)]
        assert generations == [1, 2, 2, 2]

    replay("during-watch-patch", work)
