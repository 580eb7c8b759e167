"""Data that is joined to records. The records do not change."""

from typing import Any

import pytest

from app.domain.kinds import Join
from app.domain.logins import MAX_FAILURES
from app.domain.principals import ActorKind, Principal
from app.services.joins import Joins
from app.store.records import Records
from app.store.snapshots import Snapshots
from app.store.token_cipher import TokenCipher
from tests.frozen import freeze
from tests.world import DATABASE, World

CIPHER = TokenCipher("secret")


@pytest.fixture
def joins(world: World) -> Joins:
    records = Records(world.database)
    return Joins(records, Snapshots(records), CIPHER)


def application(world: World, *scopes: str) -> Principal:
    return Principal(world.tenant, "support", ActorKind.APPLICATION, frozenset(scopes))


async def users(world: World) -> list[Any]:
    """Two users as records that refuse every change. The first has a role, a connection and a blocked IP address."""
    role = await world.add_role("Support")
    await world.add_connection()
    john = await world.add_user("john", role_ids=(role, "gone"))
    jane = await world.add_user("jane", strategy="github", connection="gone")
    failure = {"tenant": world.tenant, "user": john.id, "count": MAX_FAILURES}
    await world.database["login_failures"].insert_one(failure)
    records = [await world.stored(john), await world.stored(jane)]
    records[0]["identities"][0]["access_token"] = CIPHER.encrypt("secret token")
    return [freeze(each) for each in records]


async def test_joined_data_is_stored_beside_records(world: World, joins: Joins) -> None:
    records = await users(world)
    first, second = await joins.join(application(world, "update:users"), frozenset(Join), records)
    assert [each["role_id"] for each in first["roles"]] == ["rol_support"]
    assert first["connection"].name == DATABASE
    assert first["locked_out"] is True
    assert first["identities"] == [{"access_token": "secret token"}]
    assert second == {"roles": [], "connection": None, "locked_out": False, "identities": [{}]}


async def test_only_requested_data_is_joined(world: World, joins: Joins) -> None:
    records = await users(world)
    reader = application(world, "update:users")
    assert await joins.join(reader, frozenset(), records) == [{}, {}]
    assert [set(each) for each in await joins.join(reader, frozenset({Join.ROLES}), records)] == [{"roles"}] * 2


async def test_lockout_is_joined_for_callers_who_may_unblock(world: World, joins: Joins) -> None:
    records = await users(world)
    [first, _] = await joins.join(application(world, "read:users"), frozenset({Join.LOCKED_OUT}), records)
    assert first["locked_out"] is False
