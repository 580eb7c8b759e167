"""Mutations that report logins."""

from typing import Any

from tests.world import World

RECORD_LOGIN = """mutation($input: RecordLoginInput!) { recordLogin(input: $input) {
  created
  user { id userId version name givenName familyName nickname picture email emailVerified phoneNumber phoneVerified
    userMetadata loginsCount lastLogin lastIp
    identities { provider connection userId isSocial isPrimary profileData accessToken refreshToken }
    rootAttributes { name value source connection editable }
    devices { nodes { deviceId name type clientId clientName lastIp expiresAt } totalCount { value } } }
  logEvent { type code date connection strategy ip isMobile clientId clientName userVersion userId details
    changes { path before after } }
  errors { code message path } } }"""
RECORD_FAILED_LOGIN = """mutation($input: RecordFailedLoginInput!) { recordFailedLogin(input: $input) {
  logEvent { type code userId ip details } errors { code path } } }"""


async def try_login(world: World, connection: str, profile: Any, **input: Any) -> Any:
    """Returns the payload of recordLogin, which may have errors."""
    return await world.run(RECORD_LOGIN, connection=connection, profile=profile, **input)


async def record_login(world: World, connection: str, profile: Any, **input: Any) -> Any:
    """Returns the payload of recordLogin. The login must succeed."""
    payload = await try_login(world, connection, profile, **input)
    assert payload["errors"] == [], payload
    return payload


async def record_failed_login(world: World, **input: Any) -> Any:
    return await world.run(RECORD_FAILED_LOGIN, **input)
