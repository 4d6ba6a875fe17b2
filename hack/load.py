#!/usr/bin/env python3
"""Steady load on HTTP servers, and what becomes of every single request: for hack/demo.sh and tests/e2e.

    hack/load.py [--steps] [--json FILE] [--flawless NAME] NAME=http://IPv4:PORT …

Each target gets three sorts of clients: those that keep their connection, those that make a new one for each request,
and those whose requests take long (`/?sleep=MS`, as podinfo knows it). None retries: a request that got no whole
answer below 400 has failed, and counts by what its user would have seen:

    refused   nobody listens there              reset   the connection ended before the answer began
    timeout   it took longer than --timeout     cut     the answer began, and did not end
    garbled   what came is no HTTP/1.1 answer   502 …   the code of an answer that is a failure

It ends by itself after --seconds. With --steps it ends with its standard input as well, and each line of that begins
a step with that name, which counts the requests that end in it. Then it prints a table; times are those beyond what a
request asked for. Exit status 1: the target --flawless names had a failure, or nothing was asked of it.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import math
import sys
import threading
import time
import urllib.parse

HEAD_LIMIT = 16384  # bytes of an answer's head
GROUPS = 8, 7, 9  # widths of a target's columns in the table


class Garbled(Exception):
    """What came is no answer."""


class Tally:
    """The requests to one target that ended in one step."""

    def __init__(self):
        self.sent = 0
        self.failed = collections.Counter()  # by kind
        self.times = []  # seconds of each answer, beyond what was asked for

    def count(self, kind, seconds):
        """One that has failed in that way (None: it has not) after so long, beyond what was asked for."""
        self.sent += 1
        if kind:
            self.failed[kind] += 1
        else:
            self.times.append(max(0, seconds))

    def percentile(self, share):
        """In milliseconds; None where nothing was answered."""
        ordered = sorted(self.times)
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000, 1) if ordered else None

    def summary(self):
        return {"sent": self.sent, "answered": len(self.times), "failed": self.failed.total(),
                "kinds": dict(sorted(self.failed.items())), "p50": self.percentile(0.5),
                "p99": self.percentile(0.99), "max": self.percentile(1)}


class Connection:
    """One to a target at most, for one request after the other."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self._reader = self._writer = None

    async def get(self, path, keep):
        """The code of the answer. ConnectionResetError: none began; IncompleteReadError: it did not end."""
        if self._writer and self._reader.at_eof():
            self.close()  # the server has ended it in between, as it may
        if not self._writer:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port, limit=HEAD_LIMIT)
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: "
                           f"{'keep-alive' if keep else 'close'}\r\n\r\n".encode())
        code, closes = await self._answer()
        if closes or not keep:
            self.close()
        return code

    async def _answer(self):
        first = await self._reader.read(1)
        if not first:
            raise ConnectionResetError
        try:
            head = first + await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Garbled from None
        except ConnectionError:
            raise asyncio.IncompleteReadError(first, None) from None
        code, headers = parse(head)
        length = headers.get("content-length")
        try:
            await (self._reader.readexactly(int(length)) if length else self._reader.read())
        except ConnectionError:
            raise asyncio.IncompleteReadError(b"", None) from None
        return code, not length or headers.get("connection", "").lower() == "close"

    def close(self):
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


