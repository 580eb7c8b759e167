"""Fixtures of several test modules of this folder."""

import pytest

from tests.schema.operations.identities import TwoAccounts
from tests.schema.operations.logins import record_login
from tests.world import DATABASE, World


@pytest.fixture
async def accounts(world: World) -> TwoAccounts:
    """Each account has its own metadata, roles and device."""
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
