"""devcluster.sh run: a command beside a cluster that lives as long as the command, or as this process."""

import os
import signal
import subprocess
import sys

from .cluster import ROOT, ClusterError
from .supervisor import PR_SET_PDEATHSIG, prctl

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
SI_KERNEL = 0x80  # the terminal sent it
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as a shell has it


def run(cluster, nodes, command, *, temporary):
    """The exit status for the shell."""
    try:
        if not cluster.up(nodes, owner=os.getpid(), temporary=temporary):
            raise ClusterError(f"a cluster runs in {cluster.directory} already: name another --dir")
        return beside(cluster, command)
    finally:
        if cluster.process:
            cluster.down()


def beside(cluster, command):
    old = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, *FORWARDED))
    try:
        process = start(cluster, command, old)
    except OSError as error:
        print(f"devcluster: {command[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    while process.poll() is None:
        got = signal.sigwaitinfo((signal.SIGCHLD, *FORWARDED))
        if got.si_signo != signal.SIGCHLD and not is_known_to_command(got):
            process.send_signal(got.si_signo)
        if got.si_signo == signal.SIGCHLD and cluster.process.poll() is not None:
            return broken(cluster, process)
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def is_known_to_command(got):
    """What is typed the terminal sends to both of us; that it is gone, maybe only to the first of a session."""
    return got.si_code == SI_KERNEL and got.si_signo != signal.SIGHUP


def start(cluster, command, mask):
    """The command, with our standard streams. It gets a SIGTERM should we be killed."""
    def prepare():
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig)}
    first, _, rest = environment.pop("PYTHONPATH", "").partition(":")  # devcluster.sh put itself first
    if rest or first != str(ROOT / "hack"):
        environment["PYTHONPATH"] = rest or first
    return subprocess.Popen(command, env=environment, preexec_fn=prepare)


def broken(cluster, process):
    """The cluster has ended under the command."""
    why = cluster.failure() or "the supervisor was killed"
    print(f"devcluster: {cluster.with_log(why)}", file=sys.stderr)
    process.terminate()
    process.wait()
    return 1
