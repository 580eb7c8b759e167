"""The mutation that verifies a password."""

from typing import Any

from tests.world import DATABASE, World

PASSWORD, NEW_PASSWORD = "correct horse battery", "staple the other horse"
VERIFY_PASSWORD = """mutation($input: VerifyPasswordInput!) { verifyPassword(input: $input) {
  valid mustChangePassword user { userId } errors { code path } } }"""
# The payload for a wrong password, and for an identifier that no user has.
INVALID: dict[str, Any] = {"valid": False, "mustChangePassword": None, "user": None, "errors": []}


async def verify_password(world: World, password: str, identifier: str = "john@example.com", **input: Any) -> Any:
    given = {"connection": DATABASE, "identifier": identifier, "password": password, **input}
    return await world.run(VERIFY_PASSWORD, world.application_token(["verify:passwords"]), **given)
