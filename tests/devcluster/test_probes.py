"""Probes: how many answers it takes, and which probe holds back which."""

import asyncio

import pytest
from devcluster.node.actions import ActionError
from devcluster.node.container import Container
from devcluster.node.probes import Prober


class Worker:
    """As much of a PodWorker as a probe needs."""

    def __init__(self, running_for):
        self.seconds = running_for
        self.concluded, self.events = [], []

    def running_for(self, _container):
        return self.seconds

    def probed(self, kind):
        self.concluded.append(kind)

    def event(self, _kind, reason, message, _container):
        self.events.append((reason, message))


def probe(kind, answers, *, running_for=100, others=None, **spec):
    """The results that a probe has after each answer ("+" or "-"; "0": a new container); (results, worker)."""
    container = Container({"name": "c", "image": "i:1", f"{kind}Probe": spec, **(others or {})})
    worker, script, results = Worker(running_for), iter(answers.replace("0", "")), []

    async def ask():
        if next(script) == "-":
            raise ActionError("no")

    async def run():
        prober = Prober(worker, container, kind)
        prober.task.cancel()
        prober._ask = ask
        container.begin(None, {"A": "1"})
        for answer in answers:
            if answer == "0":
                container.begin(None, {"A": "1"})
            else:
                await prober._probe()
                results.append(container.results.get(kind))

    asyncio.run(run())
    return results, worker


COUNTS = {  # the probe, its answers -> the results
    "ready at the first success": ("readiness", "-+", {}, [False, True]),
    "unready at the third failure": ("readiness", "+---", {}, [True, True, True, False]),
    "a success between begins anew": ("readiness", "+--+--", {}, [True] * 6),
    "thresholds are the spec's": ("readiness", "+++-", {"successThreshold": 3, "failureThreshold": 1},
                                  [False, False, True, False]),
    "alive until the third failure": ("liveness", "---", {}, [True, True, False]),
    "a new container begins anew": ("liveness", "--0--", {}, [True] * 4),
    "not started until the first success": ("startup", "-+", {}, [None, True]),
    "startup fails for good": ("startup", "--+", {"failureThreshold": 2}, [None, False, False]),
}


@pytest.mark.parametrize("kind, answers, spec, expected", COUNTS.values(), ids=COUNTS)
def test_answers_are_counted(kind, answers, spec, expected):
    assert probe(kind, answers, **spec)[0] == expected


def test_a_failure_is_an_event_and_a_new_result_is_told():
    _, worker = probe("readiness", "+---")
    assert worker.events == [("Unhealthy", "Readiness probe failed: no")] * 3
    assert worker.concluded == ["readiness", "readiness"]


def test_nothing_is_asked_before_the_initial_delay():
    assert probe("readiness", "+", running_for=4, initialDelaySeconds=5)[0] == [False]
    assert probe("readiness", "+", running_for=5, initialDelaySeconds=5)[0] == [True]


def test_the_startup_probe_holds_the_others_back():
    assert probe("readiness", "+", others={"startupProbe": {}})[0] == [False]
