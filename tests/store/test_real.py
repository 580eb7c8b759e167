"""Features that need a real mongod: transactions, expiry, and queries that use their index."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.commits import Commit, ProfileWrite
from app.domain.filters import ALL
from app.domain.kinds import Order
from app.domain.logs import LogEventType
from app.domain.paging import Bounds, PageRequest, Position
from app.domain.times import now
from app.store.commits import Commits
from app.store.database import Database, new_id
from app.store.indexes import ensure_indexes
from app.store.passwords import CredentialStore
from app.store.planner import BY_ROLE, order_index
from app.store.queries import between
from app.store.records import Owners, Records
from app.store.users import to_document
from tests.store.profiles import event_with_changes, new_user

NEWEST = Order("created_at", -1)


@pytest.fixture
async def database(mongod_url: str) -> AsyncIterator[Database]:
    database = Database.connect(mongod_url, f"r{uuid.uuid4().hex[:12]}")
    await ensure_indexes(database, 30)
    yield database
    await database.database.client.drop_database(database.database.name)
    database.close()


async def test_write_whose_event_fails_is_undone(database: Database) -> None:
    user = new_user()
    await database["users"].insert_one(to_document(user))
    event = event_with_changes(user)
    await database["log_events"].insert_one({"_id": event.id})
    after = new_user(id=user.id, version=2, name="x")
    with pytest.raises(Exception, match="duplicate key"):
        await Commits(database).execute(Commit((ProfileWrite(user, after),), (event,)))
    assert (await database["users"].find_one({"_id": user.id}))["version"] == 1


@pytest.mark.parametrize("address", ["JOHN@example.com", "\uff2aohn@example.com"])
async def test_email_and_account_are_unique_in_a_connection(database: Database, address: str) -> None:
    await database["users"].insert_one(to_document(new_user()))
    await database["users"].insert_one(to_document(new_user(tenant="other")))
    same_account = new_user(user_id="auth0|2", email=None)
    same_address = new_user("jane", email=address)
    for twin in (same_account, same_address):
        with pytest.raises(DuplicateKeyError):
            await database["users"].insert_one(to_document(twin))
    await database["users"].insert_one(to_document(new_user("jane")))


async def test_indexes_are_created_once_and_expiry_is_updated(database: Database) -> None:
    await ensure_indexes(database, 30)
    for days in (7, 400):
        await ensure_indexes(database, days)
        indexes = await database["log_events"].index_information()
        assert indexes["recorded_at_ttl"]["expireAfterSeconds"] == days * 86_400
        assert indexes["recorded_at_ttl"]["key"] == [("recorded_at", 1)]


async def test_pages_of_many_owners_are_one_command(database: Database, commands: list[str]) -> None:
    owners = [new_id() for _ in range(3)]
    at = now()
    await database["users"].insert_many(
        [{"_id": each, "tenant": "t", "user_id": str(each), "keys": [str(each)]} for each in owners]
    )
    await database["log_events"].insert_many(
        [
            {
                "tenant": tenant,
                "user": owner,
                "date": at - timedelta(seconds=number),
                "type": LogEventType.LOGIN_SUCCEEDED,
            }
            for owner in owners[:2]
            for number in range(4)
            for tenant in ("t", "other")
        ]
    )
    commands.clear()
    request, order = PageRequest(2), Order("date", -1)
    asked = Owners(USER, "user", owners)
    found = await Records(database).find_pages(asked, LOG_EVENT, "t", ALL, order, request, ["date"])
    assert commands == ["aggregate"]
    assert [len(found[each]) for each in owners] == [3, 3, 0]
    assert [each["date"] for each in found[owners[0]]] == [at - timedelta(seconds=number) for number in range(3)]


def stages(plan: dict[str, Any]) -> set[str]:
    below = [plan[key] for key in ("inputStage",) if key in plan] + plan.get("inputStages", [])
    return {plan["stage"]}.union(*(stages(each) for each in below))


LISTS = [
    ("users", {"tenant": "t"}, NEWEST),
    ("users", {"tenant": "t", "role_ids": "r"}, NEWEST),
    ("log_events", {"tenant": "t", "user": "u"}, Order("date", -1)),
    ("log_events", {"tenant": "t"}, Order("date", -1)),
    ("roles", {"tenant": "t"}, Order("name_folded", 1)),
]


@pytest.mark.parametrize(("collection", "where", "order"), LISTS)
@pytest.mark.parametrize("backward", [False, True])
async def test_every_page_is_read_from_its_index(
    database: Database, collection: str, where: dict[str, Any], order: Order, backward: bool
) -> None:
    """The collection also has documents of other owners, and many documents with the same ordering value."""
    at = now()
    for tenant in ("t", "u"):
        await database[collection].insert_many(
            [
                {
                    "tenant": tenant,
                    "user_id": str(number),
                    "keys": [str(number)],
                    "role_id": str(number),
                    "role_ids": ["r"] if number % 2 else ["s"],
                    "user": "u" if number % 2 else "v",
                    # Names of roles are unique.
                    order.field: at - timedelta(seconds=number if collection == "roles" else number // 100),
                }
                for number in range(600)
            ]
        )
    middle = await database[collection].find(where).sort([(order.field, 1), ("_id", 1)]).skip(150).limit(1).to_list(1)
    position = Position(middle[0][order.field], middle[0]["_id"])
    query = between(where, order, Bounds(before=position) if backward else Bounds(after=position))
    direction = -order.direction if backward else order.direction
    cursor = database[collection].find(query).sort([(order.field, direction), ("_id", direction)])
    if collection == "users":
        # Users have many indexes, so the planner names the index.
        cursor = cursor.hint(BY_ROLE if "role_ids" in where else order_index(order))
    plan = await cursor.limit(11).explain()
    assert not stages(plan["queryPlanner"]["winningPlan"]) & {"SORT", "COLLSCAN"}
    assert plan["executionStats"]["totalDocsExamined"] <= 12
    assert plan["executionStats"]["nReturned"] == 11


@pytest.mark.parametrize("where", [{"user_id": "1"}, {"keys": "1"}])
async def test_lookup_of_a_user_examines_one_document(database: Database, where: dict[str, Any]) -> None:
    await database["users"].insert_many(
        [{"tenant": "t", "user_id": str(number), "keys": [str(number)]} for number in range(200)]
    )
    plan = await database["users"].find({"tenant": "t", **where}).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 1


async def test_password_tries_with_a_future_date_do_not_count(database: Database) -> None:
    passwords, at = CredentialStore(database), now()
    for number in range(3):
        assert await passwords.count_attempt("t", "key", at + timedelta(days=1)) == number + 1
    assert await passwords.count_attempt("t", "key", at) == 1
    assert await passwords.count_attempt("t", "key", at) == 2
