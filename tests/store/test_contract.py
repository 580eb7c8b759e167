"""The contract of the store, on mongomock-motor and on a real mongod."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from app.domain.attributes.users import USER
from app.domain.commits import Commit, ProfileWrite
from app.domain.connections import SyncRootAttributes
from app.domain.filters import ALL, Eq
from app.domain.kinds import Kind, Order
from app.domain.paging import Bounds, PageRequest, Position, TotalCount
from app.domain.users import User
from app.store import records as records_module
from app.store.commits import Commits, put_missing_users
from app.store.database import Database, new_id, to_key
from app.store.errors import Conflict
from app.store.indexes import INDEXES
from app.store.logs import to_document as event_to_document
from app.store.migrations import (
    MigrationNeeded,
    check_schema_version,
    is_issuer_configured,
    mark_issuer_configured,
    migrate,
)
from app.store.records import Records, project
from app.store.snapshots import MAX_AGE, Snapshots
from app.store.users import UserStore, from_document, to_document
from tests.store.profiles import NOW, event_with_changes, new_user
from tests.store.standin import mock_database

THINGS = Kind("Thing", "things")


@pytest.fixture(params=["mongomock", "real"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An empty database with its unique indexes."""
    if request.param == "mongomock":
        database = mock_database()
    else:
        database = Database.connect(request.getfixturevalue("mongod_url"), f"c{uuid.uuid4().hex[:12]}")
    for collection, indexes in INDEXES.items():
        for keys, options in indexes:
            if options:
                await database[collection].create_index(keys, **options)
    yield database
    if request.param == "real":
        await database.database.client.drop_database(database.database.name)
        database.close()


async def test_user_is_read_as_it_was_stored(database: Database) -> None:
    for user in (new_user(), new_user("jane", blocked=True, app_metadata={"x": 1}, logins_count=3, last_login=NOW)):
        await database["users"].insert_one(to_document(user))
        assert await UserStore(database).find("t", Eq("user_id", user.user_id)) == user
    assert await UserStore(database).find("other", Eq("user_id", "auth0|john")) is None


async def test_fields_for_lookup_and_search_are_derived(database: Database) -> None:
    stored = to_document(new_user())
    assert stored["keys"] == ["email:db:john@example.com", "sub:auth0:db:john"]
    assert stored["name_folded"] == "jöhn strasse"
    assert (stored["email_folded"], stored["email_domain"]) == ("john@example.com", "example.com")
    assert stored["connections"] == ["db"]
    assert "app_metadata" not in stored
    assert from_document(stored) == from_document(to_document(from_document(stored)))


async def test_write_of_the_read_version_is_stored_with_its_event(database: Database) -> None:
    user = new_user()
    await database["users"].insert_one(to_document(user))
    after = replace(user, version=2, name=None, user_metadata={"a": 1}, email="new@x.org")
    event = event_with_changes(after)
    await Commits(database).execute(Commit((ProfileWrite(user, after),), (event,)))
    assert await UserStore(database).find("t", Eq("_id", user.id)) == after
    stored = await database["users"].find_one({"_id": user.id})
    assert "name" not in stored
    assert "name_folded" not in stored
    assert stored["keys"] == ["email:db:new@x.org", "sub:auth0:db:john"]
    kept = await database["log_events"].find_one({"_id": event.id})
    assert kept["changes"] == [{"path": "user_metadata.a", "after": False}, {"path": "name", "before": "x"}]
    assert kept["roots"] == ["name", "user_metadata"]


async def test_write_of_an_old_version_stores_nothing(database: Database) -> None:
    user = new_user()
    await database["users"].insert_one(to_document(user))
    first, second = replace(user, version=2, name="first"), replace(user, version=2, name="second")
    await Commits(database).execute(Commit((ProfileWrite(user, first),), (event_with_changes(first),)))
    with pytest.raises(Conflict):
        await Commits(database).execute(Commit((ProfileWrite(user, second),), (event_with_changes(second),)))
    assert (await UserStore(database).find("t", Eq("_id", user.id))) == first
    assert await database["log_events"].count_documents({}) == 1


