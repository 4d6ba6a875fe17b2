"""python3 -B -m devcluster.node --kubeconfig FILE --directory DIR --nodes node-1,node-2 --pod-network 127.77.0.0/16

Plays nodes until SIGTERM or SIGINT. Its pods' processes end with it, however it ends.
"""

import argparse
import asyncio
import ipaddress
import logging
import pathlib
import signal

from ..client import Client, Config
from . import process
from .agent import Agent


def options():
    parser = argparse.ArgumentParser(prog="devcluster.node", description=__doc__.split("\n\n")[1])
    parser.add_argument("--kubeconfig", required=True, type=pathlib.Path)
    parser.add_argument("--directory", required=True, type=lambda text: pathlib.Path(text).resolve(),
                        help="where logs and volumes are kept; one agent at a time")
    parser.add_argument("--nodes", required=True, type=lambda text: text.split(","), help="names of the nodes")
    parser.add_argument("--pod-network", required=True, type=_network, help="the first /24 is the nodes' own, "
                        "each node has one more; within 127.0.0.0/8")
    parser.add_argument("--podinfo", type=lambda text: pathlib.Path(text).resolve(), help="the podinfo binary")
    parser.add_argument("--sluice", type=lambda text: pathlib.Path(text).resolve(), help="the sluice binary")
    parser.add_argument("--cpu", default="16")
    parser.add_argument("--memory", default="32Gi")
    parser.add_argument("--pods", default=110, type=int)
    parser.add_argument("--backoff", default=10.0, type=float, help="seconds of the first restart backoff")
    return parser.parse_args()


def _network(text):
    network = ipaddress.ip_network(text)
    if not network.is_loopback:
        raise argparse.ArgumentTypeError("is not within 127.0.0.0/8")
    return network


async def main(chosen):
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with Client(Config.from_kubeconfig(chosen.kubeconfig), "kubelet/v1.36.2-devcluster") as client:
        await Agent(client, chosen).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    chosen_options = options()
    process.keep(chosen_options.directory)
    process.sweep(chosen_options.directory)
    try:
        asyncio.run(main(chosen_options))
    except asyncio.CancelledError:
        pass  # told to end
