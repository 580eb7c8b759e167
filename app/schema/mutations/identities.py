"""The mutations linkIdentity and unlinkIdentity."""

import strawberry

from app.domain.identities import MAX_IDENTITIES, PROOF_SECONDS
from app.domain.users import User
from app.schema.context import Context
from app.schema.enums import LinkMetadata
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.identities import Identities, Secondary


@strawberry.input(one_of=True, description="The second account. Give exactly one field.")
class LinkedAccount:
    user_id: strawberry.Maybe[str] = strawberry.field(
        default=None,
        description="The `userId` of the account. To link an account to your own profile, use `token` instead.",
    )
    token: strawberry.Maybe[str] = strawberry.field(
        default=None,
        description="An access token of the account, as proof that it belongs to the same person. It must come from the"
        f" issuer and the application of your own token, be at most {PROOF_SECONDS // 60} minutes old, and belong to a"
        " user who signed in recently.",
    )


@write_input("The second account, and what to do with its metadata.")
class LinkIdentityInput(ProfileInput):
    secondary: LinkedAccount = strawberry.field(
        description="The second account. It must not be blocked, and must not have linked accounts of its own."
    )
    # The default changes nothing: merged metadata cannot be taken apart again by `unlinkIdentity`.
    metadata: LinkMetadata = strawberry.field(
        default=LinkMetadata.KEEP_PRIMARY,
        description="What to do with the user_metadata of both accounts. If neither account is your own, linking can"
        " also change other parts of the profile. If your token has update:users_app_metadata, this value applies to"
        " app_metadata too. If your token has update:users, the profile gets the permissions of the second account. If"
        " your token has update:users and create:role_members, the profile gets the roles of the second account.",
    )


@write_input("The identity to unlink.")
class UnlinkIdentityInput(ProfileInput):
    identity_id: strawberry.ID = strawberry.field(
        description="The `Identity.id`. The primary identity is refused with INVALID_INPUT."
    )


@mutation(
    UserPayload,
    "Links a second account of the same person to the profile of `input.userId`. The profile keeps its id, its `userId`"
    " and its root attributes. Logins of the second account then belong to this profile, which also shows the devices"
    f" and the history of the second account. A profile has at most {MAX_IDENTITIES} identities.",
    Identities.link,
)
async def link_identity(context: Context, input: LinkIdentityInput) -> User:
    identities, other = context.services.identities, input.secondary
    secondary = Secondary(other.user_id.value if other.user_id else None, other.token.value if other.token else None)
    written = await identities.link(context.principal, input.target(), secondary, input.metadata)
    # A caller who linked an account to their own profile may read its history and devices from now on, in this request.
    await context.refresh_caller()
    return written


@mutation(
    UserPayload,
    "Unlinks an account. It becomes a separate profile again, with the id, the `userId`, the root attributes and the"
    " user_metadata that it had before. If the profile is blocked, the account is blocked too.",
    Identities.unlink,
)
async def unlink_identity(context: Context, input: UnlinkIdentityInput) -> User:
    written = await context.services.identities.unlink(context.principal, input.target(), input.identity_id)
    # The token of the caller may belong to the account that was unlinked. Then the rest of this request must not be
    # answered with the rights of the other profile.
    await context.refresh_caller()
    return written
