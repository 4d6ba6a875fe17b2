"""hack/load.py: that each way in which a request can fail is counted as what it is."""

import argparse
import asyncio
import contextlib
import json
import pathlib
import socket
import subprocess
import sys

import load
import pytest

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LAST = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
PROGRAM = pathlib.Path(load.__file__)


async def reads(reader):
    await reader.readuntil(b"\r\n\r\n")


def answering(text, then=None):
    """A server's part of one connection: that answer to each request, and then something else, once."""
    async def serve(reader, writer):
        while True:
            await reads(reader)
            writer.write(text)
            await writer.drain()
            if then:
                then(writer)
                return
    return serve


def resets(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


def closes(writer):
    writer.close()


async def keeps_waiting(reader, _):
    await reads(reader)
    await asyncio.sleep(60)


def run(serve, *, seconds=0.25, steps=(), **options):
    """What a client of each sort counts on such a server: [(step, summary)]."""
    async def all_of_it():
        async def handle(reader, writer):
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        made = load.Load({"web": f"http://127.0.0.1:{port}"}, argparse.Namespace(**{
            "keep_alive": 1, "new": 1, "slow": 1, "sleep": 0, "pause": 20, "timeout": 0.2, "seconds": seconds,
            **options}))
        made.step("first")
        for number, name in enumerate(steps, 1):
            asyncio.get_running_loop().call_later(seconds * number / (len(steps) + 1), made.step, name)
        await made.run()
        server.close()
        return [(name, tallies["web"].summary()) for name, tallies in made.steps]

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("serve, kind", [
    (answering(b"", resets), "reset"),
    (answering(b"", closes), "reset"),
    (answering(WHOLE[:-1], closes), "cut"),
    (answering(WHOLE[:20], closes), "cut"),
    (answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "garbled"),
    (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "garbled"),
    (answering(b"H" * 2 * load.HEAD_LIMIT), "garbled"),
    (answering(WHOLE.replace(b"200 OK", b"502 Bad Gateway")), "502"),
    (answering(WHOLE.replace(b"200 OK", b"404 Not Found")), "404"),
    (keeps_waiting, "timeout")])
def test_a_failure_has_its_kind(serve, kind):
    (_, counted), = run(serve)
    assert counted["sent"] >= 3
    assert counted["kinds"] == {kind: counted["sent"]}
    assert counted["failed"] == counted["sent"] and counted["answered"] == 0 and counted["p99"] is None


def test_an_answer_that_is_reset_in_the_middle_is_cut():
    async def serve(reader, writer):
        await reads(reader)
        writer.write(WHOLE[:-1])
        await asyncio.sleep(0.05)  # else the reset overtakes what was sent
        resets(writer)

    (_, counted), = run(serve)
    assert counted["kinds"] == {"cut": counted["sent"]}


def test_nobody_listening_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    done = subprocess.run([sys.executable, "-B", PROGRAM, "--seconds=0.3", "--flawless=web", f"web={url}"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "refused: " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("answer", [WHOLE, LAST, WHOLE.replace(b"Content-Length: 2\r\n", b"")], ids=str)
def test_answers_are_no_failures(answer):
    """Nor is a server that ends the connection after one, as it may."""
    (_, counted), = run(answering(answer, None if answer == WHOLE else closes))
    assert counted["sent"] == counted["answered"] > 3
    assert counted["kinds"] == {}


def test_a_connection_that_was_ended_in_between_is_made_anew():
    async def serve(reader, writer):
        await reads(reader)
        writer.write(WHOLE)  # with no word that it is the last

    (_, counted), = run(serve, new=0, slow=0)
    assert counted["sent"] == counted["answered"] > 3


def test_connections_are_kept_and_made():
    made = []

    async def serve(reader, writer):
        made.append(writer)
        await answering(WHOLE)(reader, writer)

    (_, counted), = run(serve, slow=0, new=0)
    assert len(made) == 1 < counted["sent"]
    (_, counted), = run(serve, slow=0, keep_alive=0)
    assert len(made) == 1 + counted["sent"]


def test_a_request_counts_in_the_step_that_it_ends_in_with_the_time_beyond_its_own():
    async def serve(reader, writer):
        await reads(reader)
        await asyncio.sleep(0.5)
        writer.write(WHOLE)
        await keeps_waiting(reader, writer)

    (_, first), (_, second) = run(serve, keep_alive=0, new=0, sleep=450, timeout=0.2, seconds=0.6, steps=["second"])
    assert first["sent"] == 0
    assert (second["sent"], second["answered"], second["kinds"]) == (2, 1, {"timeout": 1})
    assert 40 <= second["max"] < 200


def test_steps_come_from_the_standard_input_and_end_with_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with subprocess.Popen([sys.executable, "-B", PROGRAM, "--steps", f"--json={tmp_path / 'out'}", f"a={url}",
                           f"b={url}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "running\n"
        process.stdin.write("upgrade\n")
        process.stdin.close()
        printed = process.stdout.read()
    assert process.wait() == 0
    steps = json.loads((tmp_path / "out").read_text())
    assert [step["step"] for step in steps] == ["load", "upgrade", "all"]
    assert steps[0]["a"]["kinds"] == {"refused": steps[0]["a"]["sent"]} and steps[2]["b"]["failed"] > 0
    assert [line.split()[0] for line in printed.splitlines()] == ["a", "step", "load", "upgrade", "all"]


def test_percentiles_are_of_the_nearest_rank():
    tally = load.Tally()
    tally.times = [number / 1000 for number in range(100, 0, -1)]
    assert (tally.percentile(0.5), tally.percentile(0.99), tally.percentile(1)) == (50, 99, 100)
