"""A load balancer with a controller of its own: what `external: {}` in a TrafficPolicy asks of it.

Sluice and this controller meet on the pod alone:

    condition sluice.dev/traffic-ready True    Sluice: the pod may have requests
    finalizer slb.sluice.dev/NAME              we: our balancer has it, or may have
    the condition is False                     Sluice: it is to leave; nothing happens to it before
    the finalizer is gone                      we: it has no request of ours any more

So the finalizer comes on before the pod is mounted, and off after it is unmounted. The patch that
puts it on names the resourceVersion in which the condition was True: had Sluice changed it
meanwhile, the API server refuses, and the pod is not mounted. All state is on the pods; after a
restart of this process one that is on its way out waits anew.

The "balancer" is a file with a line for each pod, "10.0.0.7:8080 100 web-1": address, weight, name.
Put your own in place of _write_backends() and _has_left().
"""

import argparse
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
GATE = "sluice.dev/traffic-ready"
POLICY = "sluice.dev/traffic-policy"
PATCH = "application/strategic-merge-patch+json"
LOOK_AGAIN = 30  # seconds after which everything is looked at though nothing changed


class Api:
    """The pods of one namespace: in the cluster by the pod's ServiceAccount, else by `kubectl proxy`."""

    def __init__(self, url, namespace):
        self._url = f"{url}/api/v1/namespaces/{namespace}/pods"
        self._tls = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt") if url.startswith("https") else None

    def call(self, path="", body=None, timeout=10):
        headers = {"Content-Type": PATCH}
        if self._tls:
            with open(f"{ACCOUNT}/token", encoding="ascii") as token:  # it is renewed: read each time
                headers["Authorization"] = f"Bearer {token.read()}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method="PATCH" if data else "GET")
        return urllib.request.urlopen(request, context=self._tls, timeout=timeout)

    def list(self):
        with self.call() as answer:
            listed = json.load(answer)
        return listed["items"], listed["metadata"]["resourceVersion"]

    def wait(self, version, seconds):
        """Until a pod changes, or that long."""
        seconds = max(1, int(seconds))
        path = f"?watch=true&resourceVersion={version}&timeoutSeconds={seconds}"
        with self.call(path, timeout=seconds + 10) as answer:
            answer.readline()

    def patch(self, pod, metadata):
        """False: it is another one by now; its change is on its way to us."""
        try:
            body = {"metadata": {"uid": pod["metadata"]["uid"], **metadata}}
            self.call(f"/{pod['metadata']['name']}?fieldManager=external-balancer", body).close()
        except urllib.error.HTTPError as error:
            if error.code not in (404, 409):
                raise
            return False
        return True


class Controller:
    def __init__(self, api, options):
        self._api = api
        self._options = options
        self._finalizer = f"slb.sluice.dev/{options.name}"
        self._out_since = {}  # uid: when its weight became 0

    def _serves(self, pod):
        conditions = pod["status"].get("conditions", [])
        return (pod["metadata"].get("labels", {}).get(POLICY) == self._options.policy
                and "deletionTimestamp" not in pod["metadata"]
                and pod["status"].get("phase") == "Running" and "podIP" in pod["status"]
                and any(one["type"] == GATE and one["status"] == "True" for one in conditions))

    def _is_ours(self, pod):
        return self._finalizer in pod["metadata"].get("finalizers", [])

    def _has_left(self, pod, out_since):
        """A real balancer is asked here for the pod's open connections."""
        uid, now = pod["metadata"]["uid"], time.monotonic()
        self._out_since[uid] = out_since.get(uid, now)
        return now - self._out_since[uid] >= self._options.wait

    def _write_backends(self, lines):
        """All at once, so that nobody reads the half of it."""
        with open(f"{self._options.backends}.new", "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.rename(f"{self._options.backends}.new", self._options.backends)

    def turn(self):
        """Makes everything as it is to be, whatever happened before, and sleeps until it may be otherwise."""
        pods, version = self._api.list()
        before, self._out_since = self._out_since, {}
        lines, left = [], []
        for pod in pods:
            serves = self._serves(pod)
            if serves and not self._is_ours(pod):
                seen = {"resourceVersion": pod["metadata"]["resourceVersion"]}
                if not self._api.patch(pod, {**seen, "finalizers": [self._finalizer]}):
                    continue
            elif not self._is_ours(pod):
                continue
            if not serves and self._has_left(pod, before):
                left.append(pod)
                continue
            address = f"{pod['status'].get('podIP')}:{self._options.port}"
            lines.append(f"{address} {100 if serves else 0} {pod['metadata']['name']}")
        self._write_backends(lines)
        for pod in left:
            self._api.patch(pod, {"$deleteFromPrimitiveList/finalizers": [self._finalizer]})
        self._api.wait(version, 1 if self._out_since else LOOK_AGAIN)


def main():
    host = f"{os.environ.get('KUBERNETES_SERVICE_HOST')}:{os.environ.get('KUBERNETES_SERVICE_PORT')}"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--api", default=f"https://{host}", help="URL; outside of a cluster that of kubectl proxy")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--policy", required=True, help="the TrafficPolicy")
    parser.add_argument("--name", required=True, help="of the load balancer in it")
    parser.add_argument("--backends", required=True, help="the file that the balancer reads")
    parser.add_argument("--port", type=int, default=8080, help="of the pods")
    parser.add_argument("--wait", type=float, default=3, help="seconds at weight 0")
    options = parser.parse_args()
    controller = Controller(Api(options.api, options.namespace), options)
    while True:
        try:
            controller.turn()
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            time.sleep(1)


if __name__ == "__main__":
    main()
