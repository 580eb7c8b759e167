"""The fair queue of jobs that keep a core busy. The test decides when each job ends."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from app.domain.errors import ErrorCode, Refused, Unavailable
from app.services.fair_queue import FairQueue


class Jobs:
    """Jobs that run until `let_go` is called. `begun` lists the names of the jobs in the order in which they began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._gates: dict[str, threading.Event] = {}

    def new(self, name: str) -> Callable[[], str]:
        gate = self._gates[name] = threading.Event()

        def job() -> str:
            self.begun.append(name)
            gate.wait(10)
            return name

        return job

    def let_go(self, *names: str) -> None:
        for name in names or self._gates:
            self._gates[name].set()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.let_go()


def start(queue: FairQueue, jobs: Jobs, *names: str) -> list[asyncio.Task[str]]:
    """Starts jobs. The first letter of a job's name is its caller."""
    return [asyncio.create_task(queue.run(name[0], jobs.new(name))) for name in names]


async def settle(jobs: Jobs, begun: int) -> None:
    """Waits until this many jobs began and no other job can begin."""
    while len(jobs.begun) < begun:
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_callers_take_turns_regardless_of_their_jobs(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 100)
    tasks = start(queue, jobs, "a0", *(f"a{number}" for number in range(1, 41)))
    await settle(jobs, 1)
    tasks += start(queue, jobs, "b1", "b2", "c1")
    await settle(jobs, 1)
    jobs.let_go()
    assert await asyncio.gather(*tasks) == [*(f"a{number}" for number in range(41)), "b1", "b2", "c1"]
    assert jobs.begun[:8] == ["a0", "a1", "b1", "c1", "a2", "b2", "a3", "a4"]


async def test_at_most_as_many_jobs_run_as_there_are_slots(jobs: Jobs) -> None:
    queue = FairQueue(2, 100, 100)
    tasks = start(queue, jobs, "a1", "b1", "c1", "d1")
    await settle(jobs, 2)
    assert jobs.begun == ["a1", "b1"]
    jobs.let_go("b1")
    await settle(jobs, 3)
    assert jobs.begun == ["a1", "b1", "c1"]
    jobs.let_go()
    await asyncio.gather(*tasks)


async def test_caller_with_too_many_waiting_jobs_is_refused(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 2)
    tasks = start(queue, jobs, "a1", "a2", "a3")
    await settle(jobs, 1)
    with pytest.raises(Refused) as refused:
        await queue.run("a", jobs.new("a4"))
    assert refused.value.code is ErrorCode.RATE_LIMITED
    tasks += start(queue, jobs, "b1")
    jobs.let_go()
    assert await asyncio.gather(*tasks) == ["a1", "a2", "a3", "b1"]
    assert "a4" not in jobs.begun


async def test_full_queue_refuses_every_caller(jobs: Jobs) -> None:
    queue = FairQueue(1, 2, 100)
    tasks = start(queue, jobs, "a1", "b1", "c1")
    await settle(jobs, 1)
    with pytest.raises(Unavailable):
        await queue.run("d", jobs.new("d1"))
    jobs.let_go()
    assert await asyncio.gather(*tasks) == ["a1", "b1", "c1"]
    assert await queue.run("d", lambda: "d2") == "d2"


async def test_cancelled_caller_leaves_the_queue(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 100)
    tasks = start(queue, jobs, "a1", "b1", "b2", "c1")
    await settle(jobs, 1)
    tasks[1].cancel()
    tasks[3].cancel()
    await settle(jobs, 1)
    jobs.let_go()
    assert await asyncio.gather(*[tasks[0], tasks[2]]) == ["a1", "b2"]
    assert jobs.begun == ["a1", "b2"]
    assert await queue.run("c", lambda: "c2") == "c2"


async def test_slot_of_cancelled_job_is_taken_until_it_ends(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 100)
    running, waiting = start(queue, jobs, "a1", "b1")
    await settle(jobs, 1)
    running.cancel()
    await settle(jobs, 1)
    assert (running.cancelled(), jobs.begun, list(queue._waiting)) == (True, ["a1"], ["b"])
    jobs.let_go()
    assert await waiting == "b1"


async def test_turn_of_a_cancelled_caller_goes_to_the_next(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 100)
    first, second, third = start(queue, jobs, "a1", "b1", "c1")
    await settle(jobs, 1)
    # Both happen in one step of the event loop, as when another slot becomes free.
    queue._release()
    second.cancel()
    await settle(jobs, 1)
    assert (second.cancelled(), list(queue._waiting)) == (True, [])
    jobs.let_go()
    assert await asyncio.gather(*[first, third]) == ["a1", "c1"]


async def test_free_slot_skips_a_cancelled_caller(jobs: Jobs) -> None:
    queue = FairQueue(1, 100, 100)
    first, second, third = start(queue, jobs, "a1", "b1", "c1")
    await settle(jobs, 1)
    second.cancel()
    queue._release()
    assert list(queue._waiting) == []
    jobs.let_go()
    assert await asyncio.gather(*[first, third]) == ["a1", "c1"]
    assert second.cancelled()


async def test_job_that_raises_frees_its_slot() -> None:
    queue = FairQueue(1, 100, 100)

    def fail() -> None:
        raise ValueError

    for _ in range(3):
        with pytest.raises(ValueError, match=r"^$"):
            await queue.run("a", fail)
    assert await queue.run("a", lambda: "done") == "done"