def parse(head):
    """(code, {header: value}) of an answer's head."""
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    version, _, rest = first.partition(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit() or "transfer-encoding" in headers \
            or not headers.get("content-length", "0").isdigit():
        raise Garbled
    return int(rest[:3]), headers


FAILURES = (  # the first that fits
    (TimeoutError, "timeout"), (ConnectionRefusedError, "refused"), (ConnectionError, "reset"),
    (asyncio.IncompleteReadError, "cut"), (Garbled, "garbled"), (OSError, "unreachable"))


class Load:
    def __init__(self, targets, options):
        """targets: {name: URL}."""
        self._urls = {name: urllib.parse.urlsplit(url) for name, url in targets.items()}
        self._options = options
        self._sorts = ((options.keep_alive, True, 0), (options.new, False, 0), (options.slow, True, options.sleep))
        self._ends = asyncio.Event()
        self._waits = 0  # clients that have not sent anything yet
        self.steps = []  # (name, {target: Tally})

    def step(self, name):
        self.steps.append((name, {target: Tally() for target in self._urls}))

    def end(self):
        self._ends.set()

    async def run(self, when_all_run=lambda: None):
        clients = [(target, keep, sleep) for count, keep, sleep in self._sorts for target in self._urls
                   for _ in range(count)]
        self._waits = len(clients)
        pause = self._options.pause / 1000
        tasks = [asyncio.create_task(self._client(*one, number / len(clients) * pause, when_all_run))
                 for number, one in enumerate(clients)]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ends.wait(), self._options.seconds)
        self._ends.set()
        await asyncio.gather(*tasks)

    async def _client(self, target, keep, sleep, delay, when_all_run):
        connection = Connection(self._urls[target].hostname, self._urls[target].port or 80)
        path = f"/?sleep={sleep}" if sleep else "/"
        await asyncio.sleep(delay)
        first = True
        while not self._ends.is_set():
            began = time.monotonic()
            kind = await self._request(connection, path, keep, sleep / 1000)
            self.steps[-1][1][target].count(kind, time.monotonic() - began - sleep / 1000)
            if first:
                self._waits -= 1
                first = False
                if not self._waits:
                    when_all_run()
            await asyncio.sleep(max(0, began + self._options.pause / 1000 - time.monotonic()))
        connection.close()

    async def _request(self, connection, path, keep, asked):
        """How it has failed; None: it has not."""
        try:
            async with asyncio.timeout(self._options.timeout + asked):
                code = await connection.get(path, keep)
        except tuple(kind for kind, _ in FAILURES) as failure:
            connection.close()
            return next(name for kind, name in FAILURES if isinstance(failure, kind))
        return str(code) if code >= 400 else None


def table(steps, out):
    """steps: [(name, {target: summary})]"""
    targets = list(steps[0][1])
    wide = max(len("step"), *(len(name) for name, _ in steps))
    print(" " * wide + "".join(f"   {name:^{sum(GROUPS)}}" for name in targets), file=out)
    titles = "".join(f"{title:>{width}}" for title, width in zip(("sent", "failed", "p99"), GROUPS))
    print(f"{'step':{wide}}" + f"   {titles}" * len(targets), file=out)
    for name, row in steps:
        line = f"{name:{wide}}"
        for one in row.values():
            p99 = "-" if one["p99"] is None else f"{one['p99']:.0f} ms"
            cells = zip((one["sent"], one["failed"], p99), GROUPS)
            line += "   " + "".join(f"{value:>{width}}" for value, width in cells)
        kinds = [f"{kind}: {count}" for one in row.values() for kind, count in one["kinds"].items()]
        print(f"{line}   {', '.join(kinds)}".rstrip(), file=out)


def total(steps):
    """One more step: all of them together."""
    sums = {target: Tally() for target in steps[0][1]}
    for _, tallies in steps:
        for target, tally in tallies.items():
            sums[target].sent += tally.sent
            sums[target].failed += tally.failed
            sums[target].times += tally.times
    return "all", sums


def follow(lines, loop, load):
    """Each line of the standard input begins a step; its end ends the load."""
    with contextlib.suppress(RuntimeError):  # it has ended by itself
        for line in lines:
            loop.call_soon_threadsafe(load.step, line.strip())
        loop.call_soon_threadsafe(load.end)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", metavar="NAME=URL")
    parser.add_argument("--steps", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="where the same goes as JSON")
    parser.add_argument("--flawless", metavar="NAME")
    parser.add_argument("--keep-alive", type=int, default=8, help="clients of a target that keep their connection")
    parser.add_argument("--new", type=int, default=4, help="those that make one for each request")
    parser.add_argument("--slow", type=int, default=6, help="those whose requests take long")
    parser.add_argument("--sleep", type=int, default=400, help="milliseconds that those take")
    parser.add_argument("--pause", type=int, default=50, help="milliseconds from one request of a client to its next")
    parser.add_argument("--timeout", type=float, default=10, help="seconds, beyond what a request asks for")
    parser.add_argument("--seconds", type=float, default=300)
    return parser.parse_args()


async def main():
    options = arguments()
    load = Load(dict(one.split("=", 1) for one in options.targets), options)
    load.step("load")
    if options.steps:
        threading.Thread(target=follow, args=(sys.stdin, asyncio.get_running_loop(), load), daemon=True).start()
    await load.run(lambda: print("running", flush=True))
    steps = [(name, {target: tally.summary() for target, tally in tallies.items()})
             for name, tallies in [*load.steps, total(load.steps)]]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump([{"step": name, **row} for name, row in steps], out)
    table(steps, sys.stdout)
    flawed = steps[-1][1].get(options.flawless)
    return 1 if flawed and (flawed["failed"] or not flawed["answered"]) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
