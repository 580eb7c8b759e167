"""The limit of one user's history in bytes, on a real mongod."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo.errors import AutoReconnect

import app
from app.domain.logs import LogEvent, LogEventType
from app.domain.times import now
from app.store import logs
from app.store.database import Database, new_id
from app.store.logs import drop_oldest, insert_event

BUDGET = 20_000
AT = now()


@pytest.fixture
async def small(database: Database) -> AsyncIterator[Database]:
    """The database with a small limit."""
    logs._pending.clear()
    yield database.with_log_limit(BUDGET)
    logs._pending.clear()


class History:
    """The events of one user of a new tenant."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tenant = str(new_id())
        self.user = new_id()
        self.written = 0

    def event(self, size: int = 500, **more: Any) -> LogEvent:
        self.written += 1
        at = AT - timedelta(days=1) + timedelta(seconds=self.written)
        given = {"date": at, "recorded_at": at, "user": self.user, "details": {"x": "y" * size}, **more}
        return LogEvent(id=new_id(), tenant=self.tenant, type=LogEventType.LOGIN_SUCCEEDED, **given)

    async def write(self, count: int, **more: Any) -> None:
        for _ in range(count):
            await insert_event(self.database, None, self.event(**more))

    async def stored(self) -> list[dict[str, Any]]:
        theirs = {"tenant": self.tenant, "user": self.user}
        return await self.database["log_events"].find(theirs).sort([("date", 1), ("_id", 1)]).to_list(None)

    async def size(self) -> int:
        return sum(len(bson.encode(each)) for each in await self.stored())

    async def counted(self) -> int | None:
        found = await self.database["log_sizes"].find_one({"tenant": self.tenant, "user": self.user})
        return int(found["bytes"]) if found else None


async def test_oldest_events_are_dropped_and_an_event_says_so(small: Database) -> None:
    history = History(small)
    await history.write(100)
    assert await history.size() <= BUDGET
    told, *kept = await history.stored()
    # The newest events are kept, without a gap.
    dates = [each["date"] for each in kept]
    assert dates == [AT - timedelta(days=1) + timedelta(seconds=number) for number in range(101 - len(kept), 101)]
    assert len(kept) > 20
    assert (told["type"], told["details"]) == ("LOG_EVENTS_DROPPED", {"count": 100 - len(kept)})
    # The event about dropped events is at the beginning of the history.
    assert told["date"] == dates[0] - timedelta(seconds=1)
    assert told["actor"] == {"kind": "SYSTEM", "id": "profile-api", "name": None}


async def test_history_within_limit_keeps_everything(small: Database) -> None:
    history = History(small)
    await history.write(25)
    assert len(await history.stored()) == 25
    assert await history.counted() == await history.size()


async def test_events_of_other_users_are_kept(small: Database) -> None:
    history, other, elsewhere = History(small), History(small), History(small)
    other.tenant, elsewhere.user = history.tenant, history.user
    for each in (other, elsewhere):
        await each.write(3)
    await history.write(100)
    for each in (other, elsewhere):
        assert len(await each.stored()) == 3


async def test_history_in_another_tenant_is_not_measured_or_dropped(small: Database) -> None:
    """Both tenants have the same user, and an event about dropped events."""
    history, other = History(small), History(small)
    other.user = history.user
    told = replace(other.event(), type=LogEventType.LOG_EVENTS_DROPPED, details={"count": 7})
    events = [logs.to_document(each) for each in (told, *(other.event() for _ in range(60)))]
    await small["log_events"].insert_many(events)
    await history.write(5)
    assert await drop_oldest(small, history.tenant, history.user) == 0
    await history.write(60)
    assert (await history.stored())[0]["details"] == {"count": 66 - len(await history.stored())}
    assert await other.stored() == sorted(events, key=lambda each: each["date"])


async def test_expired_events_make_room(small: Database) -> None:
    """The counter does not know about expired events, so the history is measured before events are dropped."""
    history = History(small)
    await history.write(20)
    await small["log_events"].delete_many({"tenant": history.tenant})
    await history.write(25)
    assert len(await history.stored()) == 25
    assert await history.counted() == await history.size()


async def test_newest_event_is_kept_regardless_of_its_size(small: Database) -> None:
    history = History(small)
    many = {str(number): "x" * 10_000 for number in range(3)}
    await history.write(3, details=many)
    assert [each["type"] for each in await history.stored()] == ["LOG_EVENTS_DROPPED", "LOGIN_SUCCEEDED"]


async def test_work_of_one_write_is_bounded(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an operator lowered the limit, each of the next events drops a limited number of old events."""
    history = History(small)
    monkeypatch.setattr(logs, "MAX_DROPPED", 10)
    ample = History(small.with_log_limit(1_000_000))
    ample.tenant, ample.user = history.tenant, history.user
    await ample.write(100)
    assert await drop_oldest(small, history.tenant, history.user) == 10
    assert len(await history.stored()) == 91
    assert (await history.stored())[0]["details"] == {"count": 10}
    assert await drop_oldest(small, history.tenant, history.user) == 10
    told, *kept = await history.stored()
    assert (told["details"], len(kept)) == ({"count": 20}, 80)


async def test_event_of_rolled_back_transaction_is_not_counted(small: Database) -> None:
    history = History(small)

    async def fail() -> None:
        async with small.transaction() as session:
            await insert_event(small, session, history.event())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await history.counted() is None
    async with small.transaction() as session:
        await insert_event(small, session, history.event())
        assert await history.counted() is None
    assert await history.counted() == await history.size()


async def test_most_events_need_no_additional_command(database: Database, commands: list[str]) -> None:
    """The limit is the default."""
    logs._pending.clear()
    history = History(database)
    commands.clear()
    await history.write(5)
    assert commands == ["insert"] * 5
    await history.write(15)
    # Each event has about 700 bytes, and the counter is written in steps of 5,000.
    assert sorted(commands) == ["findAndModify"] * 2 + ["insert"] * 20


async def test_unknown_size_does_not_fail_the_write(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> int:
        raise AutoReconnect

    history = History(small)
    monkeypatch.setattr(logs, "drop_oldest", broken)
    await history.write(50)
    assert len(await history.stored()) == 50


async def test_events_of_no_user_are_not_counted(small: Database) -> None:
    history = History(small)
    await insert_event(small, None, replace(history.event(), user=None))
    assert await small["log_sizes"].count_documents({"tenant": history.tenant}) == 0


async def test_pending_users_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_PENDING", 3)
    logs._pending.clear()
    histories = [History(database) for _ in range(5)]
    for each in histories:
        await each.write(1)
    assert [user for _, user in logs._pending] == [each.user for each in histories[2:]]


def test_every_event_is_inserted_in_one_place() -> None:
    """Only the demo data is inserted elsewhere, before requests are answered."""
    folder = Path(app.__file__).parent
    writes = re.compile(r'(log_events"\]|\b_?events)\.(insert_|replace_|bulk_write)')
    found = {path.name for path in folder.rglob("*.py") if writes.search(path.read_text())}
    assert found == {"logs.py"}
