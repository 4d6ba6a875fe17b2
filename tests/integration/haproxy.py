"""The haproxy balancer against a real HAProxy, with servers behind it and clients in front of it."""

import contextlib
import http.client
import http.server
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

DRIVER = os.environ["DRIVER"]
PATIENCE = 20

CONFIG = """\
global
  {sockets}
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout queue 5s
frontend web
  bind 127.0.0.1:{port}
  default_backend {default}
backend web
  server static1 127.0.0.1:1 disabled
backend sticky
  cookie SERVED insert indirect nocache
  server-template sticky 3 127.0.0.1:1 disabled cookie s check inter 200ms
backend slots
  default-server check inter 200ms fall 1 rise 1 weight 100
  server other1 127.0.0.1:1 disabled
  server-template web 2 127.0.0.1:1 disabled
backend source
  balance source
  server-template web 2 127.0.0.1:1 disabled weight 100
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return found


class HAProxy:
    """One in the foreground: killed and started again as a test wants."""

    def __init__(self, directory, default="web", name="haproxy", unix=False):
        self.port, self.api_port = free_port(), free_port()
        self.socket = pathlib.Path(directory) / f"{name}.sock"
        where = self.socket if unix else f"ipv4@127.0.0.1:{self.api_port}"
        self.address = f"unix://{self.socket}" if unix else f"tcp://127.0.0.1:{self.api_port}"
        self.config = pathlib.Path(directory) / f"{name}.cfg"
        self.config.write_text(CONFIG.format(sockets=f"stats socket {where} level admin", port=self.port,
                                             default=default), encoding="ascii")
        self.processes = []
        self.start()

    def start(self, *words):
        self.processes.append(subprocess.Popen(["haproxy", "-db", "-f", self.config, *words],
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def reload(self):
        self.start("-sf", str(self.processes[-1].pid))

    def kill(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    def ask(self, command):
        family, where = ((socket.AF_UNIX, str(self.socket)) if self.address.startswith("unix") else
                         (socket.AF_INET, ("127.0.0.1", self.api_port)))
        with socket.socket(family) as api:
            api.connect(where)
            api.sendall(f"{command}\n".encode())
            api.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: api.recv(65536), b"")).decode()

    def servers(self, backend):
        """name → (address, port, admin state, weight)"""
        rows = (line.split() for line in self.ask(f"show servers state {backend}").splitlines()[2:])
        return {row[3]: (row[4], int(row[18]), int(row[6]), int(row[7])) for row in rows if row}

    def get(self, path="/", headers=None):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(client):
            client.request("GET", path, headers=headers or {})
            answer = client.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("Set-Cookie")


class Pod(http.server.ThreadingHTTPServer):
    """A server at an address of its own; /slow answers when it is let go."""
    daemon_threads = True

    def __init__(self, address, port):
        self.gate = threading.Event()
        self.slow = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                if self.path == "/slow":
                    self.server.slow += 1
                    self.server.gate.wait()
                body = self.server.server_address[0].encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.connections = set()
        super().__init__((address, port), Handler)
        self.handle_error = lambda *_: None  # HAProxy's checks end with a reset
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def get_request(self):
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def stop(self):
        """As a container that is killed: what is connected breaks off."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.gate.set()


class Load:
    """Clients that ask again and again, some of them on one connection, and count what goes wrong."""

    def __init__(self, haproxy):
        self.haproxy, self.sent, self.failures, self.ends = haproxy, 0, [], False
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,), daemon=True) for i in range(6)]
        for thread in self.threads:
            thread.start()

    def run(self, keeps):
        client = None
        while not self.ends:
            if client is None or not keeps:
                client = http.client.HTTPConnection("127.0.0.1", self.haproxy.port, timeout=10)
            try:
                client.request("GET", "/")
                answer = client.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                client = None
            self.sent += 1
            if not keeps and client is not None:
                client.close()
        if client is not None:
            client.close()

    def end(self):
        self.ends = True
        for thread in self.threads:
            thread.join()


