"""The webhook over real TLS, with peers that behave and peers that do not."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest
import warnings

from fakeapi import LISTS, FakeApi
from server import FIXTURES, PATIENCE, Mount, Server, ask, der, issue, wait_until

POLICY = """apiVersion: sluice.dev/v1alpha1
kind: TrafficPolicy
metadata: {namespace: shop, name: %s}
spec: {selector: {}}
---
"""
POD = (FIXTURES / "create-pods-by-replicaset-controller-35.json").read_bytes()
HEAD = ("POST /mutate?timeout=10s HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n")


def response_of(body):
    return json.loads(body)["response"]


def patch_of(body):
    patch = response_of(body).get("patch")
    return None if patch is None else json.loads(base64.b64decode(patch))


def policy_in(body):
    """The policy that a pod's patch names, or None."""
    for operation in patch_of(body) or []:
        if operation["path"] == "/metadata/labels/sluice.dev~1traffic-policy":
            return operation["value"]
    return None


def read_answer(peer):
    answer = http.client.HTTPResponse(peer)
    answer.begin()
    return answer.status, answer.headers, answer.read()


class Load:
    """Threads that ask without a pause, each on a connection of its own until it is told to close
    it or has used it `requests_each` times. What goes wrong is in `failures`."""

    def __init__(self, server, threads=4, requests_each=20):
        self.server, self.requests_each = server, requests_each
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.failures, self.answered = [], 0
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, answers):
        """Until that many more requests were answered."""
        goal = self.answered + answers
        wait_until(lambda: self.answered >= goal or self.failures, f"{answers} answers")

    def run(self):
        context = self.server.context(verify=False)
        while not self.stopping.is_set():
            try:
                with contextlib.closing(self.server.https(context)) as connection:
                    self.use(connection)
            except (OSError, http.client.HTTPException, AssertionError) as failure:
                with self.lock:
                    self.failures.append(repr(failure))

    def use(self, connection):
        for _ in range(self.requests_each):
            if self.stopping.is_set():
                return
            status, headers, body = ask(connection, "/mutate?timeout=10s", POD)
            assert status == 200 and response_of(body)["allowed"], (status, body)
            with self.lock:
                self.answered += 1
            if headers.get("Connection") == "close":
                return


