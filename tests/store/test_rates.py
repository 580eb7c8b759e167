"""Rate limits: which callers share a count, when a window ends, and what happens without the database."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

import pytest
from pymongo import MongoClient

from app.auth.keys import IssuerKeys
from app.auth.tokens import Tokens
from app.domain.errors import RateLimited
from app.store.rates import Memory, Rates


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_caller_over_the_limit_learns_when_to_retry() -> None:
    clock = Clock()
    rates = Rates("caller", "3/minute", clock=clock)
    for remaining in (2, 1, 0):
        rate = await rates.hit("john")
        assert rate
        assert (rate.limit, rate.window, rate.cost, rate.remaining) == (3, 60, 1, remaining)
        assert (rate.policy, rate.ends_in) == ("caller", 60)
    with pytest.raises(RateLimited):
        await rates.hit("john")
    assert await rates.hit("jane")
    clock.now += 59.9
    with pytest.raises(RateLimited):
        await rates.hit("john")
    clock.now += 0.1
    rate = await rates.hit("john")
    assert rate
    assert rate.remaining == 2


async def test_exhausted_caller_is_refused_without_a_command() -> None:
    clock = Clock()
    rates = Rates("caller", "1/minute", clock=clock)
    rates.check("john")
    await rates.hit("john")
    # The last unit is used. No request was refused yet.
    rates.check("john")
    with pytest.raises(RateLimited):
        await rates.hit("john")
    clock.now += 20
    with pytest.raises(RateLimited) as refused:
        rates.check("john")
    rate = refused.value.rate
    assert (rate.policy, rate.limit, rate.remaining, rate.ends_in, refused.value.retry_after) == (
        "caller",
        1,
        0,
        40,
        40,
    )
    rates.check("jane")
    clock.now += 40
    rates.check("john")
    assert await rates.hit("john")


async def test_costs_add_up_and_a_refused_request_takes_the_rest() -> None:
    rates = Rates("caller", "10/second", clock=Clock())
    rate = await rates.hit("john", 4)
    assert rate
    assert (rate.cost, rate.remaining) == (4, 6)
    with pytest.raises(RateLimited):
        await rates.hit("john", 7)
    # The refused request used the remaining units, because its document was parsed.
    with pytest.raises(RateLimited):
        await rates.hit("john")
    with pytest.raises(RateLimited):
        rates.check("john")
    rate = await rates.hit("jane", 1_000)
    assert rate
    assert (rate.cost, rate.remaining) == (10, 0)


async def test_limits_are_separate_and_off_counts_no_caller() -> None:
    clock = Clock()
    one, two = Rates("one", "1/second", clock=clock), Rates("two", "1/second", clock=clock)
    assert await one.hit("john")
    assert await two.hit("john")
    assert await Rates("off", "off").hit("john") is None


async def test_memory_forgets_callers_after_their_window() -> None:
    clock = Clock()
    memory = Memory(clock)
    for number in range(1_000):
        memory.add(f"caller-{number}", 60, 1)
    assert len(memory) == 1_000
    clock.now += 60
    memory.add("another", 60, 1)
    assert len(memory) == 1


async def test_caller_with_a_very_long_name_is_counted() -> None:
    rates = Rates("caller", "1/second", clock=Clock())
    assert await rates.hit("x" * 10_000 + "a")
    assert await rates.hit("x" * 10_000 + "b")
    with pytest.raises(RateLimited):
        await rates.hit("x" * 10_000 + "a")
    assert await rates.hit("\ud800" * 300)


async def test_processes_share_counts_in_mongodb(mongod_url: str) -> None:
    name = uuid.uuid4().hex
    one, two = (Rates(name, "3/hour", mongod_url, "test_rates") for _ in range(2))
    assert await one.hit("john", 2)
    rate = await two.hit("john")
    assert rate
    assert (rate.remaining, rate.limit, rate.window) == (0, 3, 3600)
    assert 0 < rate.reset_in <= 3600
    with pytest.raises(RateLimited) as refused:
        await one.hit("john")
    assert 0 < refused.value.retry_after <= 3600
    assert await one.hit("jane")


async def test_shared_window_ends_after_the_clock_is_set_back(mongod_url: str) -> None:
    name = uuid.uuid4().hex
    rates = Rates(name, "1/second", mongod_url, "test_rates")
    with MongoClient[dict[str, Any]](mongod_url) as client:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        client["test_rates"]["rate_limits"].insert_one({"_id": f"{name}/john", "count": 5, "expireAt": tomorrow})
    rate = await rates.hit("john")
    assert rate
    assert (rate.remaining, rate.reset_in) == (0, 1)


@pytest.mark.parametrize(("made", "parameter"), [(Rates, "clock"), (IssuerKeys, "clock"), (Tokens, "ticks")])
def test_durations_are_measured_by_a_monotonic_clock(made: type, parameter: str) -> None:
    assert signature(made).parameters[parameter].default is time.monotonic


async def test_outage_of_the_database_suspends_the_limits() -> None:
    assert await Rates("caller", "1/hour", "mongodb://127.0.0.1:1/").hit("john") is None
