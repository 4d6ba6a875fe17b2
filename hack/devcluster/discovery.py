"""Which resources a server has: every one of every group, at the group's preferred version."""

import asyncio

from .errors import ApiError
from .resources import Resource


async def discover(client):
    """(Resources that can be listed, whether every group answered)."""
    groups = (await client.request("GET", "/apis"))["groups"]
    versions = ["v1"] + [group["preferredVersion"]["groupVersion"] for group in groups]
    found = await asyncio.gather(*(_resources(client, version) for version in versions))
    return [one for some in found for one in some or ()], None not in found


async def _resources(client, api_version):
    """The resources of a group and version; None where its server does not answer."""
    group, _, version = api_version.rpartition("/")
    try:
        listed = await client.request("GET", f"/apis/{api_version}" if group else f"/api/{version}")
    except ApiError:
        return None
    return [Resource(group, version, one["name"], one["kind"], one["namespaced"], verbs=tuple(one["verbs"]))
            for one in listed["resources"] if "/" not in one["name"] and "list" in one["verbs"]]
