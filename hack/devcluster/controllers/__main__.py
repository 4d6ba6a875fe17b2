"""Runs the controllers: python3 -B -m devcluster.controllers --kubeconfig FILE.

Logs go to stderr; SIGTERM ends it.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import ssl

from ..client import Client, Config
from .daemonset import DaemonSets
from .deployment import Deployments
from .disruption import Disruption
from .endpointslice import Endpoints, EndpointSlices
from .garbage import GarbageCollector
from .job import Jobs
from .namespace import Namespaces
from .nodelifecycle import NodeLifecycle, TaintEviction
from .podgc import PodCollector
from .replicaset import ReplicaSets
from .runtime import World, run_all
from .scheduler import Scheduler
from .serviceaccount import RootCertificates, ServiceAccounts
from .statefulset import StatefulSets

CONTROLLERS = (
    DaemonSets,
    Deployments,
    Disruption,
    Endpoints,
    EndpointSlices,
    GarbageCollector,
    Jobs,
    Namespaces,
    NodeLifecycle,
    PodCollector,
    ReplicaSets,
    Scheduler,
    ServiceAccounts,
    StatefulSets,
    TaintEviction,
)


async def main(kubeconfig):
    config = Config.from_kubeconfig(kubeconfig)
    authority = "".join(map(ssl.DER_cert_to_PEM_cert, config.tls.get_ca_certs(True)))
    async with Client(config, "kube-controller-manager") as client:
        world = World(client)
        controllers = [controller(world) for controller in CONTROLLERS]
        task = asyncio.ensure_future(run_all(world, [*controllers, RootCertificates(world, authority)]))
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="controllers", description=__doc__)
    parser.add_argument("--kubeconfig", required=True, help="of a user that may do everything")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(parser.parse_args().kubeconfig))
