"""Callers of an issuer with a connection, while another process saves that connection."""

import pytest

from app.domain.errors import Forbidden, UserBlocked
from app.domain.principals import ActorKind, Principal
from app.domain.rules import UPDATE_APP_METADATA
from app.domain.scopes import Scope
from app.services.writes import Target
from tests.world import DATABASE, World


async def test_user_of_a_new_connection_is_recognized_at_once(world: World) -> None:
    callers = world.callers()
    writes = world.writes()
    caller = Principal(world.tenant, "john", ActorKind.USER, frozenset(Scope), connection=DATABASE)
    assert (await callers.confirm(caller)).profile is None
    await world.add_connection()
    john, jane = await world.add_user("john"), await world.add_user("jane")
    with pytest.raises(Forbidden):
        await writes.begin(caller, UPDATE_APP_METADATA, Target(john.user_id))
    opened = await writes.begin(caller, UPDATE_APP_METADATA, Target(jane.user_id))
    assert opened.caller.profile == john.id


async def test_block_of_a_new_connections_user_applies_at_once(world: World) -> None:
    callers = world.callers()
    caller = Principal(world.tenant, "john", ActorKind.USER, frozenset(Scope), connection=DATABASE)
    await callers.confirm(caller)
    await world.add_connection()
    await world.add_user("john", blocked=True)
    with pytest.raises(UserBlocked):
        await callers.confirm(caller)
