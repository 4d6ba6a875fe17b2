"""Local processes in place of containers: start one, hear of its end, leave none behind.

There are no namespaces: a process is a session of its own, so that signals reach all it has started, and ends when
its first process does. Every process carries MARKER in its environment: what outlives its agent (killed -9, or a
grandchild with a session of its own) is found by it, by the keeper at once and by the next agent when it starts.
"""

import asyncio
import fcntl
import os
import pathlib
import select
import signal
import subprocess

MARKER = "DEVCLUSTER_NODE"  # environment variable: the directory of the agent


class Process:
    """One running command. `exited` is a future of its exit code: 128 + n where signal n ended it."""

    def __init__(self, argv, *, env, cwd, output):
        """Starts argv (argv[0] is a path) with stdout and stderr to the file descriptor `output`. OSError."""
        self._child = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True)
        loop = asyncio.get_running_loop()
        self.exited = loop.create_future()
        self._handle = os.pidfd_open(self._child.pid)
        loop.add_reader(self._handle, self._reap)

    @property
    def pid(self):
        return self._child.pid

    def signal(self, number):
        """To the first process alone, as a container runtime does; none where it has ended."""
        if not self.exited.done():
            signal.pidfd_send_signal(self._handle, number)

    def kill(self):
        """SIGKILL to all of its session's first process group."""
        if not self.exited.done():
            os.killpg(self._child.pid, signal.SIGKILL)

    def _reap(self):
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        try:  # before wait(), while the zombie still holds its number
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = self._child.wait()
        self.exited.set_result(128 - code if code < 0 else code)


async def run(argv, *, env, cwd, timeout, limit=10240):
    """(exit code, output up to a limit) of a command; TimeoutError after killing it. OSError."""
    output = os.memfd_create("output", os.MFD_CLOEXEC)
    try:
        process = Process(argv, env=env, cwd=cwd, output=output)
        try:
            async with asyncio.timeout(timeout):
                code = await asyncio.shield(process.exited)
        finally:
            process.kill()
        return code, os.pread(output, limit, 0).decode(errors="replace")
    finally:
        os.close(output)


def sweep(directory):
    """Kills every process that an agent of this directory has started, and waits for their ends."""
    wanted = f"{MARKER}={directory}".encode()
    while found := [pid for pid in _processes() if wanted in _environment(pid)]:
        for pid in found:
            _end(pid)


def _end(pid):
    """Only a process that has ended has let go of its ports; its environment can no longer be read before that."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [])
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def _processes():
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def _environment(pid):
    """The variables a process was started with; none of one that has ended, or is not ours to see."""
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def keep(directory):
    """Forks a keeper, which sweeps as soon as this process ends, however it ends. Call before there are threads.

    Waits for the agent that had the directory before, and for its keeper: the lock is open in both, and in a child
    that has not yet become a container.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    closed_with_us, ours = os.pipe()
    if os.fork():
        os.close(closed_with_us)
        return
    os.setsid()
    os.close(ours)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.read(closed_with_us, 1)
    sweep(directory)
    os._exit(0)