async def test_event_without_a_change_is_recorded_alone(database: Database) -> None:
    event = event_with_changes(new_user())
    await Commits(database).record(event)
    assert await database["log_events"].find_one({}) == event_to_document(event)
    assert await database["users"].count_documents({}) == 0


async def test_missing_users_are_inserted_and_others_kept(database: Database) -> None:
    john, jane = new_user(), new_user("jane")
    await database["users"].insert_one(to_document(john))
    await put_missing_users(database, [replace(john, name="changed"), jane])
    found = {each["_id"]: from_document(each) async for each in database["users"].find({})}
    assert found == {john.id: john, jane.id: jane}


async def test_write_does_not_find_users_of_another_tenant(database: Database) -> None:
    user = new_user()
    await database["users"].insert_one(to_document(user))
    stray = replace(user, tenant="other")
    write = ProfileWrite(stray, replace(stray, version=2, name="x"))
    with pytest.raises(Conflict):
        await Commits(database).execute(Commit((write,), (event_with_changes(stray),)))


async def test_user_ids_are_unique_in_a_tenant_only(database: Database) -> None:
    await database["users"].insert_one(to_document(new_user()))
    await database["users"].insert_one(to_document(new_user(tenant="other")))
    with pytest.raises(DuplicateKeyError):
        await database["users"].insert_one(to_document(new_user(identities=())))


async def test_many_users_may_have_no_email(database: Database) -> None:
    for handle in ("a", "b"):
        await database["users"].insert_one(to_document(new_user(handle, email=None)))
    assert await database["users"].count_documents({"tenant": "t"}) == 2


def test_every_attribute_of_a_user_is_in_a_written_profile() -> None:
    """A mutation answers from the profile that it wrote, so `User` of the domain must have each attribute."""
    written = {*(field.name for field in fields(User)), "_id", "linked"}
    stored = {path.partition(".")[0] for each in USER.attributes.values() for path in each.paths}
    assert stored - written == set()


@pytest.mark.parametrize(
    "paths",
    [
        (),
        ("name", "email", "blocked"),
        ("identities.user_id", "identities.origin", "provenance.name.source"),
        ("identities", "identities.user_id", "user_metadata", "permissions.name"),
        ("user_metadata.a", "identities.nothing", "role_ids"),
    ],
)
async def test_written_profile_is_projected_like_a_stored_one(database: Database, paths: tuple[str, ...]) -> None:
    user = new_user(identities=(*new_user().identities, *new_user("linked").identities))
    await database["users"].insert_one(to_document(user))
    found = await Records(database).find_one(USER, "t", ALL, paths)
    assert project(to_document(user), paths) == found


async def test_only_requested_fields_leave_the_database(database: Database) -> None:
    user = new_user()
    await database["users"].insert_one(to_document(user))
    found = await Records(database).find_one(USER, "t", ALL, ["name", "identities", "identities.user_id"])
    assert found is not None
    assert set(found) == {"_id", "name", "identities"}
    assert set(await Records(database).find_one(USER, "t", ALL, []) or {}) == {"_id"}


