"""Recording and revoking authorized applications."""

from typing import cast

import strawberry

from app.directives import Constraint
from app.domain.attributes.grants import GRANT
from app.domain.errors import Refused
from app.domain.grants import MAX_SCOPES
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.payloads import ERRORS, MutationError, UserPayload, read_written, to_errors, user_payload
from app.schema.types.grants import AuthorizedApplication
from app.services.changes import Target


@strawberry.input(description="What a user allowed an application.")
class RecordGrantInput:
    user_id: str
    client_id: str
    client_name: str | None = None
    audience: str = strawberry.field(description="The API's identifier.")
    scopes: list[str] = strawberry.field(
        description="In the place of those of before; at most 1,000.", directives=[Constraint(max_items=MAX_SCOPES)]
    )


@strawberry.input(description="An authorized application to revoke.")
class RevokeApplicationInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    id: strawberry.ID = strawberry.field(description="AuthorizedApplication.id.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(description="What is recorded now.")
class RecordGrantPayload:
    authorized_application: AuthorizedApplication | None
    errors: list[MutationError] = holds(ERRORS)


async def record_grant(info: Info, input: RecordGrantInput) -> RecordGrantPayload | None:
    grants, target = info.context.services.grants, Target(input.user_id)
    try:
        key = await grants.record(
            info.context.principal, target, input.client_id, input.client_name, input.audience, input.scopes
        )
    except Refused as refusal:
        return RecordGrantPayload(authorized_application=None, errors=to_errors([refusal]))
    row = await read_written(info, GRANT, key, "authorized_application")
    return RecordGrantPayload(authorized_application=cast("AuthorizedApplication | None", row), errors=[])


async def revoke_application(info: Info, input: RevokeApplicationInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        return await info.context.services.grants.revoke(info.context.principal, to_target(input), input.id)

    return await user_payload(info, write())
