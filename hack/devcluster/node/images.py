"""What an image stands for: there are no images here, a table says which local command one runs.

The last row that fits is none: such an image cannot be pulled, as one that no registry has.
"""

import asyncio
import dataclasses
import fnmatch
import hashlib
import shutil

PULL = "rpc error: code = NotFound desc = failed to pull and unpack image"


@dataclasses.dataclass(frozen=True)
class Row:
    pattern: str
    entrypoint: tuple = ()  # a word is looked up among the binaries, then in PATH
    arguments: tuple = ()
    found: bool = True
    delay: float = 0.0  # seconds that the first pull on a node takes


TABLE = (
    Row("*:absent*", found=False),
    Row("registry.local/podinfo:slow*", ("podinfo",), delay=3.0),
    Row("registry.local/podinfo:*", ("podinfo",)),
    Row("registry.local/sluice:*", ("sluice",)),
    Row("registry.local/pause:*", ("sleep", "infinity")),
    Row("registry.local/shell:*", (), ("/bin/sh",)),
    Row("*busybox*", (), ("/bin/sh",)),
)


class PullError(Exception):
    """Why an image cannot be had, as a container runtime says it."""


class Images:
    """binaries: {word: path} of the programs that are not in PATH."""

    def __init__(self, binaries):
        self.binaries = binaries
        self._pulled = set()

    async def pull(self, image):
        """Waits until an image is there. Whether it had to be pulled."""
        row = next((one for one in TABLE if fnmatch.fnmatchcase(image, one.pattern)), None)
        if row is None or not row.found:
            raise PullError(f'{PULL} "{image}": failed to resolve reference "{image}": {image}: not found')
        if image in self._pulled:
            return False
        await asyncio.sleep(row.delay)
        self._pulled.add(image)
        return True

    def command(self, image, command, args):
        """argv of a container with that image, from its command and args, as in the API reference."""
        row = next(one for one in TABLE if fnmatch.fnmatchcase(image, one.pattern))
        entrypoint = list(command or row.entrypoint)
        arguments = list(args or ()) if command or args else list(row.arguments)
        return entrypoint + arguments

    def path(self, word, search):
        """The file that a word of argv[0] is; None where there is none. search: the value of PATH."""
        return self.binaries.get(word) or shutil.which(word, path=search)

    @staticmethod
    def environment(image):
        """What the image itself sets; a container's env goes over it."""
        tag = image.rpartition(":")[2]
        return {"IMAGE": image, "VERSION": tag}

    @staticmethod
    def identity(image):
        return "sha256:" + hashlib.sha256(image.encode()).hexdigest()