class Contract(unittest.TestCase):
    """What DESIGN calls the webhook's contract, on one server."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(POLICY % "web"))

    def test_every_recorded_request_gets_200_and_its_uid(self):
        with contextlib.closing(self.server.https()) as connection:
            for path in sorted(FIXTURES.glob("*.json")):
                with self.subTest(path.name):
                    request = json.loads(path.read_bytes())
                    for endpoint in "/mutate?timeout=5s", "/validate?timeout=5s":
                        status, headers, body = ask(connection, endpoint, path.read_bytes())
                        self.assertEqual(status, 200)
                        self.assertEqual(headers["Content-Type"], "application/json")
                        answer = json.loads(body)
                        self.assertEqual(answer["apiVersion"], request["apiVersion"])
                        self.assertEqual(answer["kind"], "AdmissionReview")
                        self.assertEqual(answer["response"]["uid"], request["request"]["uid"])
                        if request["request"]["operation"] == "DELETE":
                            self.assertNotIn("patch", answer["response"])

    def test_the_pod_of_a_policy_is_patched(self):
        _, _, body = self.server.post("/mutate?timeout=10s", POD)
        self.assertEqual(policy_in(body), "web")

    def test_what_cannot_be_answered_gets_its_status(self):
        rows = [
            (400, "/mutate", b"{", "application/json", "POST"),
            (400, "/mutate", b"", "application/json", "POST"),
            (400, "/mutate", b'{"kind":"Pod"}', "application/json", "POST"),
            (404, "/", POD, "application/json", "POST"),
            (404, "/mutate/x", POD, "application/json", "POST"),
            (405, "/mutate", None, "application/json", "GET"),
            (405, "/validate", POD, "application/json", "PUT"),
            (413, "/mutate", b" " * (8 * 2**20 + 1), "application/json", "POST"),
            (415, "/mutate", POD, "text/plain", "POST"),
            (415, "/mutate", POD, None, "POST"),
        ]
        for status, path, body, content_type, method in rows:
            with self.subTest(status=status, path=path, method=method, type=content_type):
                got, headers, text = self.server.post(path, body, content_type, method)
                self.assertEqual(got, status, text)
                self.assertTrue(headers["Content-Type"].startswith("text/plain"))
                self.assertEqual(headers["Allow"], "POST" if status == 405 else None)
                self.assertTrue(0 < len(text) < 2048)

    def test_a_body_as_large_as_allowed_is_read(self):
        body = POD + b" " * (8 * 2**20 - len(POD))
        self.assertEqual(self.server.post("/mutate", body)[0], 200)

    def test_a_chunked_body_is_read(self):
        pieces = [POD[at:at + 100] for at in range(0, len(POD), 100)]
        status, _, body = self.server.post("/mutate", iter(pieces))
        self.assertEqual(status, 200)
        self.assertEqual(policy_in(body), "web")

    def test_a_chunked_body_over_the_cap_is_413(self):
        status, _, _ = self.server.post("/mutate", (b" " * 2**20 for _ in range(9)))
        self.assertEqual(status, 413)

    def test_a_body_that_breaks_off_disturbs_nobody(self):
        for _ in range(5):
            with contextlib.closing(self.server.connect()) as peer:
                peer.sendall((HEAD % len(POD)).encode() + POD[:100])
        self.assertEqual(self.server.post("/mutate", POD)[0], 200)
        wait_until(lambda: self.server.metric("sluice_http_body_bytes_in_flight") == 0,
                   "the broken bodies are dropped")

    def test_several_requests_share_a_connection(self):
        with contextlib.closing(self.server.https()) as connection:
            ask(connection, "/mutate", POD)
            before = connection.sock.getsockname()
            for _ in range(10):
                self.assertEqual(ask(connection, "/mutate", POD)[0], 200)
            self.assertEqual(connection.sock.getsockname(), before)

    def test_two_hundred_connections_at_once_are_answered(self):
        context = self.server.context()
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(contextlib.closing(self.server.connect(context)))
                     for _ in range(200)]
            self.assertGreaterEqual(self.server.metric("sluice_http_connections"), 200)
            for peer in peers:
                peer.sendall((HEAD % len(POD)).encode() + POD[:1000])
            for peer in peers:
                peer.sendall(POD[1000:])
            for peer in peers:
                status, _, body = read_answer(peer)
                self.assertEqual((status, policy_in(body)), (200, "web"))

    def test_health_has_three_paths(self):
        self.assertEqual(self.server.get("/livez")[::2], (200, "ok\n"))
        self.assertEqual(self.server.get("/readyz")[::2], (200, "ok\n"))
        self.assertEqual(self.server.get("/mutate")[0], 404)
        status, headers, _ = self.server.get("/readyz", "POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

    def test_metrics_count_what_was_answered(self):
        name = "controller_runtime_webhook_requests_total"
        latency = "controller_runtime_webhook_latency_seconds"
        before = self.server.metrics()
        self.server.post("/mutate", POD)
        self.server.post("/validate", b"{")
        after = self.server.metrics()

        def rise(*key):
            return after[key] - before.get(key, 0)

        self.assertEqual(rise(name, 'webhook="/mutate",code="200"'), 1)
        self.assertEqual(rise(name, 'webhook="/validate",code="400"'), 1)
        self.assertEqual(rise(latency + "_count", 'webhook="/mutate"'), 1)
        self.assertEqual(rise(latency + "_bucket", 'webhook="/mutate",le="+Inf"'), 1)
        self.assertEqual(rise("sluice_admission_decisions_total",
                              'resource="pods",operation="CREATE",outcome="patched"'), 1)
        self.assertEqual(after["sluice_policies", 'kind="TrafficPolicy"'], 1)
        self.assertGreater(after["sluice_certificate_expiry_timestamp_seconds", ""], time.time())
        self.assertGreater(after["process_resident_memory_bytes", ""], 2**20)

    def test_old_tls_and_weak_ciphers_are_refused(self):
        rows = [
            (ssl.TLSVersion.TLSv1_1, "ALL", False),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA", False),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256", False),
            (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
            (ssl.TLSVersion.TLSv1_3, "ALL", True),
        ]
        for version, ciphers, accepted in rows:
            with self.subTest(version=version.name, ciphers=ciphers), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tested
                context = self.server.context(verify=False)
                context.set_ciphers(ciphers + ":@SECLEVEL=0")
                context.minimum_version = context.maximum_version = version
                if accepted:
                    self.server.connect(context).close()
                    continue
                # the server's words, or its hanging up; not a fault of the client's settings
                with self.assertRaisesRegex(ssl.SSLError, "alert|EOF"):
                    self.server.connect(context).close()


class Limits(unittest.TestCase):
    def test_a_slow_sender_is_cut(self):
        with Server(limits={"requestTimeout": "1s", "threads": 1}) as server:
            with contextlib.closing(server.connect()) as peer:
                peer.sendall((HEAD % len(POD)).encode())
                peer.settimeout(0.1)
                began = time.monotonic()
                for byte in POD:
                    try:
                        peer.sendall(bytes([byte]))
                        if peer.recv(1) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                self.assertTrue(0.5 < time.monotonic() - began < 10)
            self.assertEqual(server.metric("sluice_http_sheds_total", 'reason="deadline"'), 1)
            self.assertEqual(server.post("/mutate", POD)[0], 200)

    def test_bodies_over_the_cap_of_all_in_flight_get_503(self):
        with Server(limits={"maxBodyBytes": 65536, "maxInFlightBytes": 65536}) as server:
            body = POD + b" " * (60000 - len(POD))
            with contextlib.closing(server.connect()) as first:
                first.sendall((HEAD % len(body)).encode() + body[:50000])
                wait_until(lambda: server.metric("sluice_http_body_bytes_in_flight") >= 50000,
                           "the first body is in flight")
                status, headers, _ = server.post("/mutate", body)
                self.assertEqual((status, headers["Retry-After"]), (503, "1"))
                first.sendall(body[50000:])
                self.assertEqual(read_answer(first)[0], 200)
            self.assertEqual(server.post("/mutate", body)[0], 200)

    def test_at_the_cap_a_connection_that_asks_nothing_makes_room(self):
        with Server(limits={"maxConnections": 2}) as server:
            with contextlib.closing(server.connect()) as oldest, \
                    contextlib.closing(server.connect()) as younger:
                self.assertEqual(server.post("/mutate", POD)[0], 200)
                self.assertEqual(oldest.recv(1), b"")
                younger.sendall((HEAD % len(POD)).encode() + POD)
                self.assertEqual(read_answer(younger)[0], 200)
            self.assertEqual(server.metric("sluice_http_sheds_total", 'reason="connections"'), 1)

    def test_a_low_limit_of_open_files_lowers_the_connections(self):
        server = Server()
        server.open_files = 150
        with server:
            line = server.logged("the limit of open files allows fewer connections than "
                                 "maxConnections")[0]
            self.assertEqual(line["maxConnections"], 1000)
            self.assertTrue(0 < line["connections"] < 150 - 64)
            with contextlib.ExitStack() as stack:
                for _ in range(line["connections"] + 20):  # what is too much waits in the backlog
                    stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                self.assertEqual(server.get("/livez")[0], 200)
                self.assertLess(server.metric("process_open_fds"), 150)

    def test_a_slow_peer_of_the_health_server_is_cut_and_the_loop_lives(self):
        with Server() as server:
            with socket.create_connection(("127.0.0.1", server.health_port), PATIENCE) as peer:
                peer.sendall(b"GET /livez HTTP/1.1\r\nHost: ")
                began = time.monotonic()
                self.assertEqual(peer.recv(1), b"")
                self.assertTrue(9 < time.monotonic() - began < 20)
            time.sleep(1.5)  # together longer than a loop may stand still
            self.assertEqual(server.get("/livez")[0], 200)


class Certificates(unittest.TestCase):
    def assert_takes_over(self, server, path):
        wait_until(lambda: server.served() == der(path), "the new certificate is served")
        self.assertEqual(server.post("/mutate", POD)[0], 200)  # verified against the new CA

    def test_a_reload_under_load_loses_nothing(self):
        with Server(POLICY % "web") as server, Load(server, requests_each=5) as load:
            issue(server.tls)
            self.assert_takes_over(server, server.tls / "tls.crt")
            load.wait_for(100)
            load.stop()
            self.assertEqual(load.failures, [])
            self.assertEqual(server.metric("sluice_certificate_reloads_total",
                                           'result="success"'), 1)

    def test_connections_from_before_a_reload_go_on(self):
        with Server() as server, contextlib.closing(server.https()) as connection:
            ask(connection, "/mutate", POD)
            before = connection.sock.getsockname()
            issue(server.tls)
            self.assert_takes_over(server, server.tls / "tls.crt")
            self.assertEqual(ask(connection, "/mutate", POD)[0], 200)
            self.assertEqual(connection.sock.getsockname(), before)

    def test_a_mounted_secret_is_followed_more_than_once(self):
        mounts = []

        def mount(path):
            mounts.append(Mount(path))
            mounts[0].swap(issue)

        with Server(tls=mount) as server:
            for _ in range(2):
                mounts[0].swap(issue)
                self.assert_takes_over(server, server.tls / "tls.crt")
            self.assertEqual(server.logged("the certificate cannot be loaded; "
                                           "the one before is served on"), [])

    def test_a_wrong_key_leaves_the_old_pair_in_service(self):
        with Server() as server:
            served = server.served()
            issue(server.root / "other")
            (server.root / "other" / "tls.key").replace(server.tls / "tls.key")
            wait_until(lambda: server.ready()[0] == 503, "the webhook is not ready")
            self.assertRegex(server.ready()[1], r"^certificate: ")
            self.assertEqual(server.served(), served)
            self.assertEqual(server.post("/mutate", POD)[0], 200)
            self.assertGreaterEqual(server.metric("sluice_certificate_reloads_total",
                                                  'result="failure"'), 1)
            failure = "the certificate cannot be loaded; the one before is served on"
            self.assertEqual(len(server.logged(failure)), 1)
            (server.root / "other" / "tls.crt").replace(server.tls / "tls.crt")
            (server.root / "other" / "ca.crt").replace(server.tls / "ca.crt")
            self.assert_takes_over(server, server.tls / "tls.crt")
            wait_until(lambda: server.ready() == (200, "ok\n"), "the webhook is ready again")


class Clients(unittest.TestCase):
    """Client certificates of a CA, with and without a name that is allowed."""

    @staticmethod
    def make(root):
        def run(*words):
            subprocess.run(["openssl", *words], check=True, cwd=root, stderr=subprocess.DEVNULL)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
        for name in "kube-apiserver", "somebody":
            (root / "ext").write_text("extendedKeyUsage=clientAuth\n")
            run("req", *key, "-keyout", f"{name}.key", "-out", "csr", "-subj", f"/CN={name}")
            run("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-extfile", "ext", "-out", f"{name}.pem")

    def test_only_a_client_of_an_allowed_name_is_answered(self):
        server = Server(tls=lambda path: (issue(path), self.make(path.parent)))
        server.config["tls"].update(clientCA=str(server.root / "ca.pem"),
                                    clientNames=["kube-apiserver"])
        with server:
            for name, status in ("kube-apiserver", 200), ("somebody", 403), (None, 403):
                with self.subTest(name):
                    context = server.context()
                    if name is not None:
                        context.load_cert_chain(server.root / f"{name}.pem",
                                                server.root / f"{name}.key")
                    got, _, text = server.post("/mutate", POD, context=context)
                    self.assertEqual(got, status, text)
            self.assertEqual(server.metric("sluice_http_sheds_total",
                                           'reason="client_certificate"'), 2)


class Policies(unittest.TestCase):
    def assert_policy(self, server, name):
        wait_until(lambda: policy_in(server.post("/mutate", POD)[2]) == name, f"{name} in force")

    def test_a_file_that_changes_is_read_again(self):
        with Server(POLICY % "one") as server:
            self.assert_policy(server, "one")
            (server.policies / "policies.yaml").write_text(POLICY % "two")
            self.assert_policy(server, "two")
            (server.policies / "a.yaml").write_text(POLICY % "before-two")
            self.assert_policy(server, "before-two")
            (server.policies / "a.yaml").unlink()
            self.assert_policy(server, "two")

    def test_a_mounted_config_map_is_followed_more_than_once(self):
        mounts = []

        def fill(name):
            return lambda path: (path / "p.yaml").write_text(POLICY % name)

        def mount(path):
            mounts.append(Mount(path))
            mounts[0].swap(fill("one"))

        with Server(mount) as server:
            for name in "two", "three":
                mounts[0].swap(fill(name))
                self.assert_policy(server, name)

    def test_sighup_reads_them_again(self):
        with Server(POLICY % "one") as server:
            def reads():
                return server.metric("sluice_policy_reloads_total", 'result="success"')

            self.assertEqual(reads(), 1)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: reads() == 2, "the policies are read again")

    def test_policies_that_are_wrong_are_kept_out(self):
        with Server(POLICY % "one") as server:
            failure = "policies cannot be loaded; those before stay in force"
            (server.policies / "policies.yaml").write_text("apiVersion: v1\nkind: Pod\n")
            wait_until(lambda: server.logged(failure), "the failure is logged")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.metric("sluice_policy_reloads_total",
                                             'result="failure"') >= 2, "a second failure")
            wait_until(lambda: len(server.logged(failure)) == 2, "SIGHUP logs it once more")
            self.assertIn("/policies.yaml:2:1: kind: ", server.logged(failure)[0]["err"])
            self.assert_policy(server, "one")
            self.assertEqual(server.ready(), (200, "ok\n"))
            (server.policies / "policies.yaml").write_text(POLICY % "two")
            self.assert_policy(server, "two")

    def test_a_directory_that_is_not_there_is_waited_for(self):
        with Server(lambda path: None) as server:
            self.assertEqual(server.ready()[0], 503)
            (server.root / "new").mkdir()
            (server.root / "new" / "p.yaml").write_text(POLICY % "one")
            (server.root / "new").rename(server.policies)
            server.process.send_signal(signal.SIGHUP)
            self.assert_policy(server, "one")
            self.assertEqual(server.ready()[0], 200)

    def test_a_pipe_among_the_files_does_not_stop_the_loop(self):
        with Server(POLICY % "one") as server:
            os.mkfifo(server.policies / "a.yaml")
            wait_until(lambda: server.logged("policies cannot be loaded; those before stay in force"),
                       "the pipe is refused")
            (server.policies / "a.yaml").unlink()
            (server.policies / "policies.yaml").write_text(POLICY % "two")
            self.assert_policy(server, "two")

    def test_without_policies_it_is_not_ready_but_answers(self):
        with Server("kind: [") as server:
            status, text = server.ready()
            self.assertEqual(status, 503)
            self.assertRegex(text, r"^policies: ")
            self.assertEqual(server.get("/livez")[0], 200)
            self.assertEqual(server.post("/mutate", POD)[0], 200)
            (server.policies / "policies.yaml").write_text(POLICY % "one")
            wait_until(lambda: server.ready()[0] == 200, "the webhook is ready")


class Cluster(unittest.TestCase):
    """Policies from an API server, and hand-overs."""

    LOST = "cannot follow the API server; what was known stays in force"
    OWNER = json.loads(POD)["request"]["object"]["metadata"]["ownerReferences"][0]

    def setUp(self):
        self.api = self.enterContext(FakeApi())

    def server(self, policies="", paths=True):
        """A webhook that watches the API, with files besides or without."""
        made = Server(policies)
        made.config["policies"]["kube"] = {"kubeconfig": self.api.kubeconfig(made.root / "kubeconfig")}
        if not paths:
            del made.config["policies"]["paths"]
        return made

    def assert_policy(self, server, name):
        wait_until(lambda: policy_in(server.post("/mutate", POD)[2]) == name, f"{name} in force")

    def policy(self, name, **spec):
        self.api.put("trafficpolicies", name, {"selector": {}, **spec})

    def mark(self, seconds, **metadata):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        self.api.put("replicasets", self.OWNER["name"], {}, uid=self.OWNER["uid"],
                     annotations={"sluice.dev/handover": until}, **metadata)
        return until

    def test_policies_come_change_and_go(self):
        with self.server(paths=False) as server:
            wait_until(lambda: server.ready() == (200, "ok\n"), "the webhook is ready")
            self.assert_policy(server, None)
            self.policy("one")
            self.assert_policy(server, "one")
            self.policy("one", selector={"matchLabels": {"app": "other"}})
            self.assert_policy(server, None)
            self.policy("two")
            self.assert_policy(server, "two")
            self.api.delete("trafficpolicies", "two")
            self.assert_policy(server, None)
            self.assertEqual(server.metric("sluice_policies", 'kind="TrafficPolicy"'), 1)
            self.assertEqual("sluice.dev/managed=true", self.api.queries["namespaces"]["labelSelector"])

    def test_a_status_that_changes_puts_nothing_new_in_force(self):
        self.policy("one")
        with self.server(paths=False) as server:
            self.assert_policy(server, "one")
            before = len(server.logged("policies loaded"))
            self.policy("one")  # the same but its resourceVersion
            events = 'resource="trafficpolicies.sluice.dev"'
            wait_until(lambda: server.metric("sluice_cache_events_total", events) == 1, "the event")
            time.sleep(0.2)
            self.assertEqual(before, len(server.logged("policies loaded")))

    def test_it_is_ready_when_everything_was_listed(self):
        self.api.forbidden.add("replicasets")
        with self.server(paths=False) as server:
            wait_until(lambda: server.ready() == (
                503, "cluster: the ReplicaSets were not listed yet; the log says why\n"), "one list is missing")
            self.assertEqual("replicasets is forbidden", server.logged(self.LOST)[0]["err"])
            self.api.forbidden.clear()
            wait_until(lambda: server.ready() == (200, "ok\n"), "the webhook is ready")
            self.assertEqual(1, server.metric("sluice_cache_synced", 'resource="replicasets.apps"'))

    def test_an_api_server_that_goes_away_leaves_what_was_known(self):
        self.policy("one")
        resource = 'resource="trafficpolicies.sluice.dev"'
        with self.server(paths=False) as server:
            self.assert_policy(server, "one")
            self.api.stop()
            wait_until(lambda: len(server.logged(self.LOST)) == len(LISTS), "each resource is lost")
            wait_until(lambda: server.metric("sluice_cache_stale_seconds", resource) > 1, "it is stale")
            self.assertEqual("one", policy_in(server.post("/mutate", POD)[2]))
            self.assertEqual(server.ready(), (200, "ok\n"))
            self.assertEqual(len(LISTS), len(server.logged(self.LOST)))
            self.api.delete("trafficpolicies", "one")
            self.policy("two")
            self.api.start()
            self.assert_policy(server, "two")
            followed = "follows the API server again"
            wait_until(lambda: len(server.logged(followed)) == len(LISTS), "all are followed again")
            self.assertEqual(0, server.metric("sluice_cache_stale_seconds", resource))

    def test_what_breaks_a_rule_is_left_out_logged_once_and_counted(self):
        with self.server(paths=False) as server:
            self.policy("bad", preStop={"sleepSeconds": -1})
            self.policy("good")
            self.assert_policy(server, "good")
            self.policy("bad", preStop={"sleepSeconds": -2})
            resource = 'resource="trafficpolicies.sluice.dev"'
            wait_until(lambda: server.metric("sluice_cache_refused_total", resource) == 2, "both are counted")
            line, = server.logged("an object cannot be read and is left out")
            self.assertEqual(("shop", "bad"), (line["ns"], line["name"]))
            self.assertIn("spec.preStop.sleepSeconds: must be between", line["err"])

    def test_of_both_sources_the_file_counts_where_both_have_a_name(self):
        with self.server(POLICY % "b") as server:
            self.assert_policy(server, "b")
            self.policy("a")
            self.assert_policy(server, "a")  # the first by name, of both
            self.policy("b", selector={"matchLabels": {"app": "other"}})
            left_out = "policies of the cluster are left out: the files have others of their names"
            wait_until(lambda: server.logged(left_out), "the name is reported")
            self.assertIn("TrafficPolicy shop/b is defined twice", server.logged(left_out)[0]["err"])
            self.assertEqual(1, server.metric("sluice_policies_left_out"))
            self.api.delete("trafficpolicies", "a")
            self.assert_policy(server, "b")
            (server.policies / "policies.yaml").write_text(POLICY % "c")
            self.assert_policy(server, "c")
            wait_until(lambda: server.metric("sluice_policies_left_out") == 0, "nothing is left out")
            self.assertEqual(1, len(server.logged(left_out)))

    def test_files_that_are_wrong_do_not_hold_the_cluster_up(self):
        with self.server(POLICY % "z") as server:
            self.assert_policy(server, "z")
            (server.policies / "policies.yaml").write_text("kind: [")
            wait_until(lambda: server.logged("policies cannot be loaded; those before stay in force"), "the failure")
            self.policy("a")
            self.assert_policy(server, "a")

    def test_a_namespace_that_is_being_deleted_is_left_alone(self):
        self.policy("one")
        labels = {"sluice.dev/managed": "true"}
        self.api.put("namespaces", "shop", namespace="", labels=labels)
        with self.server(paths=False) as server:
            self.assert_policy(server, "one")
            self.api.put("namespaces", "shop", namespace="", labels=labels,
                         deletionTimestamp="2026-11-21T12:00:00Z")
            self.assert_policy(server, None)

    def test_pods_of_a_marked_replica_set_are_refused_until_the_time_has_come(self):
        def refused(server):
            answer = response_of(server.post("/mutate", POD)[2])
            return None if answer["allowed"] else answer["status"]

        with self.server(paths=False) as server:
            wait_until(lambda: server.ready()[0] == 200, "the webhook is ready")
            self.assertIsNone(refused(server))
            until = self.mark(3)
            wait_until(lambda: refused(server), "the pod is refused", 1)
            status = refused(server)
            self.assertEqual((403, "Forbidden"), (status["code"], status["reason"]))
            self.assertIn(f"are refused until {until}: its Deployment is being handed over", status["message"])
            self.assertNotIn("retryAfterSeconds", status["details"])
            self.assertEqual(1, server.metric("sluice_handovers"))
            wait_until(lambda: not refused(server), "the time has come")
            self.mark(60)
            wait_until(lambda: refused(server), "the mark is renewed", 1)
            self.api.put("replicasets", self.OWNER["name"], {}, uid=self.OWNER["uid"])
            wait_until(lambda: not refused(server), "the mark is taken off", 1)
            self.assertEqual(0, server.metric("sluice_handovers"))
            self.assertEqual(0, server.metric("sluice_cache_objects", 'resource="replicasets.apps"'))

    def test_a_mark_that_is_no_time_refuses_nothing_and_is_reported(self):
        with self.server(paths=False) as server:
            self.api.put("replicasets", self.OWNER["name"], {}, uid=self.OWNER["uid"],
                         annotations={"sluice.dev/handover": "soon"})
            wait_until(lambda: server.logged("an object cannot be read and is left out"), "it is reported")
            self.assertTrue(response_of(server.post("/mutate", POD)[2])["allowed"])

    def test_a_kubeconfig_that_is_not_there_is_said_at_start(self):
        made = Server()
        made.config["policies"]["kube"] = {"kubeconfig": str(made.root / "nothing")}
        with self.assertRaisesRegex(AssertionError, "cannot start.*policies.kube: .*nothing"):
            with made:
                pass


class Shutdown(unittest.TestCase):
    def test_sigterm_under_load_loses_nothing(self):
        with Server(POLICY % "web", shutdown={"delay": "2s"}) as server, Load(server) as load:
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: server.ready()[0] == 503, "the webhook is not ready")
            self.assertEqual(server.ready()[1], "shutdown: the webhook is stopping\n")
            load.wait_for(50)  # what a Service that does not know yet still sends
            load.stop()
            self.assertEqual(load.failures, [])
            self.assertEqual(server.process.wait(20), 0)
            self.assertEqual(server.logged("stopped")[0]["requestsCut"], 0)

    def test_a_request_that_was_begun_is_answered(self):
        with Server(POLICY % "web") as server:
            with contextlib.closing(server.connect()) as peer:
                peer.sendall((HEAD % len(POD)).encode() + POD[:100])
                wait_until(lambda: server.metric("sluice_http_body_bytes_in_flight") > 0, "begun")
                server.process.send_signal(signal.SIGTERM)
                wait_until(self.refuses(server), "no connection is taken any more")
                peer.sendall(POD[100:])
                status, headers, body = read_answer(peer)
                self.assertEqual((status, headers["Connection"]), (200, "close"))
                self.assertEqual(policy_in(body), "web")
            self.assertEqual(server.process.wait(20), 0)

    @staticmethod
    def refuses(server):
        def refused():
            try:
                socket.create_connection(("127.0.0.1", server.port), 1).close()
            except ConnectionRefusedError:
                return True
            return False
        return refused

    def test_an_idle_connection_does_not_hold_it_up(self):
        with Server() as server, contextlib.closing(server.https()) as connection:
            ask(connection, "/mutate", POD)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(10), 0)

    def test_a_second_sigterm_stops_at_once(self):
        with Server(shutdown={"delay": "1m"}) as server:
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: server.ready()[0] == 503, "the webhook is not ready")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(10), 0)

    def test_requests_that_are_cut_show_in_the_exit_status(self):
        with Server(shutdown={"timeout": "0s"}) as server:
            server.expected_status = 1
            with contextlib.closing(server.connect()) as peer:
                peer.sendall((HEAD % len(POD)).encode() + POD[:100])
                wait_until(lambda: server.metric("sluice_http_body_bytes_in_flight") > 0, "begun")
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(server.process.wait(10), 1)

    def test_what_cannot_start_says_why(self):
        server = Server()
        (server.tls / "tls.key").unlink()
        with self.assertRaisesRegex(AssertionError, "cannot start.*tls.key"):
            with server:
                pass


if __name__ == "__main__":
    unittest.main()
