"""Keeps the processes of a cluster together: none of them, and no pod, outlives the others.

    supervisor ── init ─┬─ apiserver
                        ├─ controllers
                        └─ node ── the pods' processes

Where the kernel allows it init is the first process of a PID namespace: it is killed when the supervisor
ends, and with it everything in there. Elsewhere supervisor and init are both subreapers, to which orphans
fall, and each kills all that it has when the other ends. cluster.py starts the supervisor.
"""

import argparse
import ctypes
import fcntl
import json
import logging
import os
import pathlib
import select
import shutil
import signal
import socket
import sys
import time

from . import pki

log = logging.getLogger("supervisor")
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NETWORKS = range(16, 255)  # N of the pods' 127.N.0.0/16
LOCK_PORT = 61616  # on 127.N.0.1: who listens there owns the network
APISERVER_STARTS = 30  # seconds
NAMES = ("apiserver", "controllers", "node")


def system_call(what, result):
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def prctl(option, value):
    system_call("prctl", libc.prctl(option, value, 0, 0, 0))


def end_with(parent, signum):
    """Has the kernel send this process a signal when its parent, given as a pidfd, ends. Whether it lives."""
    prctl(PR_SET_PDEATHSIG, signum)
    return not select.select([parent], [], [], 0)[0]


def new_pid_namespace():
    """The next child is the first process of a PID namespace; for who is not root, in a user namespace."""
    if libc.unshare(CLONE_NEWPID) == 0:
        return
    user, group = os.getuid(), os.getgid()
    system_call("unshare", libc.unshare(CLONE_NEWUSER | CLONE_NEWPID))
    pathlib.Path("/proc/self/setgroups").write_text("deny")
    pathlib.Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    pathlib.Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def mount_proc():
    """A /proc that knows the processes of this PID namespace by the numbers they have in it."""
    system_call("unshare", libc.unshare(CLONE_NEWNS))
    system_call("mount /", libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    system_call("mount /proc", libc.mount(b"proc", b"/proc", b"proc", 0, None))


def can_contain():
    """Whether the kernel lets us have a PID namespace: tried in a child, since there is no way back."""
    probe = os.fork()
    if probe == 0:
        try:
            new_pid_namespace()
            first = os.fork()
            if first:
                os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]))
            mount_proc()
        except OSError as error:
            log.warning("no PID namespace (%s): subreapers clean up instead", error)
            os._exit(1)
        os._exit(0)
    return os.waitpid(probe, 0)[1] == 0


def take_network():
    """(N, the socket that holds it) of the first 127.N.0.0/16 that no other cluster on this machine has."""
    for number in NETWORKS:
        held = socket.socket()
        try:
            held.bind((f"127.{number}.0.1", LOCK_PORT))
            held.listen(1)
            return number, held
        except OSError:
            held.close()
    raise RuntimeError("all the pod networks, 127.16.0.0/16 to 127.254.0.0/16, are taken")


def children():
    """The processes whose parent is this one."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
            if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(entry.name))
    return found


def kill_all():
    """Kills every child, then those that fall to us from them, until there are none."""
    while left := children():
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        for pid in left:
            os.waitpid(pid, 0)


def how(status):
    """How a process ended, from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"


class Init:
    """Starts the three processes, buries orphans, and ends when one of the three does."""

    def __init__(self, arguments, network):
        self.directory = arguments.directory
        directory = self.directory
        self.arguments = {
            "apiserver": [f"--directory={directory}", "--address=127.0.0.1", "--port=0"],
            "controllers": [f"--kubeconfig={directory}/controllers.kubeconfig"],
            "node": [f"--kubeconfig={directory}/node.kubeconfig", f"--directory={directory}/node",
                     f"--nodes={arguments.node_names}", f"--pod-network=127.{network}.0.0/16",
                     f"--podinfo={arguments.podinfo}",
                     *([f"--sluice={arguments.sluice}"] if arguments.sluice else [])],
        }
        self.running = {}  # pid -> name

    def start(self, name):
        output = self.directory / "log" / f"{name}.log"
        command = [sys.executable, "-B", "-m", f"devcluster.{name}", *self.arguments[name]]
        pid = os.posix_spawn(
            command[0], command, os.environ, setsigmask=(),
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                          (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                          (os.POSIX_SPAWN_DUP2, 1, 2)])
        self.running[pid] = name

    def run(self):
        self.start("apiserver")
        deadline = time.monotonic() + APISERVER_STARTS
        while not (port := read(self.directory / "apiserver.port")):
            self.wait(0.01)
            if time.monotonic() > deadline:
                self.fail(f"apiserver is not ready after {APISERVER_STARTS} s")
        pki.write_kubeconfigs(self.directory, int(port))
        self.start("controllers")
        self.start("node")
        while True:
            self.wait(None)

    def wait(self, seconds):
        """Waits for a signal, and buries whoever has ended."""
        wanted = (signal.SIGCHLD, *ENDING)
        got = signal.sigwaitinfo(wanted) if seconds is None else signal.sigtimedwait(wanted, seconds)
        if got and got.si_signo in ENDING:
            kill_all()
            sys.exit(0)
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            if pid in self.running:
                self.fail(f"{self.running[pid]} {how(status)}")

    def fail(self, why):
        note_failure(self.directory, why)
        sys.exit(1)


