"""The mutation that reports that a user authorized an application."""

from typing import Any

from app.domain.users import User
from tests.world import World

RECORD_GRANT = """mutation($input: RecordGrantInput!) { recordGrant(input: $input) {
  authorizedApplication { id clientId clientName audience scopes grantedAt } errors { code path } } }"""


async def record_grant(world: World, user: User, client_id: str = "shop", **input: Any) -> Any:
    given = {
        "clientId": client_id,
        "clientName": client_id.title(),
        "audience": "https://api",
        "scopes": ["read", "buy"],
    }
    return await world.run(RECORD_GRANT, **{"userId": user.user_id, **given, **input})
