"""Mutations that link and unlink the two accounts of one person."""

from typing import Any

from tests.world import ALL_SCOPES, World

USER_FIELDS = """{ id userId version name email userMetadata appMetadata blocked roles { name } permissions { name api }
  identities { id provider connection userId isPrimary profileData }
  devices { nodes { deviceId } } logEvents(first: 100) { nodes { type details userId } } }"""
LINK_IDENTITY = f"""mutation($input: LinkIdentityInput!) {{ linkIdentity(input: $input) {{
  user {USER_FIELDS} errors {{ code path message }} }} }}"""
UNLINK_IDENTITY = f"""mutation($input: UnlinkIdentityInput!) {{ unlinkIdentity(input: $input) {{
  user {USER_FIELDS} errors {{ code path }} }} }}"""


class TwoAccounts:
    """John's account in the database `auth0|john`, and his account with Google, `google-oauth2|g1`, not linked yet."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.application = world.application_token(ALL_SCOPES)

    async def link(self, token: str | None = None, **input: Any) -> Any:
        given = {"userId": "auth0|john", "secondary": {"userId": "google-oauth2|g1"}, **input}
        return await self.world.run(LINK_IDENTITY, token, **given)

    async def unlink(self, identity_id: str, token: str | None = None, **input: Any) -> Any:
        given = {"userId": "auth0|john", "identityId": identity_id, **input}
        return await self.world.run(UNLINK_IDENTITY, token, **given)

    async def user(self, user_id: str) -> Any:
        query = f"query($id: String!) {{ user(by: {{userId: $id}}) {USER_FIELDS} }}"
        return (await self.world.ask(query, self.application, id=user_id))["user"]
