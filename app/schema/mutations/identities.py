"""Linking and unlinking identities."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.schema.scalars import LinkMetadata
from app.services.identities import Identities, Secondary


@strawberry.input(
    one_of=True, description="The other account: a tool names it, a user proves it with a fresh token of it."
)
class LinkedAccount:
    user_id: strawberry.Maybe[str]
    token: strawberry.Maybe[str]


@write_input("An account to link.")
class LinkIdentityInput(ProfileInput):
    secondary: LinkedAccount
    metadata: LinkMetadata = strawberry.field(
        default=LinkMetadata.KEEP_PRIMARY,
        description="What becomes of the second account's user_metadata. The profile also takes over app_metadata,"
        " combined in the same way, if the caller may change app_metadata (update:users_app_metadata); roles, if the"
        " caller may assign roles (update:users and create:role_members); and permissions, if the caller may grant"
        " permissions (update:users). It takes over none of these when one of the two accounts is the caller's own.",
    )


@write_input("An identity to give back.")
class UnlinkIdentityInput(ProfileInput):
    identity_id: strawberry.ID


@mutation(
    UserPayload,
    "Joins another account to this profile, whose ids, root attributes and metadata stand. The other's devices and"
    " history show beside the profile's own.",
    Identities.link,
)
async def link_identity(context: Context, input: LinkIdentityInput) -> User:
    identities, other = context.services.identities, input.secondary
    secondary = Secondary(other.user_id.value if other.user_id else None, other.token.value if other.token else None)
    written = await identities.link(context.principal, input.target(), secondary, input.metadata)
    # The account's history and devices are the caller's own now.
    await context.look_again()
    return written


@mutation(
    UserPayload, "Gives a linked account back, with its own ids, root attributes and metadata.", Identities.unlink
)
async def unlink_identity(context: Context, input: UnlinkIdentityInput) -> User:
    written = await context.services.identities.unlink(context.principal, input.target(), input.identity_id)
    # The account is another profile now: maybe the one that the caller's token names.
    await context.look_again()
    return written
