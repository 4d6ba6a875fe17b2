"""What the tests do to a cluster: kubectl as a program, and the API without its start-up time where they wait."""

import asyncio
import json
import os
import subprocess
import time

import pytest
from devcluster.client import Client, Config
from devcluster.errors import ApiError
from devcluster.objects import is_true

POLL = 0.1  # seconds
PATIENCE = 60  # seconds that nothing should ever take: a hang guard, no measurement


class Cluster:
    """A cluster by its kubeconfig. One API connection, from one thread."""

    def __init__(self, kubeconfig):
        self.kubeconfig = str(kubeconfig)
        self._loop = asyncio.new_event_loop()
        self._client = Client(Config.from_kubeconfig(kubeconfig), "e2e")
        self._loop.run_until_complete(self._client.__aenter__())
        self.kubectl_version = self._kubectl_version()

    def close(self):
        self._loop.run_until_complete(self._client.__aexit__())
        self._loop.close()

    def call(self, method, *arguments, **options):
        """A method of devcluster.client.Client, waited for."""
        return self._loop.run_until_complete(getattr(self._client, method)(*arguments, **options))

    def command(self, *arguments):
        return ["kubectl", f"--kubeconfig={self.kubeconfig}", *map(str, arguments)]

    def kubectl(self, *arguments, stdin=None, status=0):
        """What kubectl printed, standard error included. A dictionary given as stdin goes in as JSON."""
        text = stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin)
        done = subprocess.run(self.command(*arguments), input=text, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=2 * PATIENCE, check=False)
        assert done.returncode == status, f"kubectl {' '.join(map(str, arguments))}: {done.stdout}"
        return done.stdout

    def _kubectl_version(self):
        version = json.loads(self.kubectl("version", "--client", "-o", "json"))["clientVersion"]
        return int(version["major"]), int(version["minor"].rstrip("+"))


class Namespace:
    """A namespace of a cluster, which all of these act in."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.name, *arguments, **options)

    def apply(self, *objects, **options):
        return self.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": list(objects)},
                            **options)

    def get(self, resource, name, subresource=None):
        return self.cluster.call("get", resource, name, self.name, subresource=subresource)

    def find(self, resource, name):
        """An object, or None."""
        try:
            return self.get(resource, name)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def list(self, resource, labels=None):
        items = self.cluster.call("list", resource, self.name, labels=labels)[0]
        return sorted(items, key=lambda item: item["metadata"]["name"])

    def create(self, resource, obj, **options):
        return self.cluster.call("create", resource, obj, self.name, **options)

    def patch(self, resource, name, body, kind="strategic", **options):
        return self.cluster.call("patch", resource, name, self.name, body, kind=kind, **options)

    def delete(self, resource, name, **options):
        return self.cluster.call("delete", resource, name, self.name, **options)

    def pods(self, app=None):
        """The pods that are not on their way out."""
        found = self.list("pods", labels=f"app={app}" if app else None)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def wait_for(self, condition, timeout=PATIENCE):
        """Asks until the answer is true, and returns it. A failure shows what there is."""
        deadline = time.monotonic() + timeout
        while not (answer := condition()):
            if time.monotonic() > deadline:
                seen = self.kubectl("get", "all,pdb,endpointslices", "-o", "wide")
                events = self.kubectl("get", "events", "--sort-by=.lastTimestamp")
                raise AssertionError(f"still not so after {timeout} s: {_source(condition)}\n{seen}\n{events}")
            time.sleep(POLL)
        return answer

    def stays(self, condition, seconds=1.5):
        """That something is so and remains so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert condition(), _source(condition)
            time.sleep(POLL)

    def wait_ready(self, app, count):
        """The pods of an app, when there are exactly so many and all of them are Ready."""
        def settled():
            pods = self.pods(app)
            return len(pods) == count and all(is_true(pod, "Ready") for pod in pods) and pods

        return self.wait_for(settled)

    def logs(self, pod, *options):
        """What a container printed; skips on a cluster whose API server cannot reach its nodes by name."""
        command = self.cluster.command("-n", self.name, "logs", pod, *options)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "no such host" in done.stderr:
            pytest.skip(f"this API server does not reach its nodes: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_condition(self, pod, kind, value):
        """Sets a condition of a pod's status, as who owns a readiness gate does."""
        self.patch("pods", pod["metadata"]["name"], {"status": {"conditions": [
            {"type": kind, "status": value}]}}, subresource="status")


def _source(function):
    """Where a condition is, for a message."""
    code = function.__code__
    with open(code.co_filename, encoding="utf-8") as lines:
        line = lines.readlines()[code.co_firstlineno - 1].strip()
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}: {line}"
