"""Processes in place of containers: they end as asked, with all they have started."""

import asyncio
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys

import pytest
from devcluster.node import process
from running import PATIENCE, until, wait_for

HACK = pathlib.Path(__file__).resolve().parents[2] / "hack"


def start(script, tmp_path, **env):
    with open(tmp_path / "out", "wb") as output:
        return process.Process(["/bin/sh", "-c", script], env={"PATH": os.environ["PATH"], **env}, cwd=tmp_path,
                               output=output.fileno())


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_that_of_a_container(script, code, tmp_path):
    async def run():
        return await start(script, tmp_path).exited
    assert asyncio.run(run()) == code


def test_what_a_process_has_started_ends_with_it(tmp_path):
    async def run():
        await start(f"sleep 1000 & echo $! > {tmp_path}/child; exit 0", tmp_path).exited
        await until(lambda: not alive(int((tmp_path / "child").read_text())))
    asyncio.run(run())


def test_sigterm_reaches_the_first_process_alone(tmp_path):
    async def run():
        child = "(trap 'echo child' TERM; echo up; while :; do sleep 0.05; done)"
        one = start(f"trap 'sleep 0.2; exit 5' TERM; {child} & while :; do wait; done", tmp_path)
        await until(lambda: "up" in (tmp_path / "out").read_text())
        one.signal(signal.SIGTERM)
        return await asyncio.wait_for(one.exited, PATIENCE)
    assert asyncio.run(run()) == 5
    assert (tmp_path / "out").read_text() == "up\n"


def test_a_command_that_takes_too_long_is_killed(tmp_path):
    async def run():
        env = {"PATH": os.environ["PATH"]}
        assert await process.run(["/bin/echo", "hi"], env=env, cwd=tmp_path, timeout=5) == (0, "hi\n")
        await process.run(["/bin/sleep", "1000"], env=env, cwd=tmp_path, timeout=0.1)
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(run())


def test_the_keeper_leaves_nothing_behind_an_agent_that_is_killed(tmp_path):
    agent = f"""
import os, pathlib, subprocess, sys, time
sys.path.insert(0, {str(HACK)!r})
from devcluster.node import process
process.keep(pathlib.Path({str(tmp_path)!r}))
child = subprocess.Popen(["setsid", "sleep", "1000"], env={{**os.environ, process.MARKER: {str(tmp_path)!r}}})
print(child.pid, flush=True)
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-B", "-c", agent], stdout=subprocess.PIPE) as started:
        child = int(started.stdout.readline())
        assert alive(child)
        started.kill()
    wait_for(lambda: not alive(child))


def test_what_is_swept_has_let_go_of_its_port(tmp_path):
    """Its memory is freed first, which takes a while: the port of a lost pod is needed again at once."""
    server = """
import socket
memory = bytearray(b"x") * (300 << 20)
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1], flush=True)
    listening.accept()
"""
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE,
                          env={**os.environ, process.MARKER: str(tmp_path)}) as started:
        port = int(started.stdout.readline())
        process.sweep(tmp_path)
        socket.create_server(("127.0.0.1", port)).close()


def test_an_agent_waits_for_the_keeper_of_the_one_before(tmp_path):
    keeping = f"""
import pathlib, sys
sys.path.insert(0, {str(HACK)!r})
from devcluster.node import process
process.keep(pathlib.Path({str(tmp_path)!r}))
print("kept", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-B", "-c", keeping]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        kept = select.select([first.stdout, second.stdout], [], [], 60)[0]
        owner, other = (first, second) if kept[0] is first.stdout else (second, first)
        assert not select.select([other.stdout], [], [], 0.5)[0]
        owner.kill()
        assert other.stdout.readline() == b"kept\n"
        other.kill()
