"""Evictions over real TLS, beside an API server that is slow, refuses, or is away: what the webhook answers does not
depend on what becomes of its own patch.
"""

import json
import threading
import time
import unittest

from fakeapi import FakeApi
from server import FIXTURES, Server, wait_until

EVICTION = json.loads((FIXTURES / "create-pods-eviction-by-admin-07.json").read_text())
DRAIN = "sluice.dev/drain"
LABELS = {"sluice.dev/traffic-policy": "web"}
CANNOT = "cannot have a pod drained that is to be evicted"
MARKS = "sluice_eviction_drains_total"
FAILED, DONE = 'result="failure"', 'result="success"'


def review(name="web-0", **request):
    made = json.loads(json.dumps(EVICTION))
    made["request"].update(request, name=name)
    made["request"]["object"]["metadata"]["name"] = name
    return json.dumps(made).encode()


class Evictions(unittest.TestCase):
    def setUp(self):
        self.api = self.enterContext(FakeApi())
        self.addCleanup(self.api.patching.set)
        self.policy(timeout=60)
        self.pod("web-0")

    def policy(self, timeout):
        self.api.put("trafficpolicies", "web", {"selector": {}, "drain": {
            "waitSeconds": 1, "propagationSeconds": 1, "timeoutSeconds": timeout}})

    def pod(self, name, reason="InService", **metadata):
        self.api.put("pods", name, status={"phase": "Running", "conditions": [
            {"type": "sluice.dev/traffic-ready", "status": "True", "reason": reason}]}, labels=LABELS, **metadata)

    def server(self):
        made = Server()
        made.config["policies"] = {"kube": {"kubeconfig": self.api.kubeconfig(made.root / "kubeconfig")}}
        return made

    def known(self, server, count=1):
        """Waits until the webhook knows its pods and the policy."""
        wait_until(lambda: server.ready()[0] == 200, "the webhook is ready")
        wait_until(lambda: server.metric("sluice_cache_objects", 'resource="pods"') == count, "the pods are known")
        wait_until(lambda: server.metric("sluice_policies", 'kind="TrafficPolicy"') == 1, "the policy is in force")

    def evict(self, server, name="web-0", **request):
        """The Status of the refusal; None: it was allowed."""
        status, _, body = server.post("/mutate", review(name, **request))
        self.assertEqual(200, status)
        answer = json.loads(body)["response"]
        return None if answer["allowed"] else answer["status"]

    def mark(self, name="web-0"):
        with self.api.changed:
            text = self.api.objects["pods"]["shop", name]["metadata"].get("annotations", {}).get(DRAIN)
        return json.loads(text) if text else None

    def test_only_pods_that_a_policy_has_are_watched(self):
        with self.server() as server:
            self.known(server)
            self.assertEqual("sluice.dev/traffic-policy", self.api.queries["pods"]["labelSelector"])
            self.assertIsNone(self.evict(server, "other"))

    def test_the_answer_does_not_wait_for_the_patch_and_a_pod_is_patched_once(self):
        with self.server() as server:
            self.known(server)
            self.api.patching.clear()
            for _ in range(5):
                began = time.monotonic()
                status = self.evict(server)
                self.assertEqual((429, 2), (status["code"], status["details"]["retryAfterSeconds"]))
                self.assertLess(time.monotonic() - began, 2)
            wait_until(lambda: self.api.patches, "the patch")
            self.api.patching.set()
            wait_until(self.mark, "the mark")
            wait_until(lambda: server.metric(MARKS, DONE) == 1, "it is counted")
            self.assertEqual(1, len(self.api.patches))
            first = self.mark()
            for _ in range(3):
                self.assertEqual(429, self.evict(server)["code"])
            self.assertEqual((1, first), (len(self.api.patches), self.mark()))
            self.assertEqual(8, server.metric("sluice_evictions_total", 'outcome="waits"'))

    def test_every_pod_of_a_node_is_marked(self):
        names = [f"web-{number}" for number in range(40)]
        for name in names[1:]:
            self.pod(name)
        with self.server() as server:
            self.known(server, len(names))
            answers = {}
            threads = [threading.Thread(target=lambda n=name: answers.update({n: self.evict(server, n)}))
                       for name in names]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({429}, {answer["code"] for answer in answers.values()})
            self.assertEqual(sorted(names), sorted(answers))
            wait_until(lambda: all(map(self.mark, names)), "all are marked")
            self.assertEqual(len(names), len(self.api.patches))

    def test_a_patch_that_is_refused_is_said_once_and_holds_no_pod_beyond_the_time(self):
        self.api.forbidden.add("patch pods")
        self.policy(timeout=3)
        with self.server() as server:
            self.known(server)
            began = time.monotonic()
            while self.evict(server):
                time.sleep(0.1)
            took = time.monotonic() - began
            self.assertTrue(2.9 <= took < 10, took)
            self.assertIsNone(self.mark())
            line, = server.logged(CANNOT)
            self.assertEqual(("shop", "web-0", "cannot patch pods"), (line["ns"], line["name"], line["err"]))
            self.assertGreater(server.metric(MARKS, FAILED), 1)
            self.assertEqual(1, server.metric("sluice_evictions_total", 'outcome="overdue"'))

    def test_a_pod_that_changed_meanwhile_is_marked_with_the_next_eviction(self):
        with self.server() as server:
            self.known(server)
            self.api.patching.clear()
            self.evict(server)
            wait_until(lambda: self.api.patches, "the patch")
            self.pod("web-0")  # the same, but its resourceVersion
            self.api.patching.set()
            wait_until(lambda: server.metric(MARKS, FAILED) == 1, "the conflict is counted")
            self.assertEqual([], server.logged(CANNOT))
            self.assertIsNone(self.mark())
            wait_until(lambda: self.evict(server) and self.mark(), "the mark")

    def test_an_api_server_that_is_away_changes_no_answer(self):
        with self.server() as server:
            self.known(server)
            self.api.stop()
            self.assertEqual(429, self.evict(server)["code"])
            self.api.start()
            wait_until(lambda: self.evict(server) and self.mark(), "the mark")
            self.pod("web-0", "Drained", annotations={DRAIN: json.dumps(self.mark())})
            wait_until(lambda: self.evict(server) is None, "it may be evicted")

    def test_dry_runs_and_pods_that_are_drained_are_let_go(self):
        self.pod("web-1", "Drained")
        with self.server() as server:
            self.known(server, 2)
            dry = {**EVICTION["request"]["object"], "deleteOptions": {"dryRun": ["All"]}}
            self.assertIsNone(self.evict(server, dryRun=True))
            self.assertIsNone(self.evict(server, object=dry))
            self.assertIsNone(self.evict(server, "web-1"))
            time.sleep(0.2)
            self.assertEqual([], self.api.patches)
            self.assertEqual((2, 1), tuple(server.metric("sluice_evictions_total", f'outcome="{outcome}"')
                                           for outcome in ("dry_run", "out_of_traffic")))


if __name__ == "__main__":
    unittest.main()
