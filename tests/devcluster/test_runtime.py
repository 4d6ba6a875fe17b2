"""The queue of a controller: what is reconciled again, when, and what a failure does."""

import asyncio

import pytest
from devcluster.controllers.runtime import Controller, World
from devcluster.errors import ApiError
from running import until

KEY, OTHER = ("n", "a"), ("n", "b")


class Recording(Controller):
    """reconcile() is a function of the controller, the key and how often that came up by then."""

    def __init__(self, work):
        super().__init__(World(None))
        self.work = work
        self.seen = []
        self.open = asyncio.Event()

    async def reconcile(self, namespace, name):
        self.seen.append((namespace, name))
        return await self.work(self, (namespace, name), self.seen.count((namespace, name)))


def run(work, scenario, workers=1):
    async def start():
        controller = Recording(work)
        controller.workers = workers
        task = asyncio.create_task(controller.run())
        try:
            await scenario(controller)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(start())


async def nothing(_controller, _key, _count):
    return None


@pytest.mark.parametrize("error", [ApiError("Conflict", "changed"), OSError("down"), KeyError("a defect")])
def test_a_failure_is_tried_again_and_stops_no_other_key(error):
    async def work(_controller, key, count):
        if key == KEY and count < 3:
            raise error

    async def scenario(controller):
        controller.enqueue(KEY)
        await until(lambda: len(controller.seen) == 3)
        controller.enqueue(OTHER)
        await until(lambda: OTHER in controller.seen)

    run(work, scenario)


def test_retries_come_later_each_time():
    async def scenario(controller):
        delays = []
        controller.enqueue = lambda key, after=0.0: delays.append(after)
        for _ in range(13):
            controller._retry(KEY, "why")
        assert delays[:3] == [0.005, 0.01, 0.02] and delays[-1] == 10.0

    run(nothing, scenario)


def test_what_comes_up_while_it_is_reconciled_is_reconciled_afterwards():
    async def work(controller, key, _count):
        if key == KEY:
            await controller.open.wait()

    async def scenario(controller):
        controller.enqueue(KEY)
        await until(lambda: controller.seen)
        controller.enqueue(KEY)
        controller.enqueue(OTHER)  # the second worker has come by when this is done
        await until(lambda: OTHER in controller.seen)
        assert controller.seen.count(KEY) == 1
        controller.open.set()
        await until(lambda: controller.seen.count(KEY) == 2)

    run(work, scenario, workers=2)


def test_the_sooner_of_two_times_counts():
    async def scenario(controller):
        for after in (1000, 0.01, 1000):
            controller.enqueue(KEY, after)
        await until(lambda: controller.seen)
        controller.enqueue(OTHER)
        await until(lambda: OTHER in controller.seen)
        assert controller.seen == [KEY, OTHER]

    run(nothing, scenario)


def test_what_asks_to_be_asked_again_is():
    async def work(_controller, _key, count):
        return 0.01 if count < 3 else None

    async def scenario(controller):
        controller.enqueue(KEY)
        await until(lambda: len(controller.seen) == 3)

    run(work, scenario)


@pytest.mark.parametrize("turns", range(5))
def test_it_ends_when_cancelled_at_the_moment_that_a_key_comes_up(turns):
    async def start():
        controller = Recording(nothing)
        task = asyncio.create_task(controller.run())
        controller.enqueue(KEY, 1000)
        await asyncio.sleep(0.01)  # it waits
        controller.enqueue(OTHER, 500)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        assert (await asyncio.wait({task}, timeout=5))[0]

    asyncio.run(start())
