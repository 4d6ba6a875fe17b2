"""A cluster as its directory: starting it, finding it, asking it, ending it.

    DIR/supervisor.lock   locked while there is a supervisor, or anything of its cluster; holds its process id
    DIR/start.lock        locked by who starts the cluster
    DIR/cluster.json      what was started; it stays when the cluster was killed
    DIR/failure           one sentence, why it ended by itself
    DIR/*.kubeconfig      admin for people, one each for controllers and node
    DIR/pki, DIR/tokens.csv, DIR/apiserver.port, DIR/node, DIR/log
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from . import supervisor
from .objects import is_true

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "build" / "devcluster"
APPS, PODINFO = ROOT / "tests" / "apps", ROOT / "build" / "podinfo"
SLUICES = tuple(ROOT / "build" / preset / "sluice" for preset in ("release", "debug"))
READY, END = 60, 10  # seconds
LOGS = ("supervisor", *supervisor.NAMES)
LOCKS = ("start.lock", "supervisor.lock")
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class ClusterError(Exception):
    """One sentence for the user."""


class Cluster:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory).absolute()
        self.kubeconfig = self.directory / "admin.kubeconfig"
        self.process = None  # the supervisor, where we started it

    def supervisor(self):
        """The supervisor's process id, None where nothing runs."""
        path = self.directory / "supervisor.lock"
        if not path.exists() or not locked(path):
            return None
        return int(supervisor.read(path) or 0) or None

    def failure(self):
        """Why there is no cluster though one was started; "" where somebody ended it, or none ever was."""
        why = supervisor.read(self.directory / "failure")
        left = (self.directory / "cluster.json").exists() and not self.supervisor()
        return why or ("the supervisor was killed" if left else "")

    def up(self, nodes, *, owner=None, temporary=False):
        """Starts it, unless it runs, and waits until it is ready. Whether it had to be started."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.iterdir()) and not self.is_ours():  # in this order: another start may be making it ours
            raise ClusterError(f"{self.directory} holds something else than a cluster: name another --dir")
        with only_one(self.directory / "start.lock"):
            if self.supervisor():
                return False
            self.clean()
            podinfo = build_podinfo(self.directory)
            try:
                with signals_held():  # so that no supervisor is started that we do not know of
                    self.process = self._start(nodes, podinfo, owner, temporary)
                self._wait_until_ready(nodes)
            except BaseException:  # ^C too
                self.abandon()
                raise
        return True

    def is_ours(self):
        """Whether the directory is a cluster's, so that what is in there may be removed."""
        return (self.directory / "start.lock").exists()

    def abandon(self):
        """Ends what was started and is not wanted after all."""
        if self.process:
            self.process.terminate()
            self.process.wait()

    def _start(self, nodes, podinfo, owner, temporary):
        logs = self.directory / "log"
        logs.mkdir()
        command = [sys.executable, "-B", "-m", "devcluster.supervisor", f"--directory={self.directory}",
                   f"--nodes={nodes}", f"--podinfo={podinfo}"]
        command += [f"--sluice={path}" for path in SLUICES if path.exists()][:1]
        command += [f"--owner={owner}"] if owner else []
        command += ["--temporary"] if temporary else []
        environment = os.environ | {"PYTHONPATH": str(ROOT / "hack"), "DEVCLUSTER_DIR": str(self.directory)}
        with open(logs / "supervisor.log", "ab") as output:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    env=environment, cwd="/", start_new_session=True)

    def _wait_until_ready(self, nodes):
        deadline = time.monotonic() + READY
        while not self.ready(nodes):
            if self.process.poll() is not None:
                why = supervisor.read(self.directory / "failure") or "the supervisor did not start"
                if not shutil.disk_usage(self.directory).free:  # then there is nothing in its log either
                    why += f": no space is left for {self.directory}"
                raise ClusterError(self.with_log(why))
            if time.monotonic() > deadline:
                raise ClusterError(f"not ready after {READY} s; see {self.directory}/log")
            time.sleep(0.02)

    def ready(self, nodes):
        """Whether the API server answers, every node is Ready and pods can be made in namespace default."""
        if not self.kubeconfig.exists():
            return False
        try:
            known = self.get("/api/v1/nodes")["items"]
            if len(known) != nodes or not all(is_true(node, "Ready") for node in known):
                return False  # one question at a time: they slow down what they wait for
            self.get("/api/v1/namespaces/default/serviceaccounts/default")
        except OSError:  # with what urllib makes of a 404 or 503: not yet
            return False
        return True

    def get(self, path):
        """What the API server answers to the administrator: JSON decoded, or text."""
        port = supervisor.read(self.directory / "apiserver.port")
        token = supervisor.read(self.directory / "tokens.csv").partition(",")[0]
        tls = ssl.create_default_context(cafile=self.directory / "pki" / "ca.crt")
        asked = urllib.request.Request(f"https://127.0.0.1:{port}{path}", headers={
            "Authorization": f"Bearer {token}", "Accept": "application/json"})
        with urllib.request.urlopen(asked, context=tls, timeout=5) as answer:
            text = answer.read().decode()
        return json.loads(text) if answer.headers.get_content_type() == "application/json" else text

    def down(self):
        """Ends it, leaving its logs; waits for who is starting it. Whether there was anything to end."""
        if not self.is_ours():
            return False
        with only_one(self.directory / "start.lock"):
            found = self.supervisor()
            if found:
                self._end(found)
            self.clean(keep=("log",))
        return bool(found)

    def _end(self, found):
        with contextlib.suppress(ProcessLookupError):  # killed; init is about to end as well
            os.kill(found, signal.SIGTERM)
        deadline = time.monotonic() + END
        while self.supervisor():
            if time.monotonic() > deadline:
                raise ClusterError(f"process {found} does not end within {END} s")
            time.sleep(0.01)

    def clean(self, keep=()):
        """Empties the directory; the locks stay, for somebody may be waiting for one."""
        for path in self.directory.iterdir():
            if path.name in (*LOCKS, *keep):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def with_log(self, why, lines=15):
        """The sentence that says why a cluster ended, and the end of the log of the process that it names."""
        name = why.split()[0] if why.split()[0] in LOGS else "supervisor"
        end = supervisor.read(self.directory / "log" / f"{name}.log").splitlines()[-lines:]
        return "\n".join([f"{why}; its log ends with", *end] if end else [why])


def locked(path):
    """Whether some process holds the lock of a file."""
    file = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


@contextlib.contextmanager
def only_one(path):
    """Holds the lock of a file, having waited for it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextlib.contextmanager
def signals_held():
    """Keeps signals from ending this process in between."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def build_podinfo(fallback=None):
    """The program that pods run, compiled where it is older than its source; others may do so as well.

    It is shared by all clusters; where the tree cannot be written to, it is made in the directory `fallback`.
    """
    newest = max(path.stat().st_mtime for path in APPS.glob("podinfo*.[ch]"))
    if PODINFO.exists() and PODINFO.stat().st_mtime >= newest:
        return PODINFO
    place = PODINFO.parent
    if fallback and not os.access(place if place.exists() else ROOT, os.W_OK):
        place = fallback
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="podinfo.") as made:
        done = subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-o", f"{made}/podinfo",
                               *APPS.glob("podinfo*.c")], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"cc cannot compile podinfo:\n{done.stderr.strip()}")
        os.replace(f"{made}/podinfo", place / PODINFO.name)
    return place / PODINFO.name
