"""The HTTP side of the API server: requests in, answers, errors as Status objects, watches and logs as
streams.
"""

import asyncio
import functools
import json
import logging
import pathlib
import ssl
import urllib.parse

from aiohttp import web

from ...errors import ApiError
from ..storage.store import encode
from ..views import discovery, openapi
from . import faults, routes
from .auth import authorize

MAX_BODY = 3 << 20  # bytes
MAX_HEADER = 1 << 20  # bytes of a request line, or of one header
COMPRESSED_FROM = 128 << 10  # bytes
IDLE_SECONDS = 120
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HEALTH = ("/healthz", "/livez", "/readyz")
log = logging.getLogger("apiserver")


def tls(directory):
    """The server's side of TLS; clients may show a certificate of our CA."""
    directory = pathlib.Path(directory) / "pki"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=directory / "ca.crt")
    context.load_cert_chain(directory / "apiserver.crt", directory / "apiserver.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@functools.lru_cache(maxsize=4096)
def _query(text):
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def _warnings(texts):
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for text in texts)
    return [("Warning", f'299 - "{text}"') for text in dict.fromkeys(escaped)]


class Server:
    """handle() is what aiohttp calls for each request."""

    def __init__(self, core):
        self.core = core

    async def handle(self, http):
        try:
            return await self._answer(http)
        except ApiError as error:
            return self._failed(error)
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {MAX_BODY}"
            return self._failed(ApiError("RequestEntityTooLarge", message))
        except ConnectionResetError:
            raise  # the client is gone
        except Exception as error:  # a defect that one request meets must not end the others
            log.exception("%s %s", http.method, http.path)
            return self._failed(ApiError("InternalError", f"Internal error occurred: {error!r}"))

    @staticmethod
    def _failed(error, warnings=()):
        headers = _warnings(warnings)
        if error.retry_after:
            headers.append(("Retry-After", str(error.retry_after)))
        return web.Response(body=encode(error.status), status=error.code, content_type=JSON, headers=headers)

    async def _answer(self, http):
        path = urllib.parse.unquote(http.rel_url.raw_path)
        transport = http.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        user = self.core.auth.user(http.headers.get("Authorization", ""), certificate)
        query = dict(_query(http.rel_url.raw_query_string))
        found = routes.split(path)
        if found is None:
            authorize(user, http.method, path)
            return await self._other(http, path, user)
        if not self.core.registry.serves(*found[:2]):
            authorize(user, http.method, path)
            if self.core.registry.is_built_in(found[0]):
                raise routes.not_found()
            return _no_page()
        request = self._request(http, path, query, user, found)
        if http.can_read_body:
            request.body = await http.read()
        await self.core.faults.apply(request)
        return await self._of_resource(http, request)

    def _request(self, http, path, query, user, found):
        headers = http.headers
        authorize(user, http.method, path, found)
        request = routes.resolve(self.core.registry, http.method, found, query)
        request.content_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
        request.accept = headers.get("Accept", "")
        request.agent = headers.get("User-Agent", "")
        request.user = user
        request.body = b""
        return request

    async def _of_resource(self, http, request):
        if request.verb == "watch":
            return await self._watch(http, request)
        if request.subresource == "log":
            return await self._log(http, request)
        try:
            code, body = await self.core.answer(request)
        except ApiError as error:
            return self._failed(error, request.warnings)
        headers = _warnings(request.warnings) if request.warnings else None
        answer = web.Response(body=body, status=code, content_type=JSON, headers=headers)
        if len(body) > COMPRESSED_FROM and "gzip" in http.headers.get("Accept-Encoding", ""):
            answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def _watch(self, http, request):
        watch = self.core.reader.watch(request)
        stream = web.StreamResponse(headers={"Content-Type": JSON})
        stream.enable_chunked_encoding()
        try:
            await stream.prepare(http)
            await watch.run(stream.write, lambda: http.transport is not None)
            await stream.write_eof()
        except ConnectionResetError:
            log.debug("the watcher of %s is gone", request.resource.qualified)
        finally:
            watch.close()
        return stream

    async def _log(self, http, request):
        stream = web.StreamResponse(headers={"Content-Type": "text/plain"})

        async def start():
            stream.enable_chunked_encoding()
            await stream.prepare(http)
            return stream.write

        try:
            await self.core.pods.log(request, start)
            await stream.write_eof()
        except ConnectionResetError:
            log.debug("the reader of a log of %s/%s is gone", request.namespace, request.name)
        return stream

    async def _other(self, http, path, user):
        """Paths that name no resource."""
        if path in HEALTH:
            return web.Response(body=b"ok", headers={"Content-Type": TEXT})
        if path == faults.PATH:
            code, body = self.core.faults.handle(http.method, user, await http.read())
            return web.Response(body=body, status=code, content_type=JSON)
        accept, host = http.headers.get("Accept", ""), http.headers.get("Host", "")
        found = (discovery.answer(self.core.registry, path, accept, host)
                 or openapi.answer(self.core.registry, path, accept))
        if found is None and path.startswith("/apis/") and self.core.registry.is_built_in(path.split("/")[2]):
            raise routes.not_found()  # a version that a known group does not have
        if found is None:
            return _no_page()
        body, content_type = found
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = web.Response(body=body, headers={"Content-Type": content_type})
        if len(body) > COMPRESSED_FROM and "gzip" in http.headers.get("Accept-Encoding", ""):
            answer.enable_compression(web.ContentCoding.gzip)
        return answer


def _no_page():
    return web.Response(body=b"404 page not found\n", status=404, headers={"Content-Type": TEXT})


async def start(core, directory, address, port):
    """Listens; (what to clean up at the end, the port)."""
    server = Server(core)
    loop = asyncio.get_running_loop()

    def request_of(message, payload, protocol, writer, task):
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)

    runner = web.ServerRunner(web.Server(server.handle, request_factory=request_of, access_log=None,
                                         keepalive_timeout=IDLE_SECONDS, max_line_size=MAX_HEADER,
                                         max_field_size=MAX_HEADER))
    await runner.setup()
    site = web.TCPSite(runner, address, port, ssl_context=tls(directory), shutdown_timeout=0.2, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]
