"""The roles of the built binary, running beside the cluster and registered with it as manifests/ says."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time

import yaml
from devcluster.cluster import SLUICES
from devcluster.errors import ApiError

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "manifests"
SYSTEM, NAME = "sluice-system", "sluice-webhook"
RECONCILER = "sluice-reconciler"
ACCOUNT = f"system:serviceaccount:{SYSTEM}:{RECONCILER}"  # the user that the webhook lets through
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
STARTS, STOPS = 30, 10  # seconds: it may have ten thousand pods of another test to list
TOKEN_SECONDS = 6 * 3600


def binary():
    """$SLUICE, or what was built last."""
    built = sorted((path for path in SLUICES if path.exists()), key=lambda path: path.stat().st_mtime)
    if "SLUICE" not in os.environ and not built:
        raise FileNotFoundError("there is no sluice binary: cmake --preset debug && cmake --build --preset debug")
    return pathlib.Path(os.environ.get("SLUICE") or built[-1])


def logged(process, log, message, offset=0):
    """The log line with that message, waited for from an offset into the file on."""
    deadline = time.monotonic() + STARTS
    while True:
        ended = process.poll() is not None
        text = log.read_text()[offset:]
        for line in text.splitlines():
            with contextlib.suppress(ValueError):  # half a line
                if json.loads(line)["msg"] == message:
                    return json.loads(line)
        if ended or time.monotonic() > deadline:
            raise AssertionError(f'it never said "{message}": {text}')
        time.sleep(0.02)


@contextlib.contextmanager
def webhook(directory, policies, kubeconfig, **admission):
    """Runs the webhook with a certificate of its own, once it knows the cluster; (port, CA bundle)."""
    subprocess.run([binary(), "certs", "issue", "--dns", f"{NAME}.{SYSTEM}.svc", "--dns", "127.0.0.1",
                    "--out", directory / "tls"], check=True, capture_output=True)
    config = {"listen": {"address": "127.0.0.1", "port": 0, "healthAddress": "127.0.0.1", "healthPort": 0},
              "tls": {"directory": str(directory / "tls")},
              "policies": {"paths": [str(policies)], "kube": {"kubeconfig": str(kubeconfig)}},
              "admission": admission, "shutdown": {"delay": "0s"}}
    (directory / "webhook.yaml").write_text(json.dumps(config))
    log = directory / "webhook.log"
    with open(log, "wb") as output:
        process = subprocess.Popen([binary(), "webhook", "--config", directory / "webhook.yaml"], stderr=output)
    try:
        bundle = base64.b64encode((directory / "tls" / "ca.crt").read_bytes()).decode()
        logged(process, log, "policies loaded")
        yield logged(process, log, "serving")["port"], bundle
    finally:
        process.terminate()
        assert process.wait() == 0, log.read_text()


class Reconciler:
    """The reconciler as a process that can be killed and started again. It is a user of its own."""

    def __init__(self, directory, kubeconfig, *arguments, **config):
        directory.mkdir(exist_ok=True)
        file = directory / "reconciler.yaml"
        file.write_text(json.dumps({"listen": {"healthAddress": "127.0.0.1", "healthPort": 0}, **config}))
        self.log = directory / "reconciler.log"
        self.log.touch()
        self._command = [binary(), "reconciler", "--config", file, "--kubeconfig", kubeconfig, *arguments]
        self._process = None
        self._offset = 0

    def start(self):
        """Starts it, unless it runs, and waits until it has seen the whole cluster."""
        if not self._process:
            self.launch()
            self.says("synced")

    def launch(self):
        self._offset = self.log.stat().st_size
        with open(self.log, "ab") as output:
            self._process = subprocess.Popen(self._command, stderr=output)

    def says(self, message):
        """The line of this process's log that has this message, waited for."""
        return logged(self._process, self.log, message, self._offset)

    def has_said(self, message):
        return f'"msg":"{message}"' in self.log.read_text()[self._offset:]

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Its exit status."""
        status = self._process.wait(STOPS)
        self._process = None
        return status

    def kill(self):
        """As the kernel does it, wherever it is."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self):
        """As the kubelet does it."""
        if self._process:
            self.signal(signal.SIGTERM)
            status = self.wait()
            assert status == 0, self.log.read_text()


def account_kubeconfig(cluster, path, account=RECONCILER):
    """The cluster's kubeconfig with one of our accounts in place of the user."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": TOKEN_SECONDS}}
    answer = cluster.call("create", "serviceaccounts", asked, SYSTEM, name=account, subresource="token")
    admin = pathlib.Path(cluster.kubeconfig)
    config = yaml.safe_load(admin.read_text())
    for one in config["clusters"]:
        if file := one["cluster"].get("certificate-authority"):
            one["cluster"]["certificate-authority"] = str(admin.parent / file)
    for one in config["users"]:
        one["user"] = {"token": answer["status"]["token"]}
    path.write_text(json.dumps(config))
    return path


def endpoints(port, name=f"{NAME}-local"):
    """The EndpointSlice that leads the webhook's Service to the process on this machine."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": SYSTEM,
                         "labels": {"kubernetes.io/service-name": NAME}},
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}


def install(cluster):
    """What manifests/ has, but no pods: the processes on this machine are in their place."""
    built = yaml.safe_load_all(cluster.kubectl("kustomize", MANIFESTS))
    cluster.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": [
        one for one in built if one["kind"] != "Deployment"]})


@contextlib.contextmanager
def registered(cluster, directory, policies, **admission):
    """While a webhook with the policies of that directory runs and is registered."""
    install(cluster)
    kubeconfig = account_kubeconfig(cluster, directory / "kubeconfig", NAME)
    with webhook(directory, policies, kubeconfig, **admission) as (port, bundle):
        register(cluster, port, bundle)
        try:
            yield
        finally:
            for resource in CONFIGURATIONS:
                cluster.call("delete", resource, NAME)
            cluster.call("delete", "namespaces", SYSTEM)


def register(cluster, port, bundle):
    """The CA into both configurations, and the Service led to the local process.

    An API server that takes no loopback addresses in EndpointSlices, as a real one, is given the process by URL.
    """
    by_url = refuses_loopback(cluster, endpoints(port))
    for resource in CONFIGURATIONS:
        configs = client_configs(cluster, resource)
        for name, config in configs.items():
            config["caBundle"] = bundle
            if by_url:
                path = config.pop("service")["path"]
                configs[name] = config | {"url": f"https://127.0.0.1:{port}{path}"}
        lead(cluster, resource, configs)


def refuses_loopback(cluster, slices, **options):
    """Whether this API server does; if not, it has created them."""
    try:
        cluster.call("create", "endpointslices", slices, **options)
    except ApiError as error:
        if "may not be in the loopback range" not in error.message:
            raise
        return True
    return False


def client_configs(cluster, resource):
    """{name of a webhook: how it is reached} of our configuration."""
    return {one["name"]: one["clientConfig"] for one in cluster.call("get", resource, NAME)["webhooks"]}


def lead(cluster, resource, configs):
    """Has the webhooks of our configuration reached so."""
    cluster.call("patch", resource, NAME, None, {"webhooks": [
        {"name": name, "clientConfig": {"url": None, "service": None, **config}}
        for name, config in configs.items()]}, kind="strategic")
