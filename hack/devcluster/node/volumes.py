"""The volumes of a pod as directories, swapped whole when their source changes, as the kubelet does it.

A container has no mount namespace: its mounts are links below its own directory, $CONTAINER_ROOT/<mountPath>.
"""

import asyncio
import os
import pathlib
import shutil
import time

from ..errors import ApiError
from . import downward
from .environment import texts

TOKEN_PATH = "token"
HOST_PATH = "hostPath"


class VolumeError(Exception):
    """Why a volume cannot be set up."""


class Volumes:
    """Those of one pod, below `directory`."""

    def __init__(self, node, directory, changed):
        """changed: called when a source has changed and write() would write something else."""
        self.node = node
        self.directory = directory
        self.changed = changed
        self._tokens = {}  # audience -> (token, when to ask for the next)
        self._written = {}  # volume -> its files, as last written

    async def write(self, pod, address):
        """Brings every volume up to date. Raises VolumeError at the first that cannot be."""
        for volume in pod["spec"].get("volumes") or ():
            name = volume["name"]
            path = self.directory / name
            try:
                if HOST_PATH in volume:
                    continue
                path.mkdir(parents=True, exist_ok=True)
                files = await self._files(pod, volume, address)
                if files is not None and files != self._written.get(name):
                    write_atomically(path, files)
                    self._written[name] = files
            except ApiError as error:
                raise VolumeError(f'MountVolume.SetUp failed for volume "{name}" : {error.message}') from error

    async def _files(self, pod, volume, address):
        """{relative path: (bytes, mode)}; None for what is an empty directory to begin with."""
        for kind, read in READERS.items():
            if kind in volume:
                source = volume[kind]
                return await read(self, pod, source, address, source.get("defaultMode", 0o644))
        if "emptyDir" not in volume:
            raise VolumeError(f'volume "{volume["name"]}" is of a kind that there is not: {sorted(volume)}')
        return None

    async def _config_map(self, pod, source, address, mode):
        return await self._object(pod, "configmaps", "ConfigMap", source, source.get("name"), mode)

    async def _secret(self, pod, source, address, mode):
        name = source.get("secretName") or source.get("name")
        return await self._object(pod, "secrets", "Secret", source, name, mode)

    async def _object(self, pod, resource, kind, source, name, mode):
        namespace = pod["metadata"]["namespace"]
        try:
            found = texts({"kind": kind} | await self.node.sources.get(resource, namespace, name, self.changed))
        except ApiError as error:
            if error.code == 404 and source.get("optional"):
                return {}
            raise
        if not source.get("items"):
            return {key: (value, mode) for key, value in found.items()}
        files = {}
        for item in source["items"]:
            if item["key"] in found:
                files[item["path"]] = (found[item["key"]], item.get("mode", mode))
            elif not source.get("optional"):
                raise VolumeError(f"references non-existent {kind.lower()} key: {item['key']}")
        return files

    async def _downward(self, pod, source, address, mode):
        files = {}
        for item in source.get("items") or ():
            if reference := item.get("fieldRef"):
                try:
                    text = downward.field(pod, reference["fieldPath"], host=self.node.address, address=address)
                except KeyError as error:
                    raise VolumeError(f"unsupported pod fieldPath: {error.args[0]}") from None
            else:
                reference = item["resourceFieldRef"]
                spec = next(one for one in pod["spec"]["containers"] if one["name"] == reference["containerName"])
                text = downward.resource(spec, reference, self.node.capacity)
            files[item["path"]] = (text.encode(), item.get("mode", mode))
        return files

    async def _token(self, pod, source, address, mode):
        token = await self._current_token(pod, source.get("audience", ""), source.get("expirationSeconds", 3600))
        return {source.get("path", TOKEN_PATH): (token.encode(), 0o600)}

    async def _projected(self, pod, source, address, mode):
        files = {}
        for part in source.get("sources") or ():
            for kind, read in READERS.items():
                if kind in part:
                    files |= await read(self, pod, part[kind], address, mode)
        return files

    async def _current_token(self, pod, audience, lifetime):
        token, renew = self._tokens.get(audience, ("", 0.0))
        if time.monotonic() < renew:
            return token
        metadata = pod["metadata"]
        spec = {"expirationSeconds": lifetime, "boundObjectRef": {
            "apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}}
        if audience:
            spec["audiences"] = [audience]
        answer = await self.node.client.create(
            "serviceaccounts", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
            metadata["namespace"], name=pod["spec"].get("serviceAccountName") or "default", subresource="token")
        token = answer["status"]["token"]
        self._tokens[audience] = (token, time.monotonic() + lifetime * 0.8)
        asyncio.get_running_loop().call_later(lifetime * 0.8 + 1, self.changed)
        return token

    def link(self, pod, container, root):
        """Makes the mounts of a container, below root."""
        volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
        for mount in container.spec.get("volumeMounts") or ():
            source = volumes[mount["name"]].get(HOST_PATH, {}).get("path") or self.directory / mount["name"]
            target = root / mount["mountPath"].lstrip("/")
            if target.is_symlink() or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(pathlib.Path(source) / mount.get("subPath", ""))


READERS = {"configMap": Volumes._config_map, "secret": Volumes._secret, "downwardAPI": Volumes._downward,
           "serviceAccountToken": Volumes._token, "projected": Volumes._projected}


def write_atomically(directory, files):
    """Replaces the files of a volume all at once: readers see either the old ones or the new ones.

    The files are in a directory named for the time, `..data` is a link to it, and each name a link through that:
    the last step is the rename of `..data`.
    """
    data = directory / "..data"
    old = os.readlink(data) if data.is_symlink() else None
    fresh = directory / f"..{time.strftime('%Y_%m_%d_%H_%M_%S', time.gmtime())}.{time.time_ns() % 10**9:09d}"
    for path, (content, mode) in files.items():
        target = fresh / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
    fresh.mkdir(exist_ok=True)
    link = directory / "..data_tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.rename(data)
    wanted = {path.split("/")[0] for path in files}
    for name in wanted:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    for entry in directory.iterdir():
        if not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()
    if old:
        shutil.rmtree(directory / old)