@pytest.mark.parametrize("direction", [1, -1])
async def test_pages_contain_each_object_once_in_order_with_ties(database: Database, direction: int) -> None:
    records, order = Records(database), Order("rank", direction)
    rows = [{"_id": new_id(), "tenant": "t", "rank": number // 3} for number in range(10)]
    await database["things"].insert_many([*rows, {"tenant": "other", "rank": 1}])
    expected = sorted(rows, key=lambda each: (each["rank"], each["_id"]), reverse=direction == -1)
    for backward in (False, True):
        seen: list[Any] = []
        bounds = Bounds()
        while True:
            request = PageRequest(4, backward)
            page = list(await records.find_page(THINGS, "t", ALL, order, request, bounds, ["rank"]))
            more = len(page) > 4
            page = (page[1:] if backward else page[:-1]) if more else page
            seen = page + seen if backward else seen + page
            edge = page[0] if backward else page[-1]
            position = Position(edge["rank"], edge["_id"])
            bounds = Bounds(before=position) if backward else Bounds(after=position)
            if not more:
                break
        assert [each["_id"] for each in seen] == [each["_id"] for each in expected]


async def test_text_that_is_no_id_is_not_a_key() -> None:
    assert to_key("x") is None
    assert to_key("") is None


async def test_counting_stops_at_its_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await database["things"].insert_many([{"tenant": "t"} for _ in range(5)])
    for limit, expected in ((3, TotalCount(3, exact=False)), (5, TotalCount(5, exact=True))):
        monkeypatch.setattr(records_module, "MAX_COUNT", limit)
        assert await Records(database).count(THINGS, "t", ALL, Order("name", 1)) == expected


class CountedRecords(Records):
    loads = 0

    async def find(self, *arguments: Any, **named: Any) -> Sequence[Mapping[str, Any]]:
        self.loads += 1
        return await super().find(*arguments, **named)


async def test_snapshot_is_shared_and_reloaded_after_its_age(database: Database) -> None:
    connection = {"tenant": "t", "name": "db", "strategy": "auth0", "sync_root_attributes": "NEVER"}
    await database["connections"].insert_one(connection)
    await database["roles"].insert_one({"_id": "r", "tenant": "t", "role_id": "rol_a", "name": "A"})
    records, time = CountedRecords(database), [100.0]
    snapshots = Snapshots(records, clock=lambda: time[0])
    found = await asyncio.gather(*(snapshots.connections("t") for _ in range(5)))
    assert records.loads == 1
    assert found[0]["db"].sync_root_attributes is SyncRootAttributes.NEVER
    assert found[0]["db"].import_mode is False
    assert list(await snapshots.roles("t")) == ["r"]
    assert await snapshots.roles("other") == {}
    await database["roles"].delete_one({"_id": "r"})
    time[0] += MAX_AGE - 0.001
    assert list(await snapshots.roles("t")) == ["r"]
    time[0] += 0.001
    assert await snapshots.roles("t") == {}


async def test_older_database_must_be_migrated(database: Database) -> None:
    await check_schema_version(database, current=1)
    await check_schema_version(database, current=1)
    with pytest.raises(MigrationNeeded, match="profile-api migrate"):
        await check_schema_version(database, current=2)
    await database["meta"].update_one({"_id": "schema"}, {"$set": {"version": 5}})
    with pytest.raises(MigrationNeeded, match="newer release"):
        await check_schema_version(database, current=2)


async def test_interrupted_migrations_resume_in_order(database: Database) -> None:
    await check_schema_version(database, current=1)
    ran: list[int] = []

    def step(number: int, fails: list[bool]) -> Callable[[Database], Awaitable[None]]:
        async def run(_: Database) -> None:
            ran.append(number)
            if fails.pop():
                raise RuntimeError

        return run

    steps = {1: step(1, [False]), 2: step(2, [False, True])}
    with pytest.raises(RuntimeError):
        await migrate(database, steps, current=3)
    assert await migrate(database, steps, current=3) == [3]
    assert ran == [1, 2, 2]
    assert await migrate(database, steps, current=3) == []


async def test_configured_issuer_is_recorded(database: Database) -> None:
    assert not await is_issuer_configured(database)
    await mark_issuer_configured(database)
    await mark_issuer_configured(database)
    assert await is_issuer_configured(database)


async def test_event_has_no_empty_fields() -> None:
    stored = event_to_document(replace(event_with_changes(new_user()), changes=(), actor=None))
    assert set(stored) == {"_id", "tenant", "type", "date", "recorded_at", "user"}


async def test_dates_are_exact_to_the_millisecond(database: Database) -> None:
    user = new_user(last_login=NOW - timedelta(milliseconds=1))
    await database["users"].insert_one(to_document(user))
    found = await UserStore(database).find("t", Eq("_id", user.id))
    assert found is not None
    assert found.last_login == user.last_login
