"""The edge of a cluster: a real HAProxy, the load that goes through it, and the policy that puts pods behind it."""

import concurrent.futures
import contextlib
import csv
import http.client
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

from devcluster.objects import condition
from devcluster.resources import Resource

POLICIES = Resource("sluice.dev", "v1alpha1", "trafficpolicies", "TrafficPolicy")
READY, DRAIN, LABEL = "sluice.dev/traffic-ready", "sluice.dev/drain", "sluice.dev/traffic-policy"
FINALIZER = "slb.sluice.dev/"
HACK = pathlib.Path(__file__).resolve().parents[2] / "hack"
RUNTIME, FIRST = 9999, 8080  # ports
STARTS = 10  # seconds
QUICK = {"waitSeconds": 1, "propagationSeconds": 1, "timeoutSeconds": 30}
CONFIG = """
global
    nbthread 1
    stats socket ipv4@{address}:{port} level admin
    stats timeout 10m
defaults
    mode http
    balance roundrobin
    retries 3
    option redispatch
    timeout connect 2s
    timeout client 1m
    timeout server 1m
"""
PLACE = """
frontend {name}
    bind {address}:{port}
    default_backend {name}
backend {name}
"""
SLOTS = "    server-template {prefix} {count} {address}:1 disabled\n"
_numbers = itertools.count(1)


class HAProxy:
    """One with these backends, on an address of its own in a network that no dev cluster takes.

    The backends are empty, or have so many slots for servers, whose names are the backend's and a number.
    """

    def __init__(self, directory, *backends, slots=0):
        process = os.getpid()
        self.address = f"127.14.{process % 62500 // 250}.{process % 250 + 1}"
        self.port = RUNTIME + next(_numbers)
        self._first = FIRST + 20 * (self.port - RUNTIME)
        self.backends = backends or ("web",)
        self._config = directory / "haproxy.cfg"
        self._config.write_text(CONFIG.format(address=self.address, port=self.port) + "".join(
            PLACE.format(name=name, address=self.address, port=self._first + number)
            + (SLOTS.format(prefix=name, count=slots, address=self.address) if slots else "")
            for number, name in enumerate(self.backends)))
        self._log = directory / "haproxy.log"
        self._process = None

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(["haproxy", "-db", "-f", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + STARTS
        while True:
            try:
                self.ask("show info")
                return self
            except ConnectionRefusedError:
                assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)

    def kill(self):
        """As it crashes: with all that it knew."""
        self._process.kill()
        self._process.wait()

    def url(self, backend="web"):
        return f"http://{self.address}:{self._first + self.backends.index(backend)}"

    def balancer(self, name="edge", backend="web"):
        """An entry of a policy's loadBalancers."""
        return {"name": name, "haproxy": {"address": f"tcp://{self.address}:{self.port}", "backend": backend,
                                          "port": 8080}}

    def ask(self, command):
        with socket.create_connection((self.address, self.port), STARTS) as connection:
            connection.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def servers(self, backend="web"):
        """{pod's address: its line of `show stat`}"""
        lines = self.ask("show stat -1 4 -1").removeprefix("# ").strip().splitlines()
        return {one["addr"].rpartition(":")[0]: one for one in csv.DictReader(lines) if one["pxname"] == backend}

    def serves(self, backend="web"):
        """The addresses that it sends requests to."""
        return {address for address, one in self.servers(backend).items()
                if one["status"].startswith(("UP", "no check")) and one["weight"] != "0"}

    def long_requests(self, count, seconds):
        """Begins so many that take so long; for each a future, whether it was answered."""
        def get():
            try:
                with urllib.request.urlopen(f"{self.url()}/?sleep={seconds * 1000}", timeout=3 * seconds) as answer:
                    return answer.status == 200
            except (OSError, http.client.HTTPException):
                return False

        pool = concurrent.futures.ThreadPoolExecutor(count)
        begun = [pool.submit(get) for _ in range(count)]
        deadline = time.monotonic() + seconds / 2
        while sum(int(one["scur"]) for one in self.servers().values()) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return begun


@contextlib.contextmanager
def following(namespace, service, proxy, backend="web"):
    """While a controller has the proxy's slots filled as the EndpointSlices of a Service say: as without Sluice."""
    command = [sys.executable, "-B", HACK / "demo" / "follow.py", "--kubeconfig", namespace.cluster.kubeconfig,
               namespace.name, service, f"tcp://{proxy.address}:{proxy.port}", backend]
    with subprocess.Popen(command) as controller:
        try:
            yield
        finally:
            controller.terminate()


@contextlib.contextmanager
def haproxy(directory, *backends, **options):
    made = HAProxy(directory, *backends, **options).start()
    try:
        yield made
    finally:
        made.kill()


class Load:
    """hack/load.py at work on {name: URL}."""

    def __init__(self, directory, targets, *options):
        self._answer = directory / "load.json"
        self._process = subprocess.Popen(
            [sys.executable, "-B", HACK / "load.py", "--steps", f"--json={self._answer}", *options,
             *(f"{name}={url}" for name, url in targets.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "running\n"

    def step(self, name):
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()

    def end(self):
        """{step: {target: what was counted}}, and "all"."""
        self._process.stdin.close()
        self._process.stdout.read()
        self._process.wait()
        self._process.stdout.close()
        return {one.pop("step"): one for one in json.loads(self._answer.read_text())}


@contextlib.contextmanager
def lossless(directory, url, *options):
    """Load on a URL, while which no request may fail, and some have to be answered."""
    load = Load(directory, {"web": url}, "--keep-alive=4", "--new=2", "--slow=4", "--sleep=300", *options)
    try:
        yield load
    finally:
        steps = load.end()
    loses_nothing(steps["all"]["web"])


def loses_nothing(counted):
    assert counted["failed"] == 0, counted
    assert counted["answered"] == counted["sent"] > 0


def policy(name, *balancers, app=None, **spec):
    """A TrafficPolicy of the pods of an app, quick where nothing else is said."""
    return {"apiVersion": POLICIES.api_version, "kind": POLICIES.kind, "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": app or name}}, "preStop": {"sleepSeconds": 1},
                     "drain": QUICK | spec.pop("drain", {}), "loadBalancers": list(balancers), **spec}}


def apply_policy(namespace, *arguments, **options):
    """Creates one, and waits until the webhook gives it to pods."""
    made = policy(*arguments, **options)
    namespace.apply(made)
    labels = made["spec"]["selector"]["matchLabels"]
    probe = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "labels": labels},
             "spec": {"containers": [{"name": "probe", "image": "registry.local/pause:1"}]}}
    namespace.wait_for(lambda: namespace.create("pods", probe, dry_run=True)["metadata"]["labels"].get(
        LABEL) == made["metadata"]["name"])


def state(pod):
    """The traffic state of a pod; "" where nobody has said one."""
    found = condition(pod, READY)
    return found.get("reason", "") if found else ""


def finalizers(pod):
    return [one for one in pod["metadata"].get("finalizers", ()) if one.startswith(FINALIZER)]


def addresses(pods):
    return {pod["status"]["podIP"] for pod in pods}
