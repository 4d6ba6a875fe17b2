"""The command line of the development cluster: hack/devcluster.sh."""

import argparse
import collections
import os
import pathlib
import shlex
import shutil
import signal
import sys
import tempfile

from . import run
from .cluster import DEFAULT, LOGS, STOPPING, Cluster, ClusterError
from .objects import is_true
from .supervisor import NAMES

USAGE, NOT_RUNNING, BROKEN = 2, 1, 3  # exit statuses
EPILOG = f"""up prints what a shell evaluates: eval "$(hack/devcluster.sh up)"
Without --dir the cluster is in {DEFAULT}, that of `run` in a temporary directory.
Exit status of status: 0 running, {NOT_RUNNING} not running, {BROKEN} it ended by itself or was killed.
Exit status of run: COMMAND's, 128 and the signal's number where one killed it; 1 where the cluster broke."""


def command_up(arguments):
    cluster = Cluster(arguments.dir or DEFAULT)
    if not cluster.up(arguments.nodes):
        print(f"devcluster: it runs already, in {cluster.directory}", file=sys.stderr)
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    return 0


def command_run(arguments):
    if not arguments.command:
        raise UsageError("run needs a COMMAND, after --")
    made = None
    try:
        made = None if arguments.dir else tempfile.mkdtemp(prefix="devcluster-")
        cluster = Cluster(arguments.dir or made)
        return run.run(cluster, arguments.nodes, arguments.command, temporary=bool(made))
    finally:
        if made:
            shutil.rmtree(made)


def command_down(arguments):
    cluster = Cluster(arguments.dir or DEFAULT)
    if not cluster.down():
        print(f"devcluster: nothing runs in {cluster.directory}", file=sys.stderr)
    return 0


def command_status(arguments):
    cluster = Cluster(arguments.dir or DEFAULT)
    found = cluster.supervisor()
    if not found:
        why = cluster.failure()
        print(f"not running: {why}" if why else "not running")
        return BROKEN if why else NOT_RUNNING
    nodes, pods = cluster.get("/api/v1/nodes")["items"], cluster.get("/api/v1/pods")["items"]
    phases = collections.Counter(pod["status"].get("phase", "Unknown") for pod in pods)
    ready = sum(is_true(node, "Ready") for node in nodes)
    print(f"running      {cluster.directory}, supervisor {found}")
    print(f"kubeconfig   {cluster.kubeconfig}")
    print(f"version      {cluster.get('/version')['gitVersion']}")
    print(f"nodes        {ready} of {len(nodes)} ready")
    print(f"pods         {len(pods)}" + "".join(f", {phases[phase]} {phase}" for phase in sorted(phases)))
    return 0


def command_logs(arguments):
    logs = Cluster(arguments.dir or DEFAULT).directory / "log"
    files = [logs / f"{name}.log" for name in ([arguments.name] if arguments.name else LOGS)]
    files = [file for file in files if file.exists()]
    if not files:
        raise ClusterError(f"there are no such logs in {logs}")
    os.execvp("tail", ["tail", "-n", "+1", *(["-F"] if arguments.follow else []), *files])


class UsageError(Exception):
    """One sentence about wrong arguments."""


def node_count(text):
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def directory(text):
    if not text:  # of an unset variable; it would be the current one
        raise argparse.ArgumentTypeError("it is empty")
    return pathlib.Path(text)


def stop(signum, _):
    """Ends this process having cleaned up, which further signals are not to disturb."""
    for one in STOPPING:
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + signum)


def parser():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--dir", type=directory, metavar="DIR", help="where the cluster keeps everything")
    sized = argparse.ArgumentParser(add_help=False)
    sized.add_argument("--nodes", type=node_count, default=3, metavar="N", help="how many (default: 3)")
    top = argparse.ArgumentParser(prog="devcluster.sh", epilog=EPILOG, allow_abbrev=False,
                                  description="A Kubernetes of local processes, for development and tests.",
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="action", required=True, metavar="up|run|down|status|logs")

    def add(name, function, text, *parents):
        added = commands.add_parser(name, help=text, description=text, parents=parents, allow_abbrev=False)
        added.set_defaults(function=function)
        return added

    add("up", command_up, "start a cluster and print its KUBECONFIG; returns when it is ready", common, sized)
    running = add("run", command_run, "start a cluster, run COMMAND on it, end it", common, sized)
    running.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND…")
    add("down", command_down, "end a cluster; its logs stay", common)
    add("status", command_status, "say whether a cluster runs, and what is in it", common)
    logs = add("logs", command_logs, "show what the processes logged", common)
    logs.add_argument("name", nargs="?", choices=("supervisor", *NAMES), help="only this one's")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they grow")
    return top


def main():
    for one in STOPPING:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, stop)
    arguments = parser().parse_args()
    if getattr(arguments, "command", None) and arguments.command[0] == "--":
        del arguments.command[0]
    try:
        return arguments.function(arguments)
    except UsageError as error:
        print(f"devcluster: {error}", file=sys.stderr)
        return USAGE
    except (ClusterError, OSError) as error:
        print(f"devcluster: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
