"""A Kubernetes API client over aiohttp: what the controllers, the nodes and the tests talk to any API server with.

One Client is one identity. It belongs to the event loop it was opened in. What a request can raise is FAILURES:
ApiError for a failure that the server names, UNREACHABLE where there is no answer.
"""

import base64
import json
import os
import pathlib
import ssl
import tempfile

import aiohttp
import yaml

from .errors import ApiError
from .resources import find

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
UNREACHABLE = (aiohttp.ClientError, OSError)  # an OSError is also what a timeout is
FAILURES = (ApiError, *UNREACHABLE)
LINE_LIMIT = 16 << 20  # bytes of one watch event
PAGE = 500  # objects of one answer to list
METADATA_ONLY = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1,application/json"


class Config:
    """Where the API server is, and who we are."""

    def __init__(self, server, *, tls=None, token=None):
        self.server = server.rstrip("/")
        self.tls = tls
        self.token = token

    @classmethod
    def from_kubeconfig(cls, path=None):
        """Reads a kubeconfig; by default the first of $KUBECONFIG, or ~/.kube/config."""
        path = pathlib.Path(path or os.environ.get("KUBECONFIG", "").split(":")[0] or "~/.kube/config").expanduser()
        config = yaml.safe_load(path.read_text())

        def named(section, name):
            return next(one for one in config[section] if one["name"] == name)[section.removesuffix("s")]

        context = named("contexts", config["current-context"])
        cluster, user = named("clusters", context["cluster"]), named("users", context["user"])

        def data(source, key):
            """The bytes of a field given inline or as a file beside the kubeconfig; None where absent."""
            if source.get(key + "-data"):
                return base64.b64decode(source[key + "-data"])
            return (path.parent / source[key]).read_bytes() if source.get(key) else None

        tls = ssl.create_default_context()
        if authority := data(cluster, "certificate-authority"):
            tls = ssl.create_default_context(cadata=authority.decode())
        if certificate := data(user, "client-certificate"):
            with tempfile.NamedTemporaryFile() as pair:  # the ssl module reads nothing but files
                pair.write(certificate + b"\n" + data(user, "client-key"))
                pair.flush()
                tls.load_cert_chain(pair.name)
        return cls(cluster["server"], tls=tls, token=user.get("token"))


class Client:
    """async with Client(config, "my-user-agent") as client: …"""

    def __init__(self, config, agent="devcluster"):
        self.config = config
        self.agent = agent
        self.session = None

    async def __aenter__(self):
        headers = {"User-Agent": self.agent, "Accept": "application/json"}
        if self.config.token:
            headers["Authorization"] = f"Bearer {self.config.token}"
        self.session = aiohttp.ClientSession(
            headers=headers, connector=aiohttp.TCPConnector(ssl=self.config.tls, limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=60), read_bufsize=LINE_LIMIT)
        return self

    async def __aexit__(self, *failure):
        await self.session.close()

    async def request(self, method, path, body=None, *, params=None, content_type="application/json", accept=None):
        """The decoded body of an answer (text where it is not JSON); ApiError for a failure."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type} if body is not None else {}
        if accept:
            headers["Accept"] = accept
        query = {key: str(value) for key, value in (params or {}).items() if value is not None}
        async with self.session.request(method, self.config.server + path, data=data, headers=headers,
                                        params=query) as answer:
            text = await answer.text()
            content = json.loads(text) if answer.content_type == "application/json" else text
            if answer.status >= 400:
                if isinstance(content, dict) and content.get("kind") == "Status":
                    raise ApiError.of(content)
                raise ApiError("InternalError", f"HTTP {answer.status}: {text[:200]}", code=answer.status)
            return content

    async def get(self, resource, name, namespace=None, *, subresource=None):
        return await self.request("GET", find(resource).path(namespace, name, subresource))

    async def list(self, resource, namespace=None, *, labels=None, fields=None, metadata_only=False):
        """(items, resourceVersion of the list); apiVersion and kind are filled in."""
        accept = METADATA_ONLY.format(list="List") if metadata_only else None
        resource = find(resource)
        params = {"labelSelector": labels, "fieldSelector": fields, "limit": PAGE}
        items = []
        while True:
            page = await self.request("GET", resource.path(namespace), params=params, accept=accept)
            items += page["items"] or ()  # some servers send null
            if not page["metadata"].get("continue"):
                break
            params["continue"] = page["metadata"]["continue"]
        for item in items:
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        return items, page["metadata"]["resourceVersion"]

    async def create(self, resource, obj, namespace=None, *, name=None, subresource=None, dry_run=False):
        namespace = namespace or obj["metadata"].get("namespace")
        return await self.request("POST", find(resource).path(namespace, name, subresource), obj,
                                  params={"dryRun": "All" if dry_run else None})

    async def replace(self, resource, obj, *, subresource=None):
        metadata = obj["metadata"]
        return await self.request(
            "PUT", find(resource).path(metadata.get("namespace"), metadata["name"], subresource), obj)

    async def patch(self, resource, name, namespace, body, *, kind="merge", subresource=None, **params):
        """kind: json, merge, strategic or apply (then give fieldManager=)."""
        return await self.request("PATCH", find(resource).path(namespace, name, subresource), body, params=params,
                                  content_type=PATCH_TYPES[kind])

    async def delete(self, resource, name, namespace=None, *, grace=None, uid=None, version=None, propagation=None):
        """The object as it is being deleted, or a Status when it is gone."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if propagation:
            options["propagationPolicy"] = propagation
        preconditions = {"uid": uid, "resourceVersion": version}
        if preconditions := {key: value for key, value in preconditions.items() if value is not None}:
            options["preconditions"] = preconditions
        return await self.request("DELETE", find(resource).path(namespace, name), options)

    async def watch(self, resource, version, namespace=None, *, labels=None, fields=None, seconds=None,
                    metadata_only=False):
        """Events (type, object) from a resourceVersion on, bookmarks included, until the server ends the stream.

        ApiError for an ERROR event: 410 says that the version is too old and it takes a new list.
        """
        params = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true", "labelSelector": labels,
                  "fieldSelector": fields, "timeoutSeconds": seconds}
        query = {key: str(value) for key, value in params.items() if value is not None}
        headers = {"Accept": METADATA_ONLY.format(list="")} if metadata_only else {}
        async with self.session.get(self.config.server + find(resource).path(namespace), params=query,
                                    headers=headers,
                                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=30)) as answer:
            if answer.status != 200:
                raise ApiError.of(await answer.json())
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError.of(event["object"])
                yield event["type"], event["object"]
