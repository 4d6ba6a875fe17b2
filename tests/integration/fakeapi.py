"""An API server that only lists and watches, and has annotations patched, for tests of one role: what a test
puts into it, and nothing more.
"""

import http.server
import json
import pathlib
import threading
import urllib.parse

LISTS = {"trafficpolicies": "TrafficPolicyList", "rollouts": "RolloutList", "namespaces": "NamespaceList",
         "replicasets": "ReplicaSetList", "pods": "PodList"}


BOOKMARKS = 0.5  # seconds of silence


class FakeApi:
    """A context manager. It can go away and come back at the same port, with what it has in it."""

    def __init__(self):
        self.changed = threading.Condition()  # guards what follows
        self.objects = {plural: {} for plural in LISTS}
        self.events = []  # (version, plural, type, object)
        self.version = 1
        self.forbidden = set()
        self.queries = {}  # the last of each resource
        self.patches = []  # bodies, as they came
        self.patching = threading.Event()  # cleared: no patch is answered
        self.patching.set()
        self.server = None
        self.port = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer_by(api.answer)

            def do_PATCH(self):
                self.answer_by(api.patch)

            def answer_by(self, function):
                if self.server is api.server:
                    function(self)
                else:  # it has stopped, and this is a connection of before
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """No connection survives it."""
        server, self.server = self.server, None
        if server:
            server.shutdown()
            server.server_close()
            with self.changed:
                self.changed.notify_all()

    def kubeconfig(self, path):
        pathlib.Path(path).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "fake", "user": {}}]}))
        return str(path)

    # --- what is in it

    def put(self, plural, name, spec=None, namespace="shop", status=None, **metadata):
        with self.changed:
            known = self.objects[plural].get((namespace, name))
            self.version += 1
            made = {"metadata": {"name": name, "uid": f"{plural}-{name}", "resourceVersion": str(self.version),
                                 **({"namespace": namespace} if namespace else {}), **metadata},
                    **({} if spec is None else {"spec": spec}),
                    **({} if status is None else {"status": status})}
            self.objects[plural][namespace, name] = made
            self.tell(plural, "MODIFIED" if known else "ADDED", made)

    def delete(self, plural, name, namespace="shop"):
        with self.changed:
            gone = self.objects[plural].pop((namespace, name))
            self.version += 1
            gone["metadata"]["resourceVersion"] = str(self.version)
            self.tell(plural, "DELETED", gone)

    def tell(self, plural, kind, made):
        self.events.append((self.version, plural, kind, made))
        self.changed.notify_all()

    # --- what it answers

    def answer(self, request):
        url = urllib.parse.urlsplit(request.path)
        plural = url.path.rpartition("/")[2]
        query = dict(urllib.parse.parse_qsl(url.query))
        with self.changed:
            self.queries[plural] = query
            forbidden = plural in self.forbidden
        if forbidden:
            self.send(request, 403, {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403,
                                     "message": f"{plural} is forbidden"})
        elif "watch" in query:
            self.watch(request, plural, int(query.get("resourceVersion", 0)))
        else:
            with self.changed:
                items, version = list(self.objects[plural].values()), self.version
            self.send(request, 200, {"kind": LISTS[plural], "metadata": {"resourceVersion": str(version)},
                                     "items": items})

    def patch(self, request):
        """A merge patch of annotations, with its preconditions."""
        path = urllib.parse.urlsplit(request.path).path.split("/")
        plural, key = path[-2], (path[-3], path[-1])
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        with self.changed:
            self.patches.append(body)
        self.patching.wait()
        asked = body["metadata"]
        with self.changed:
            if f"patch {plural}" in self.forbidden:
                status, answer = 403, f"cannot patch {plural}"
            elif any(asked[name] != self.objects[plural][key]["metadata"][name]
                     for name in ("uid", "resourceVersion")):
                status, answer = 409, "the object has been modified"
            else:
                self.version += 1
                made = json.loads(json.dumps(self.objects[plural][key]))
                made["metadata"].setdefault("annotations", {}).update(asked["annotations"])
                made["metadata"]["resourceVersion"] = str(self.version)
                self.objects[plural][key] = made
                self.tell(plural, "MODIFIED", made)
                status, answer = 200, None
        self.send(request, status, made if answer is None else {
            "kind": "Status", "status": "Failure", "code": status, "message": answer,
            "reason": "Forbidden" if status == 403 else "Conflict"})

    def send(self, request, status, body):
        text = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def watch(self, request, plural, seen):
        server = self.server
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        while server is self.server:
            with self.changed:
                new = [event for event in self.events if event[0] > seen and event[1] == plural]
                if not new and not self.changed.wait(BOOKMARKS):
                    bookmark = {"metadata": {"resourceVersion": str(self.version)}}
                    new = [(self.version, plural, "BOOKMARK", bookmark)]
            for version, _, kind, made in new:
                request.wfile.write(json.dumps({"type": kind, "object": made}).encode() + b"\n")
                seen = version
