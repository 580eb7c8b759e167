"""Blocking and unblocking users."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.blocks import Blocks


@write_input("Whom to keep out.")
class BlockUserInput(ProfileInput):
    user_id: str = strawberry.field(description="Whose profile.")
    revoke_devices: bool = strawberry.field(default=True, description="Revoke the user's devices in the same step.")


@write_input("A user to act on.")
class UserActionInput(ProfileInput):
    user_id: str = strawberry.field(description="Whose profile.")


@mutation(UserPayload, "Keeps the user out: from then on their tokens are refused everywhere.", Blocks.block)
async def block_user(context: Context, input: BlockUserInput) -> User:
    return await context.services.blocks.block(context.principal, input.target(), input.revoke_devices)


@mutation(UserPayload, "Lets the user in again, and every address from which too many logins failed.", Blocks.unblock)
async def unblock_user(context: Context, input: UserActionInput) -> User:
    return await context.services.blocks.unblock(context.principal, input.target())
