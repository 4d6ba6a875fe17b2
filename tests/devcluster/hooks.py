"""A webhook on loopback that answers as it is told by the path: one row of ANSWERS per way to answer."""

import asyncio
import base64
import contextlib
import json
import ssl

from aiohttp import web
from devcluster import pki


def review(response, kind="AdmissionReview", version="admission.k8s.io/v1"):
    """A body around a response; the uid of the request is filled in."""
    return lambda uid: json.dumps({"apiVersion": version, "kind": kind,
                                   "response": {"uid": uid, **response}})


def patch(operations, **more):
    text = operations if isinstance(operations, str) else json.dumps(operations)
    encoded = base64.b64encode(text.encode()).decode()
    return review({"allowed": True, "patchType": "JSONPatch", "patch": encoded, **more})


def deny(**status):
    return review({"allowed": False, "status": status} if status else {"allowed": False})


JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
STATUS = json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                     "message": "sorry", "reason": "Conflict", "code": 409})

# path → (status, headers, body or function of the uid)
ANSWERS = {
    "allow": (200, JSON, review({"allowed": True})),
    "warn": (200, JSON, review({"allowed": True, "warnings": ["look out", "really"]})),
    "label": (200, JSON, patch([{"op": "add", "path": "/metadata/labels/seen", "value": "yes"}])),
    "deny": (200, JSON, deny()),
    "deny-message": (200, JSON, deny(message="not today")),
    "deny-reason": (200, JSON, deny(reason="Forbidden")),
    "deny-code": (200, JSON, deny(message="later", code=429, reason="TooManyRequests",
                                  details={"retryAfterSeconds": 2})),
    "deny-code-only": (200, JSON, deny(code=403)),
    "deny-code-200": (200, JSON, deny(message="fine", code=200, status="Success")),
    "deny-warn": (200, JSON, review({"allowed": False, "warnings": ["look out"]})),
    "text-500": (500, TEXT, "  the disk is full\n"),
    "text-500-long": (500, TEXT, "x" * 3000),
    "json-500": (500, JSON, '{"error": "no"}'),
    "status-409": (409, JSON, STATUS),
    "status-500": (500, JSON, STATUS),
    "untyped-500": (500, {"Content-Type": "application/octet-stream"}, "abc"),
    "text-502": (502, TEXT, "bad gateway"),
    "text-503": (503, TEXT, "overloaded"),
    "text-504": (504, TEXT, "slow"),
    "text-400": (400, TEXT, "what?"),
    "text-401": (401, TEXT, "who?"),
    "text-403": (403, TEXT, "no entry"),
    "text-404": (404, TEXT, "where?"),
    "text-405": (405, TEXT, "how?"),
    "text-406": (406, TEXT, "not this"),
    "text-409": (409, TEXT, "twice"),
    "text-413": (413, TEXT, "too big"),
    "text-415": (415, TEXT, "that type"),
    "text-418": (418, TEXT, "teapot"),
    "text-422": (422, TEXT, "bad"),
    "text-429": (429, TEXT, "busy"),
    "redirect": (302, {"Location": "/allow"}, ""),
    "empty": (200, JSON, ""),
    "not-json": (200, JSON, "hello"),
    "text-200": (200, TEXT, "hello"),
    "no-kind": (200, JSON, "{}"),
    "list": (200, JSON, "[]"),
    "no-response": (200, JSON, '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
    "wrong-uid": (200, JSON, lambda uid: review({"allowed": True})("other")),
    "wrong-version": (200, JSON, review({"allowed": True}, version="admission.k8s.io/v1beta1")),
    "wrong-kind": (200, JSON, review({"allowed": True}, kind="Pod", version="v1")),
    "unknown-kind": (200, JSON, review({"allowed": True}, kind="Nothing")),
    "wrong-type": (200, JSON, review({"allowed": "yes"})),
    "patch-no-type": (200, JSON, review({"allowed": True, "patch": "W10="})),
    "type-no-patch": (200, JSON, review({"allowed": True, "patchType": "JSONPatch"})),
    "patch-other-type": (200, JSON, patch([], patchType="MergePatch")),
    "patch-other-type-full": (200, JSON, patch([{"op": "remove", "path": "/x"}], patchType="MergePatch")),
    "patch-not-base64": (200, JSON, review({"allowed": True, "patchType": "JSONPatch", "patch": "!!"})),
    "patch-not-json": (200, JSON, patch("nonsense")),
    "patch-object": (200, JSON, patch("{}")),
    "patch-empty": (200, JSON, patch([])),
    "patch-remove-missing": (200, JSON, patch([{"op": "remove", "path": "/metadata/labels/none"}])),
    "patch-replace-missing": (200, JSON, patch([
        {"op": "replace", "path": "/metadata/labels/none", "value": "x"}])),
    "patch-add-no-parent": (200, JSON, patch([
        {"op": "add", "path": "/metadata/nowhere/none", "value": "x"}])),
    "patch-add-index": (200, JSON, patch([{"op": "add", "path": "/metadata/finalizers/7", "value": "x/y"}])),
    "patch-test-fails": (200, JSON, patch([{"op": "test", "path": "/metadata/name", "value": "x"}])),
    "patch-test-missing": (200, JSON, patch([{"op": "test", "path": "/metadata/none", "value": "x"}])),
    "patch-unknown-op": (200, JSON, patch([{"op": "dance", "path": "/metadata/name"}])),
    "patch-bad-type": (200, JSON, patch([{"op": "replace", "path": "/metadata/labels", "value": "x"}])),
}


async def handle(request):
    name = request.match_info["name"]
    sent = await request.json()
    request.app["requests"].append((name, dict(request.query), sent))
    if name == "slow":
        await asyncio.sleep(3)
        name = "allow"
    if name == "cut":
        request.transport.abort()
        name = "allow"
    status, headers, body = ANSWERS[name]
    if callable(body):
        body = body(sent["request"]["uid"])
    return web.Response(status=status, headers=headers, body=body.encode())


def certificates(directory, *names):
    """Writes ca.crt, tls.crt and tls.key for DNS names and IP:addresses."""
    alternatives = ",".join(name if ":" in name else f"DNS:{name}" for name in names)
    pki._openssl(directory, "ca", "/CN=test-ca", "basicConstraints=critical,CA:TRUE")
    pki._openssl(directory, "tls", "/CN=webhook", f"subjectAltName={alternatives}",
                 "basicConstraints=critical,CA:FALSE", issuer="ca")


@contextlib.asynccontextmanager
async def serving(directory, port=0):
    """(port, list of the requests) of a webhook that serves with the certificates in a directory."""
    app = web.Application(client_max_size=16 << 20)
    app["requests"] = []
    app.router.add_post("/{name}", handle)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, shutdown_timeout=0.1)
        await site.start()
        yield site._server.sockets[0].getsockname()[1], app["requests"]
    finally:
        await runner.cleanup()
