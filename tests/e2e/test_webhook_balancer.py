"""A balancer behind an adapter: what the reconciler posts to it, and that pods wait for its answers."""

import collections
import http.server
import json
import threading

import edge
import pytest
from edge import DRAIN, apply_policy, finalizers, state
from workloads import deployment

ASKED = {"metadata": {"annotations": {DRAIN: json.dumps({"op": "move", "id": "1"})}}}
NOT_ASKED = {"metadata": {"annotations": {DRAIN: None}}}
DONE, BUSY = {"done": True}, {"done": False, "message": "2 of 3 zones"}


class Adapter(http.server.ThreadingHTTPServer):
    """Answers as it is told to, by operation; it keeps what it was posted, by pod."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = collections.defaultdict(lambda: DONE)
        self.posts = collections.defaultdict(list)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def balancer(self):
        return {"name": "cloud", "webhook": {"url": f"http://127.0.0.1:{self.server_port}/", "port": 8080}}

    def operations(self, pod):
        """What it was told of a pod, each run of the same as one."""
        told = [post["operation"] for post in self.posts[pod]]
        return [one for before, one in zip([None, *told], told) if one != before]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(self.server.answers[post["operation"]]).encode()
        self.server.posts[post["pod"]].append(post)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def adapter():
    made = Adapter()
    yield made
    made.shutdown()
    made.server_close()


def name_of(pod):
    return pod["metadata"]["name"]


def wait_state(shop, name, wanted):
    shop.wait_for(lambda: state(shop.get("pods", name)) == wanted)


def test_a_pod_joins_leaves_and_is_removed(shop, adapter):
    apply_policy(shop, "web", adapter.balancer())
    shop.apply(deployment("web", 2))
    first, second = shop.wait_ready("web", 2)
    assert finalizers(first) == [edge.FINALIZER + "cloud"]
    assert adapter.posts[name_of(first)][0] == {
        "pod": name_of(first), "namespace": shop.name, "address": first["status"]["podIP"], "port": 8080, "weight": 100,
        "operation": "join"}
    shop.delete("pods", name_of(first))
    shop.wait_for(lambda: not shop.find("pods", name_of(first)))
    shop.wait_for(lambda: adapter.operations(name_of(first)) == ["join", "leave", "remove"])
    assert adapter.operations(name_of(second)) == ["join"]


def test_a_pod_waits_until_the_adapter_is_done_both_ways(shop, adapter):
    adapter.answers["join"] = BUSY
    apply_policy(shop, "web", adapter.balancer())
    shop.apply(deployment("web", 1))
    shop.wait_for(lambda: shop.pods("web") and len(adapter.posts[name_of(shop.pods("web")[0])]) > 2)
    name = name_of(shop.pods("web")[0])
    assert state(shop.get("pods", name)) != "InService"
    adapter.answers["join"] = DONE
    shop.wait_ready("web", 1)
    adapter.answers["leave"] = DONE | {"sessions": 3}
    shop.patch("pods", name, ASKED)
    wait_state(shop, name, "Draining")
    shop.stays(lambda: state(shop.get("pods", name)) == "Draining", 4)
    adapter.answers["leave"] = DONE | {"sessions": 0}
    wait_state(shop, name, "Drained")
    shop.patch("pods", name, NOT_ASKED)
    wait_state(shop, name, "InService")
    assert adapter.operations(name) == ["join", "leave", "join"]
