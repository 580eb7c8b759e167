"""Mutations that create and delete users."""

from typing import Any

from tests.world import DATABASE, World

CREATE_USER = """mutation($input: CreateUserInput!) { createUser(input: $input) {
  user { userId version name nickname picture email emailVerified username phoneNumber phoneVerified userMetadata appMetadata
    identities { provider connection userId isPrimary } rootAttributes { name source } logEvents { nodes { type reason connection
      actor { id } userVersion changes { path after } } } } errors { code path message } } }"""
DELETE_USER = "mutation($input: DeleteUserInput!) { deleteUser(input: $input) { deletedUserId errors { code path } } }"


async def create_user(world: World, **input: Any) -> Any:
    return await world.run(CREATE_USER, **{"connection": DATABASE, **input})


async def delete_user(world: World, user_id: str, **input: Any) -> Any:
    return await world.run(DELETE_USER, userId=user_id, **input)
