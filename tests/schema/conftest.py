"""Fixtures of several test modules of this folder."""

from typing import Any

import pytest

from app.domain.logs import Actor, FieldChange, LogEventType
from app.domain.times import now
from tests.schema.matrix.callers import Tenants
from tests.schema.operations.identities import TwoAccounts
from tests.schema.operations.logins import record_login
from tests.world import DATABASE, World


@pytest.fixture
async def accounts(world: World) -> TwoAccounts:
    """Creates two accounts of one person, each with its own metadata, roles and device."""
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    customer, editor = await world.add_role("Customer"), await world.add_role("Editor")
    await world.add_user(
        "john", user_metadata={"a": 1, "both": {"x": 1}}, app_metadata={"plan": "free"}, role_ids=(customer,)
    )
    await record_login(world, DATABASE, {"user_id": "john"}, device={"deviceId": "desktop"})
    profile = {"sub": "g1", "name": "Johnny", "email": "johnny@gmail.com"}
    await record_login(world, "g", profile, device={"deviceId": "phone"})
    fields = {
        "user_metadata": {"b": 2, "both": {"x": 2, "y": 2}},
        "app_metadata": {"plan": "pro", "beta": True},
        "role_ids": [customer, editor],
        "permissions": [{"name": "p", "api": "q"}],
    }
    await world.database["users"].update_one({"tenant": world.tenant, "user_id": "google-oauth2|g1"}, {"$set": fields})
    return TwoAccounts(world)


@pytest.fixture
async def tenants(world: World) -> Tenants:
    foreign = World(f"{world.tenant}-foreign", world.database, world.client, world.data_dir)
    at = now()
    fields: dict[str, Any] = {
        "given_name": "John",
        "family_name": "Doe",
        "nickname": "jd",
        "picture": "https://example.com/j",
        "email_verified": True,
        "pending_email": "new@example.com",
        "username": "john",
        "phone_number": "+491",
        "phone_verified": True,
        "last_login": at,
        "last_ip": "203.0.113.7",
        "last_password_reset": at,
        "app_metadata": {"plan": "pro"},
    }
    for each in (world, foreign):
        await each.add_connection()
    await foreign.add_role("Editor")
    await foreign.add_user("john", name="Foreign")
    role = await world.add_role("Editor")
    john = await world.add_user("john", role_ids=(role,), **fields)
    jane = await world.add_user("jane")
    tokens = {f"identities.0.{name}": world.seal("t") for name in ("access_token", "refresh_token")}
    await world.database["users"].update_one({"_id": john.id}, {"$set": tokens})
    change = FieldChange("user_metadata.color", "blue", "green")
    await world.add_event(
        john, LogEventType.USER_METADATA_UPDATED, actor=Actor("APPLICATION", "x"), changes=(change,), reason="because"
    )
    return Tenants(world, foreign, john, jane)
