"""Recording and revoking authorized applications."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.grants import GRANT
from app.domain.grants import MAX_SCOPES
from app.domain.ids import Key
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.types.grants import AuthorizedApplication
from app.services.grants import Grants
from app.services.writes import Target


@strawberry.input(description="What a user allowed an application.")
class RecordGrantInput:
    user_id: str
    client_id: str
    client_name: str | None = None
    audience: str = strawberry.field(description="The API's identifier.")
    scopes: list[str] = strawberry.field(
        description="In the place of those of before; at most 1,000.", directives=[Constraint(max_items=MAX_SCOPES)]
    )


@write_input("An authorized application to revoke.")
class RevokeApplicationInput(ProfileInput):
    id: strawberry.ID = strawberry.field(description="AuthorizedApplication.id.")


@payload_type("What is recorded now.")
class RecordGrantPayload(Payload):
    kind = GRANT
    authorized_application: AuthorizedApplication | None = None


@mutation(
    RecordGrantPayload,
    "What the login service reports when a user allows an application something.",
    Grants.record,
)
async def record_grant(context: Context, input: RecordGrantInput) -> Key:
    return await context.services.grants.record(
        context.principal, Target(input.user_id), input.client_id, input.client_name, input.audience, input.scopes
    )


@mutation(UserPayload, "Takes back what was allowed to an application, with its devices.", Grants.revoke)
async def revoke_application(context: Context, input: RevokeApplicationInput) -> User:
    return await context.services.grants.revoke(context.principal, input.target(), input.id)