class Driver:
    """balancers_driver, spoken to."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1)
        self.answers, self.corrected, self.changed = queue.Queue(), [], []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind in ("corrected", "changed"):
                getattr(self, kind).append(rest)
            else:
                self.answers.put(rest)

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.answers.get(timeout=PATIENCE)

    def member(self, uid, index=0, policy="web"):
        state, sessions, trouble = self.tell("member", "shop", policy, index, uid).split(" ", 2)
        return state, int(sessions), trouble

    def health(self, index=0):
        answers, corrections, trouble = self.tell("health", index).split(" ", 2)
        return answers == "yes", int(corrections), trouble

    def want(self, pod, weight, address=None, index=0, policy="web"):
        self.tell("want", "shop", policy, index, f"uid-{pod}", pod, address or "-", weight)

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.reader.join()
        self.process.stdout.close()
        return status


class HaproxyTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = directory
        self.port = free_port()
        self.driver = Driver()
        self.addCleanup(self.stop_driver)

    def stop_driver(self):
        self.assertEqual(self.driver.close(), 0)

    def haproxy(self, **options):
        haproxy = HAProxy(self.directory, **options)
        self.addCleanup(haproxy.kill)
        wait_until(lambda: not self.refuses(haproxy), "HAProxy starts")
        return haproxy

    @staticmethod
    def refuses(haproxy):
        try:
            return "Pid" not in haproxy.ask("show info")
        except OSError:
            return True

    def pod(self, number):
        pod = Pod(f"127.22.0.{number}", self.port)
        self.addCleanup(pod.stop)
        return pod

    def policy(self, *balancers, name="web"):
        words = [word for i, (haproxy, backend, template) in enumerate(balancers)
                 for word in (f"edge{i}", getattr(haproxy, "address", haproxy), backend, template, self.port)]
        self.driver.tell("policy", "shop", name, *words)

    def becomes(self, pod, state, sessions=None, index=0, seconds=PATIENCE):
        def there():
            now = self.driver.member(f"uid-{pod}", index)
            return now[0] == state and sessions in (None, now[1])
        try:
            wait_until(there, f"{pod} becomes {state} {sessions}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.driver.member(f'uid-{pod}', index)}, "
                                 f"{self.driver.health(index)}") from None

    def join(self, haproxy, *numbers, backend="web", template="-"):
        """A policy, and pods web-<n> that are in."""
        self.policy((haproxy, backend, template))
        pods = [self.pod(number) for number in numbers]
        for number in numbers:
            self.driver.want(f"web-{number}", 100, f"127.22.0.{number}")
        for number in numbers:
            self.becomes(f"web-{number}", "In")
        return pods

    def slow(self, haproxy, pod, before=0, headers=None):
        """A request that is being served; .result has its end."""
        answers = queue.Queue()

        def run():
            try:
                answers.put(haproxy.get("/slow", headers)[:2])
            except (OSError, http.client.HTTPException) as error:
                answers.put(repr(error))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        wait_until(lambda: pod.slow > before, "the slow request is served")
        return answers

    def test_a_pod_is_added_as_a_server_of_its_own_and_served(self):
        haproxy = self.haproxy()
        self.join(haproxy, 1, 2)
        servers = haproxy.servers("web")
        self.assertEqual(servers["shop:web:web-1"], ("127.22.0.1", self.port, 0, 100))
        self.assertEqual({haproxy.get()[1] for _ in range(6)}, {"127.22.0.1", "127.22.0.2"})
        self.assertEqual(servers["static1"][2] & 1, 1, "a server that is not ours is left alone")
        self.assertEqual(self.driver.health(), (True, 0, ""))
        self.assertEqual(self.driver.corrected, [])

    def test_a_drain_waits_for_a_slow_session_and_cuts_nothing(self):
        haproxy = self.haproxy()
        pod, _ = self.join(haproxy, 1, 2)
        self.driver.want("web-2", 0, "127.22.0.2")
        self.becomes("web-2", "Out", 0)
        answer = self.slow(haproxy, pod)
        self.driver.want("web-2", 100, "127.22.0.2")
        self.becomes("web-2", "In")
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", 1)
        self.assertEqual({haproxy.get()[1] for _ in range(6)}, {"127.22.0.2"})
        time.sleep(0.3)
        self.assertEqual(self.driver.member("uid-web-1")[:2], ("Out", 1))
        pod.gate.set()
        self.becomes("web-1", "Out", 0, seconds=1)
        self.assertEqual(answer.get(timeout=PATIENCE), (200, "127.22.0.1"))
        self.driver.want("web-1", -1)
        wait_until(lambda: "shop:web:web-1" not in haproxy.servers("web"), "the server is deleted")
        self.assertEqual(self.driver.corrected, [])

    def test_a_server_is_not_deleted_while_it_has_a_session(self):
        haproxy = self.haproxy()
        pod, = self.join(haproxy, 1)
        answer = self.slow(haproxy, pod)
        self.driver.tell("forget", "uid-web-1")
        wait_until(lambda: haproxy.servers("web")["shop:web:web-1"][2] == 8, "it is drained")
        time.sleep(0.3)
        self.assertIn("shop:web:web-1", haproxy.servers("web"))
        pod.gate.set()
        wait_until(lambda: "shop:web:web-1" not in haproxy.servers("web"), "the server is deleted")
        self.assertEqual(answer.get(timeout=PATIENCE), (200, "127.22.0.1"))

    def test_pods_that_leave_restart_and_join_again_lose_no_request(self):
        for backend, template in (("web", "-"), ("slots", "web"), ("sticky", "sticky")):
            with self.subTest(backend=backend):
                haproxy = self.haproxy(default=backend, name=backend)
                self.port = free_port()
                pods = dict(zip((1, 2), self.join(haproxy, 1, 2, backend=backend, template=template)))
                load = Load(haproxy)
                self.addCleanup(load.end)
                for number in (1, 2, 1, 2):
                    name, address = f"web-{number}", f"127.22.0.{number}"
                    self.driver.want(name, 0, address)
                    self.becomes(name, "Out", 0)
                    pods[number].stop()
                    time.sleep(0.1)
                    pods[number] = self.pod(number)
                    self.driver.want(name, 100, address)
                    self.becomes(name, "In")
                for number in (1, 2):  # and with servers that are deleted, and added for another pod
                    self.driver.tell("forget", f"uid-web-{number}")
                    wait_until(lambda name=f"shop:web:web-{number}": self.rests(haproxy, backend, name), "it is gone")
                    self.driver.want(f"web-{number}", 100, f"127.22.0.{number}")
                    self.becomes(f"web-{number}", "In")
                load.end()
                self.assertEqual(load.failures, [])
                self.assertGreater(load.sent, 200)

    @staticmethod
    def rests(haproxy, backend, name):
        """No server of that name, or, of slots, but one that is in service."""
        servers = haproxy.servers(backend)
        return name not in servers and (backend == "web" or
                                        sum(server[2] & 1 == 0 for server in servers.values()) == 1)

    def test_a_static_algorithm_takes_slots_of_the_wanted_weight(self):
        haproxy = self.haproxy(default="source")
        self.join(haproxy, 1, backend="source", template="web")
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", 0)
        self.driver.want("web-1", 100, "127.22.0.1")
        self.becomes("web-1", "In")
        self.assertEqual((haproxy.get()[0], self.driver.health()), (200, (True, 0, "")))

    def test_an_idle_connection_of_a_client_does_not_hold_a_drain_up(self):
        haproxy = self.haproxy()
        self.join(haproxy, 1)
        client = http.client.HTTPConnection("127.0.0.1", haproxy.port)
        with contextlib.closing(client):
            client.request("GET", "/")
            client.getresponse().read()
            self.driver.want("web-1", 0, "127.22.0.1")
            self.becomes("web-1", "Out", 0, seconds=2)

    def test_a_haproxy_that_was_restarted_gets_its_members_back(self):
        for backend, template in (("web", "-"), ("slots", "web")):
            with self.subTest(backend=backend):
                haproxy = self.haproxy(default=backend, name=backend)
                self.port = free_port()
                self.join(haproxy, 1, 2, backend=backend, template=template)
                haproxy.kill()
                self.becomes("web-1", "Unknown")
                wait_until(lambda: not self.driver.health()[0], "it is said not to answer")
                self.assertIn("cannot connect", self.driver.health()[2])
                haproxy.start()
                wait_until(lambda: not self.refuses(haproxy), "HAProxy starts")
                self.becomes("web-1", "In", seconds=2)
                self.becomes("web-2", "In", seconds=2)
                self.assertEqual(haproxy.get()[0], 200)
                self.assertEqual(self.driver.health(), (True, 0, ""))
                self.assertEqual(self.driver.corrected, [])

    def test_killed_in_mid_drain_it_is_not_said_to_be_drained_until_it_answers(self):
        haproxy = self.haproxy()
        pod, _ = self.join(haproxy, 1, 2)
        self.driver.want("web-2", 0, "127.22.0.2")
        self.becomes("web-2", "Out", 0)
        answer = self.slow(haproxy, pod)
        self.driver.want("web-2", 100, "127.22.0.2")
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", 1)
        haproxy.kill()
        self.becomes("web-1", "Unknown")
        pod.gate.set()
        answer.get(timeout=PATIENCE)
        haproxy.start()
        # Of the process before, nobody knows what it still serves: it was killed, or it was a reload.
        self.becomes("web-1", "Out", -1)
        self.becomes("web-2", "In")
        self.assertEqual({haproxy.get()[1] for _ in range(4)}, {"127.22.0.2"})

    def test_after_a_reload_the_new_process_is_driven_and_the_sessions_of_the_old_are_not_forgotten(self):
        haproxy = self.haproxy()
        pod, _ = self.join(haproxy, 1, 2)
        self.driver.want("web-2", 0, "127.22.0.2")
        self.becomes("web-2", "Out", 0)
        answer = self.slow(haproxy, pod)
        self.driver.want("web-2", 100, "127.22.0.2")
        self.becomes("web-2", "In")
        haproxy.reload()
        wait_until(lambda: f"Pid: {haproxy.processes[-1].pid}\n" in haproxy.ask("show info"), "it is reloaded")
        wait_until(lambda: len(haproxy.servers("web")) == 3, "the new process gets the members")
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", -1)
        pod.gate.set()
        self.assertEqual(answer.get(timeout=PATIENCE), (200, "127.22.0.1"))
        self.assertEqual(self.driver.corrected, [])

    def test_what_somebody_else_changed_is_put_back_and_told(self):
        haproxy = self.haproxy()
        self.join(haproxy, 1, 2)
        name = "web/shop:web:web-1"
        as_it_was = haproxy.servers("web")
        for said, *commands in (("weight 7", f"set server {name} weight 7"),
                                ("state drain", f"set server {name} state drain"),
                                ("state maint", f"set server {name} state maint"),
                                ("address 127.22.0.9 port 1", f"set server {name} addr 127.22.0.9 port 1"),
                                ("no server", f"set server {name} state maint; del server {name}")):
            with self.subTest(said):
                self.driver.corrected.clear()
                for command in commands:
                    haproxy.ask(command)
                wait_until(lambda: self.driver.corrected, "it is told")  # pylint: disable=cell-var-from-loop
                self.assertIn(f"pod web-1 in backend web of edge0 had been changed by somebody else ({said})",
                              self.driver.corrected[0])
                wait_until(lambda: haproxy.servers("web") == as_it_was, "it is put back")
                self.becomes("web-1", "In")
        self.assertEqual(self.driver.health(), (True, 5, ""))
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", 0)
        self.driver.corrected.clear()
        haproxy.ask(f"set server {name} state ready")
        wait_until(lambda: self.driver.corrected, "that it was put into service is told")
        wait_until(lambda: haproxy.servers("web")["shop:web:web-1"][2] & 1, "it is out again")

    def test_a_unix_socket_does_as_well(self):
        haproxy = self.haproxy(unix=True)
        self.join(haproxy, 1)
        self.assertEqual(haproxy.get()[1], "127.22.0.1")

    def test_the_name_of_a_host_is_looked_up(self):
        try:
            socket.getaddrinfo("localhost", None)
        except OSError:
            self.skipTest("a system without /etc/hosts knows no name")
        haproxy = self.haproxy()
        haproxy.address = haproxy.address.replace("127.0.0.1", "localhost")
        self.policy((haproxy, "web", "-"))
        self.pod(1)
        self.driver.want("web-1", 100, "127.22.0.1")
        self.becomes("web-1", "In")

    def test_slots_are_taken_and_freed_and_when_all_are_taken_it_says_so(self):
        haproxy = self.haproxy(default="slots")
        self.join(haproxy, 1, 2, backend="slots", template="web")
        taken = haproxy.servers("slots")
        self.assertEqual({taken["web1"][0], taken["web2"][0]}, {"127.22.0.1", "127.22.0.2"})
        self.pod(3)
        self.driver.want("web-3", 100, "127.22.0.3")
        wait_until(lambda: not self.driver.health()[0], "it is told")
        self.assertIn("all 2 servers of the template \"web\" in backend \"slots\" are taken: raise its count",
                      self.driver.health()[2])
        self.assertEqual(self.driver.member("uid-web-3")[0], "Absent")
        self.driver.tell("forget", "uid-web-1")
        self.becomes("web-3", "In")
        self.assertEqual({haproxy.get()[1] for _ in range(4)}, {"127.22.0.2", "127.22.0.3"})
        self.assertEqual(haproxy.servers("slots")["other1"][2] & 1, 1)
        self.assertEqual(self.driver.health(), (True, 0, ""))

    def test_a_member_whose_checks_fail_is_not_in(self):
        for backend, template in (("slots", "web"), ("web", "-")):
            with self.subTest(backend=backend):
                haproxy = self.haproxy(name=backend)
                self.port = free_port()
                self.policy((haproxy, backend, template))
                self.driver.want("web-1", 100, "127.22.0.1")
                wait_until(lambda: "L4CON" in self.driver.member("uid-web-1")[2], "the check is told")
                self.assertEqual(self.driver.member("uid-web-1")[0], "Out")
                pod = self.pod(1)
                self.becomes("web-1", "In")
                pod.stop()
                self.becomes("web-1", "Out")
                self.assertEqual(self.driver.health()[:2], (True, 0))

    def test_a_client_that_sticks_goes_on_until_it_rests_and_is_sent_elsewhere_then(self):
        haproxy = self.haproxy(default="sticky")
        self.join(haproxy, 1, 2, backend="sticky", template="sticky")
        name, cookie = next((said[1], said[2].partition(";")[0]) for said in iter(haproxy.get, None)
                            if said[1] == "127.22.0.1")
        self.assertEqual(haproxy.get(headers={"Cookie": cookie})[1], name)
        self.driver.want("web-1", 0, "127.22.0.1")
        self.becomes("web-1", "Out", 0)
        self.assertEqual({haproxy.get(headers={"Cookie": cookie})[1] for _ in range(4)}, {"127.22.0.2"})

    def test_two_haproxies_have_the_pod_each(self):
        one, other = self.haproxy(name="one"), self.haproxy(name="other", unix=True)
        self.policy((one, "web", "-"), (other, "web", "-"))
        self.pod(1)
        for index in (0, 1):
            self.driver.want("web-1", 100, "127.22.0.1", index=index)
        for index in (0, 1):
            self.becomes("web-1", "In", index=index)
        other.kill()
        self.becomes("web-1", "Unknown", index=1)
        self.assertEqual(self.driver.member("uid-web-1", 0)[0], "In")
        self.assertEqual((self.driver.health(0)[0], one.get()[0]), (True, 200))

    def test_what_nobody_wants_is_taken_out_when_all_pods_are_known_and_not_before(self):
        haproxy = self.haproxy()
        for name in ("shop:web:old", "shop:other:pod"):
            haproxy.ask(f"add server web/{name} 127.22.0.9:80; set server web/{name} state ready")
        self.join(haproxy, 1)
        time.sleep(1.2)
        self.assertIn("shop:web:old", haproxy.servers("web"))
        self.driver.tell("complete")
        wait_until(lambda: "shop:web:old" not in haproxy.servers("web"), "it is deleted")
        self.assertEqual(haproxy.servers("web")["shop:other:pod"][2], 0)
        self.becomes("web-1", "In")

    def test_a_balancer_that_a_policy_has_no_more_loses_its_pods(self):
        haproxy = self.haproxy()
        self.driver.tell("complete")
        self.join(haproxy, 1, 2)
        self.driver.tell("policy", "shop", "web")
        wait_until(lambda: list(haproxy.servers("web")) == ["static1"], "they are gone")
        self.assertEqual(self.driver.health()[2], "there is none")

    def test_a_policy_whose_port_changes_keeps_its_servers(self):
        haproxy = self.haproxy()
        self.join(haproxy, 1)
        self.port = free_port()
        self.pod(1)
        self.policy((haproxy, "web", "-"))
        wait_until(lambda: haproxy.servers("web")["shop:web:web-1"] == ("127.22.0.1", self.port, 0, 100),
                   "the server has the new port")
        wait_until(lambda: haproxy.get()[0] == 200, "it is served")

    def test_five_hundred_pods_come_and_go(self):
        haproxy = self.haproxy()
        self.policy((haproxy, "web", "-"))
        pods = [f"web-{number}" for number in range(500)]
        for i, pod in enumerate(pods):
            self.driver.want(pod, 100, f"127.22.{i // 250}.{i % 250 + 1}")
        wait_until(lambda: len(haproxy.servers("web")) == 501, "all are there")
        for pod in pods:
            self.driver.tell("forget", f"uid-{pod}")
        wait_until(lambda: len(haproxy.servers("web")) == 1, "all are gone")

    def test_what_it_cannot_do_is_said(self):
        haproxy = self.haproxy()
        for address, backend, template, said in (
                (haproxy, "nope", "-", "it has no backend \"nope\""),
                (haproxy, "source", "-", "HAProxy says: Backend must use a dynamic load balancing"),
                (haproxy, "web", "nope", "has no server \"nope1\": give it \"server-template nope"),
                (f"tcp://127.0.0.1:{haproxy.port}", "web", "-", "closed the connection"),
                ("unix:///nowhere/haproxy.sock", "web", "-", "cannot connect to unix:///nowhere/haproxy.sock"),
                ("tcp://nowhere.invalid:9", "web", "-", "nowhere.invalid could not be looked up")):
            with self.subTest(said):
                self.policy((address, backend, template))
                self.driver.want("web-1", 100, "127.22.0.1")
                wait_until(lambda: not self.driver.health()[0], "it is told")
                self.assertIn(said, self.driver.health()[2])
                self.assertNotEqual(self.driver.member("uid-web-1")[0], "In")
                self.driver.tell("policy", "shop", "web")

    def test_one_that_listens_and_says_nothing_or_nonsense_is_in_trouble(self):
        for said, trouble in ((b"", "does not answer within 2 s"), (b"\n> hello\n> what\n> ", "answered with")):
            with self.subTest(trouble), socket.create_server(("127.0.0.1", 0)) as listener:
                threading.Thread(target=self.say, args=(listener, said), daemon=True).start()
                self.policy((f"tcp://127.0.0.1:{listener.getsockname()[1]}", "web", "-"))
                self.driver.want("web-1", 100, "127.22.0.1")
                wait_until(lambda: not self.driver.health()[0], "it is told")
                self.assertIn(trouble, self.driver.health()[2])
                self.assertEqual(self.driver.member("uid-web-1")[0], "Unknown")
                listener.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def say(listener, text):
        """Until the listener is shut down."""
        clients = []
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                clients.append(client)
                client.sendall(text)
        for client in clients:
            client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