def read(path):
    """The text of a file, stripped; "" where there is none."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def note_failure(directory, why):
    """Leaves one sentence for the user. The disk may be full; that must not keep us from cleaning up."""
    try:
        (directory / "failure").write_text(why + "\n")
    except OSError as error:
        log.error("%s; this cannot be noted: %s", why, error)


def be_init(arguments, network, supervisor, contained):
    """The life of init, in the fork. It ends by sys.exit."""
    init = Init(arguments, network)
    try:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        if not end_with(supervisor, signal.SIGKILL if contained else signal.SIGTERM):
            sys.exit(1)
        if contained:
            mount_proc()
        init.run()
    except OSError as error:
        log.exception("init")
        init.fail(f"init: {error}")


def supervise(arguments):
    """The supervisor's life. Exit status 0 when it was told to end, 1 when something broke."""
    directory = arguments.directory
    owner = os.pidfd_open(os.getppid()) if arguments.owner else None
    if arguments.owner and os.getppid() != arguments.owner:
        return 0
    number, held = take_network()
    pki.create(directory)
    log.info("pods have addresses of 127.%d.0.0/16", number)
    this = os.pidfd_open(os.getpid())
    contained = not os.environ.get("DEVCLUSTER_NO_NAMESPACE") and can_contain()
    if contained:
        new_pid_namespace()
    if owner and not end_with(owner, signal.SIGTERM):  # now: entering a user namespace undoes it
        return 0
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    init = os.fork()
    if init == 0:
        be_init(arguments, number, this, contained)
    try:
        state = {"supervisor": os.getpid(), "init": init, "network": f"127.{number}.0.0/16"}
        (directory / "cluster.json").write_text(json.dumps(state) + "\n")
        return watch_over(init, directory)
    finally:
        kill_all()
        held.close()


def watch_over(init, directory):
    """Waits until init has ended, or somebody asks us to end. The exit status."""
    got, ended = signal.SIGCHLD, 0
    while got == signal.SIGCHLD and not ended:
        got = signal.sigwait((signal.SIGCHLD, *ENDING))
        ended, status = os.waitpid(init, os.WNOHANG)
    if not ended:
        log.info("%s: ending", got.name)
        (directory / "cluster.json").unlink()
        return 0
    why = read(directory / "failure") or f"init {how(status)}"
    note_failure(directory, why)
    log.error("%s: the cluster is down", why)
    return 1


def main():
    parser = argparse.ArgumentParser(prog="devcluster.supervisor", description=__doc__)
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--podinfo", required=True)
    parser.add_argument("--sluice")
    parser.add_argument("--owner", type=int, help="end when this process, the parent, does")
    parser.add_argument("--temporary", action="store_true", help="and remove the directory then")
    arguments = parser.parse_args()
    arguments.node_names = ",".join(f"node-{number + 1}" for number in range(arguments.nodes))
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    signal.pthread_sigmask(signal.SIG_SETMASK, (signal.SIGCHLD, *ENDING))
    lock = os.open(arguments.directory / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # who looks whether we run holds it for a moment
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    try:
        status = supervise(arguments)
    except (OSError, RuntimeError) as error:
        log.exception("the cluster is down")
        note_failure(arguments.directory, str(error))
        status = 1
    if arguments.temporary and os.getppid() != arguments.owner:
        shutil.rmtree(arguments.directory)
    sys.exit(status)


if __name__ == "__main__":
    main()
