"""The webhook role of the built binary, running beside the cluster and registered with it as manifests/ says."""

import base64
import contextlib
import json
import os
import pathlib
import subprocess
import time

from devcluster.cluster import SLUICES
from devcluster.errors import ApiError

MANIFESTS = pathlib.Path(__file__).resolve().parents[2] / "manifests"
SYSTEM, NAME = "sluice-system", "sluice-webhook"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
STARTS = 10  # seconds


def binary():
    """$SLUICE, or what was built last."""
    built = sorted((path for path in SLUICES if path.exists()), key=lambda path: path.stat().st_mtime)
    if "SLUICE" not in os.environ and not built:
        raise FileNotFoundError("there is no sluice binary: cmake --preset debug && cmake --build --preset debug")
    return pathlib.Path(os.environ.get("SLUICE") or built[-1])


@contextlib.contextmanager
def webhook(directory, policies):
    """Runs it with a certificate of its own; (port, CA bundle)."""
    subprocess.run([binary(), "certs", "issue", "--dns", f"{NAME}.{SYSTEM}.svc", "--dns", "127.0.0.1",
                    "--out", directory / "tls"], check=True, capture_output=True)
    config = {"listen": {"address": "127.0.0.1", "port": 0, "healthAddress": "127.0.0.1", "healthPort": 0},
              "tls": {"directory": str(directory / "tls")}, "policies": {"paths": [str(policies)]},
              "shutdown": {"delay": "0s"}}
    (directory / "webhook.yaml").write_text(json.dumps(config))
    log = directory / "webhook.log"
    with open(log, "wb") as output:
        process = subprocess.Popen([binary(), "webhook", "--config", directory / "webhook.yaml"], stderr=output)
    try:
        yield serving(process, log)["port"], base64.b64encode((directory / "tls" / "ca.crt").read_bytes()).decode()
    finally:
        process.terminate()
        assert process.wait() == 0, log.read_text()


def serving(process, log):
    """The log line that says that it serves."""
    deadline = time.monotonic() + STARTS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if json.loads(line)["msg"] == "serving":
                return json.loads(line)
        time.sleep(0.05)
    raise AssertionError(f"the webhook does not serve: {log.read_text()}")


def endpoints(port):
    """The EndpointSlice that leads the webhook's Service to the process on this machine."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"{NAME}-local", "namespace": SYSTEM,
                         "labels": {"kubernetes.io/service-name": NAME}},
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}


def register(cluster, port, bundle):
    """kubectl apply -k manifests/, the CA into both configurations, the Service to the local process.

    An API server that takes no loopback addresses in EndpointSlices, as a real one, is given the process by URL.
    """
    cluster.kubectl("apply", "-k", MANIFESTS)
    by_url = refuses_loopback(cluster, port)
    for resource in CONFIGURATIONS:
        configs = client_configs(cluster, resource)
        for name, config in configs.items():
            config["caBundle"] = bundle
            if by_url:
                path = config.pop("service")["path"]
                configs[name] = config | {"url": f"https://127.0.0.1:{port}{path}"}
        lead(cluster, resource, configs)


def refuses_loopback(cluster, port):
    try:
        cluster.call("create", "endpointslices", endpoints(port))
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
