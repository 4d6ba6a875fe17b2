"""python3 -B -m devcluster.apiserver --directory DIR: runs the API server until SIGTERM.

DIR/pki holds ca.crt, apiserver.crt and apiserver.key, DIR/tokens.csv the bearer tokens. DIR/apiserver.port is
written when the server answers.
"""

import argparse
import asyncio
import gc
import json
import logging
import pathlib
import signal
import sys
import time

from .core import Core
from .http.server import start


class Lines(logging.Formatter):
    """One JSON document a line."""

    def format(self, record):
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
                "level": record.levelname.lower(), "logger": record.name, "msg": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def parse():
    parser = argparse.ArgumentParser(prog="devcluster.apiserver", description=__doc__.split("\n")[0])
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def announce(directory, port):
    """Says where the server is, once it is there."""
    path = directory / "apiserver.port"
    part = path.with_suffix(".part")
    part.write_text(f"{port}\n")
    part.rename(path)
    logging.getLogger("apiserver").info("ready on port %d", port)


async def run(arguments):
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    core = Core(arguments.directory)
    runner, port = await start(core, arguments.directory, arguments.address, arguments.port)
    core.bootstrap(arguments.address, port)
    announce(arguments.directory, port)
    await stop.wait()
    core.store.cut_watches()
    await core.close()
    await runner.cleanup()


def main():
    arguments = parse()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.DEBUG if arguments.verbose else logging.INFO, handlers=[handler])
    gc.set_threshold(50_000, 20, 50)  # thousands of objects stay for good; looking through them takes long
    asyncio.run(run(arguments))


if __name__ == "__main__":
    main()
