"""Calls webhooks over TLS, and says what went wrong in the words of a real API server.

Source: client-go's rest client and Go's net/http, whose texts reach the user of kubectl.
"""

import asyncio
import base64
import functools
import json
import socket
import ssl
import urllib.parse

import aiohttp
from aiohttp.abc import AbstractResolver

TEXT_LIMIT = 2048  # bytes of a failure's body that are shown
IDLE = 90  # seconds that an idle connection is kept
RETRIES = 10  # of an answer with Retry-After
AUTHORITY = "x509: certificate signed by unknown authority"
# verify codes of OpenSSL → Go's words
CERTIFICATE = {10: "x509: certificate has expired or is not yet valid",
               9: "x509: certificate has expired or is not yet valid",
               62: "x509: certificate is not valid for the name of the server",
               64: "x509: certificate is not valid for the address of the server"}
# status code → message, where {} is the text of the body
GENERIC = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    403: "{}",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "{}",
    409: "the server reported a conflict",
    415: "{}",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: ("the server was unable to return a response in the time allotted, but may still be processing the "
          "request"),
}
GO_TYPES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object",
            type(None): "null"}
TYPE_META = ('struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
             'Kind string "json:\\"kind,omitempty\\"" }')


class CallFailed(Exception):
    """A webhook could not be called, or did not answer as it should: its failurePolicy decides."""


class _Resolver(AbstractResolver):
    """Names of services → an endpoint on loopback; other names as usual."""

    def __init__(self, lookup):
        self._lookup = lookup
        self._usual = aiohttp.ThreadedResolver()

    async def resolve(self, host, port=0, family=socket.AF_INET):
        name, _, rest = host.partition(".")
        namespace, _, suffix = rest.partition(".")
        if suffix != "svc":
            return await self._usual.resolve(host, port, family)
        address, target = endpoint(self._lookup, namespace, name, port)
        return [{"hostname": host, "host": address, "port": target, "family": socket.AF_INET, "proto": 0,
                 "flags": socket.AI_NUMERICHOST}]

    async def close(self):
        await self._usual.close()


def endpoint(lookup, namespace, name, port):
    """(address, port) of a ready endpoint of a service's port. OSError says why there is none."""
    service = lookup.get("services", namespace, name)
    if service is None:
        raise OSError(f'service "{name}" not found')
    wanted = next((one for one in service["spec"].get("ports") or () if one["port"] == port), None)
    if wanted is None:
        raise OSError(f'no service port {port} found for service "{name}"')
    for one in lookup.list("endpointslices", namespace):
        if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != name:
            continue
        for target in one.get("ports") or ():
            for ready in one.get("endpoints") or ():
                if ((target.get("name") or "") == (wanted.get("name") or "")
                        and (ready.get("conditions") or {}).get("ready") is not False):
                    return ready["addresses"][0], target["port"]
    # what a node's proxy does with a service that has no endpoints
    raise OSError(f"dial tcp {service['spec'].get('clusterIP', '')}:{port}: connect: connection refused")


@functools.lru_cache(maxsize=64)
def _tls(bundle):
    """A context that trusts a caBundle, or what the machine trusts where there is none."""
    context = ssl.create_default_context(cadata=base64.b64decode(bundle).decode() if bundle else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def address(config):
    """The URL of a clientConfig."""
    service = config.get("service")
    if service is None:
        return config["url"]
    path = "/" + (service.get("path") or "").lstrip("/")
    return f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or 443}{path}"


async def _mark_reused(session, context, params):
    context.trace_request_ctx["reused"] = True


class HookClient:
    """Keeps connections open between calls. Opened within the event loop at the first call."""

    def __init__(self, lookup):
        self._lookup = lookup
        self._session = None

    def _open(self):
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_mark_reused)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE, use_dns_cache=False,
                                             resolver=_Resolver(self._lookup))
            self._session = aiohttp.ClientSession(
                connector=connector, trace_configs=[trace], timeout=aiohttp.ClientTimeout(total=None),
                headers={"Accept": "application/json, */*", "User-Agent": "kube-apiserver-admission"})
        return self._session

    async def close(self):
        if self._session is not None:
            await self._session.close()

    async def post(self, config, body, seconds):
        """The bytes of the answer to a body. CallFailed with a real server's words."""
        url = f"{address(config)}?timeout={seconds}s"
        try:
            async with asyncio.timeout(seconds):
                return await self._retried(config, url, body)
        except TimeoutError:
            raise CallFailed(f'Post "{url}": context deadline exceeded') from None
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed(f'Post "{url}": {_transport(error, url)}') from None

    async def _retried(self, config, url, body):
        for _ in range(RETRIES):
            status, headers, answer = await self._once(config, url, body)
            wait = headers.get("Retry-After", "")
            if not (status == 429 or status >= 500) or not wait.isdigit():
                break
            await asyncio.sleep(int(wait))
        if not 200 <= status <= 206:
            raise CallFailed(_status_text(status, headers, answer))
        if not answer:
            raise CallFailed(f"0-length response with status code: {status} and content type: "
                             f"{headers.get('Content-Type', '')}")
        return answer

    async def _once(self, config, url, body):
        """One request; one more where a connection that was idle turns out to be closed."""
        while True:
            context = {"reused": False}
            try:
                async with self._open().post(url, data=body, ssl=_tls(config.get("caBundle")),
                                             headers={"Content-Type": "application/json"},
                                             trace_request_ctx=context) as answer:
                    return answer.status, answer.headers, await answer.read()
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                if not context["reused"]:
                    raise


def _status_text(status, headers, body):
    """What client-go says about an answer that is a failure."""
    kind = headers.get("Content-Type", "text/").partition(";")[0]
    if kind == "application/json":
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        if (isinstance(content, dict) and content.get("kind") == "Status"
                and content.get("status") == "Failure"):
            return content.get("message", "")
    text = body[:TEXT_LIMIT].decode(errors="replace").strip() if kind.startswith("text/") else "unknown"
    if status in GENERIC:
        return GENERIC[status].format(text)
    if status >= 500:
        return f"an error on the server ({json.dumps(text)}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return more information"


def _transport(error, url):
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname, parts.port or 443
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        code = error.certificate_error.verify_code
        return f"tls: failed to verify certificate: {CERTIFICATE.get(code, AUTHORITY)}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    cause = getattr(error, "os_error", error)
    if isinstance(cause, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    if isinstance(cause, ConnectionResetError):
        return f"read tcp {host}:{port}: read: connection reset by peer"
    return str(cause)
