"""An API server for tests, in the test's own process and event loop."""

import contextlib
import functools
import json
import pathlib
import ssl
import tempfile

import aiohttp

from devcluster import pki
from devcluster.apiserver.core import Core
from devcluster.apiserver.http.server import start
from devcluster.client import Client, Config

TOKEN = "test-token"


@functools.cache
def _directory():
    """What a launcher leaves for the API server; made once for all tests, kept until the process ends."""
    holder = tempfile.TemporaryDirectory(prefix="apiserver-test-")
    path = pathlib.Path(holder.name)
    pki.create(path)
    pki._openssl(path / "pki", "client", "/O=ops/O=dev/CN=jane", "extendedKeyUsage=clientAuth", issuer="ca")
    (path / "tokens.csv").write_text(f'{TOKEN},admin,uid-1,"system:masters,ops"\n')
    return holder, path


def directory():
    return _directory()[1]


class Answer:
    def __init__(self, status, headers, text):
        self.status = status
        self.headers = headers
        self.text = text

    @property
    def body(self):
        return json.loads(self.text)

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]


class Api:
    """await api("GET", path, body) → Answer"""

    def __init__(self, core, session, server):
        self.core = core
        self.session = session
        self.server = server

    async def __call__(self, method, path, body=None, *, content_type="application/json",
                       accept="application/json", token=TOKEN):
        headers = {"Accept": accept}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, str) else json.dumps(body)
        async with self.session.request(method, self.server + path, data=body, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.text())


def client_of(api):
    """A Client of it, to be opened."""
    tls = ssl.create_default_context(cafile=directory() / "pki" / "ca.crt")
    return Client(Config(api.server, tls=tls, token=TOKEN), "test")


@contextlib.asynccontextmanager
async def serving(*, certificate=False):
    """async with serving() as api: …  certificate: the session shows a client certificate."""
    path = directory()
    core = Core(path)
    runner, port = await start(core, path, "127.0.0.1", 0)
    core.bootstrap("127.0.0.1", port)
    tls = ssl.create_default_context(cafile=path / "pki" / "ca.crt")
    if certificate:
        tls.load_cert_chain(path / "pki" / "client.crt", path / "pki" / "client.key")
    agent = {"User-Agent": "unknown"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), headers=agent) as session:
        yield Api(core, session, f"https://127.0.0.1:{port}")
    core.store.cut_watches()
    await core.close()
    await runner.cleanup()
