"""An admission webhook that a test is itself: a TLS server whose answers are a function's.

Reached by url, so that it works for an API server on the same machine, whichever that is.
"""

import base64
import contextlib
import http.server
import json
import ssl
import subprocess
import threading
import time

CONFIGURATION = {"mutating": "MutatingWebhookConfiguration", "validating": "ValidatingWebhookConfiguration"}
NAME = "hook.example.com"
REVIEW = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}


def allow(_request):
    return {"allowed": True}


def deny(code, message, **status):
    return {"allowed": False, "status": {"code": code, "message": message, **status}}


def patched(*operations):
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that has had enough is what some tests are about."""


class Hook:
    """answer: a function from the request of an AdmissionReview to its response, or to bytes sent as they are."""

    def __init__(self, directory, answer=allow):
        self.answer = answer
        self.requests = []
        self.delay = 0  # seconds
        self.status = 200
        self.content_type = "application/json"
        certificate = directory / "hook.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=hook", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", directory / "hook.key", "-out", certificate], check=True, capture_output=True)
        self.bundle = base64.b64encode(certificate.read_bytes()).decode()
        self._server = Server(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, directory / "hook.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                  do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(hook):  # noqa: N805: the handler has a self of its own
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
                hook.requests.append(request)
                time.sleep(hook.delay)
                response = hook.answer(request)
                if not isinstance(response, bytes):
                    review = {**REVIEW, "response": {"uid": request["uid"], **response}}
                    response = json.dumps(review).encode()
                self.send_response(hook.status)
                self.send_header("Content-Type", hook.content_type)
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, *_arguments):
                """Says nothing."""

        return Handler


def configuration(kind, namespace, hook, *rules, url=None, **fields):
    """A webhook configuration for one namespace. rules: "CREATE pods", "UPDATE apps/deployments"."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": CONFIGURATION[kind],
        "metadata": {"name": namespace},
        "webhooks": [{
            "name": NAME, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail",
            "clientConfig": {"url": url or hook.url, "caBundle": hook.bundle},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [_rule(rule) for rule in rules], **fields}]}


def _rule(text):
    operation, what = text.split()
    group, _, resource = what.rpartition(":")
    return {"operations": [operation], "apiGroups": [group], "apiVersions": ["v1"], "resources": [resource]}


@contextlib.contextmanager
def registered(namespace, kind, hook, *rules, **fields):
    """While a configuration exists. API servers take a moment to notice it: wait for what shows that."""
    resource = CONFIGURATION[kind].lower() + "s"
    namespace.cluster.call("create", resource, configuration(kind, namespace.name, hook, *rules, **fields))
    try:
        yield
    finally:
        namespace.cluster.call("delete", resource, namespace.name)
