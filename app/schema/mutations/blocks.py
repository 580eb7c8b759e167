"""The mutations blockUser and unblockUser."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import OTHER_USER, ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.blocks import Blocks


@write_input("The user to block.")
class BlockUserInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)
    # The default is the safe choice: an application may accept a refresh token without asking this service.
    revoke_devices: bool = strawberry.field(
        default=True,
        description="Whether to unlink all devices of the user too, so that the user must sign in again after"
        " `unblockUser`.",
    )


@write_input("The user that the mutation is about.")
class UserActionInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)


@mutation(
    UserPayload,
    "Blocks a user: from now on, logins of the user are refused with USER_BLOCKED, and so is every request with a token"
    " of the user.",
    Blocks.block,
)
async def block_user(context: Context, input: BlockUserInput) -> User:
    return await context.services.blocks.block(context.principal, input.target(), input.revoke_devices)


@mutation(
    UserPayload,
    "Ends the block of a user, and the blocks of IP addresses from which too many logins of the user failed.",
    Blocks.unblock,
)
async def unblock_user(context: Context, input: UserActionInput) -> User:
    return await context.services.blocks.unblock(context.principal, input.target())
