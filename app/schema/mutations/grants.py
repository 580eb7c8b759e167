"""The mutations recordGrant and revokeApplication."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.grants import GRANT
from app.domain.grants import MAX_GRANTS, MAX_SCOPES
from app.domain.ids import Key
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import CLIENT_ID, CLIENT_NAME, OTHER_USER, ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.types.grants import AuthorizedApplication
from app.services.grants import Grants
from app.services.writes import Target


@strawberry.input(description="The access to an API that a user gave to an application.")
class RecordGrantInput:
    user_id: str = strawberry.field(description=OTHER_USER)
    client_id: str = strawberry.field(description=CLIENT_ID)
    client_name: str | None = strawberry.field(
        default=None, description=f"{CLIENT_NAME} If you leave it out, it stays as it is."
    )
    audience: str = strawberry.field(description="The identifier of the API, such as https://api.example.com.")
    # The list replaces the scopes. If it were merged, the login service could never report that a scope was taken away.
    scopes: list[str] = strawberry.field(
        description=f"All scopes that the application has now, at most {MAX_SCOPES:,}. They replace the scopes that"
        " were recorded before for this application and API.",
        directives=[Constraint(max_items=MAX_SCOPES)],
    )


@write_input("The authorized application to revoke.")
class RevokeApplicationInput(ProfileInput):
    id: strawberry.ID = strawberry.field(description="The `AuthorizedApplication.id`.")


@payload_type("The result of `recordGrant`.")
class RecordGrantPayload(Payload):
    kind = GRANT
    authorized_application: AuthorizedApplication | None = strawberry.field(
        default=None, description="The authorized application as it is stored now. null: see `errors`."
    )


@mutation(
    RecordGrantPayload,
    "For the login service: records that a user gave an application access to an API, as in the OAuth consent dialog. A"
    f" user has at most {MAX_GRANTS} authorized applications.",
    Grants.record,
)
async def record_grant(context: Context, input: RecordGrantInput) -> Key:
    return await context.services.grants.record(
        context.principal, Target(input.user_id), input.client_id, input.client_name, input.audience, input.scopes
    )


@mutation(
    UserPayload,
    "Revokes the access of an application to an API, and unlinks all devices of the user in this application.",
    Grants.revoke,
)
async def revoke_application(context: Context, input: RevokeApplicationInput) -> User:
    return await context.services.grants.revoke(context.principal, input.target(), input.id)
