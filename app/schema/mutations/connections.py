"""Making, changing and deleting connections."""

import strawberry

from app.domain.attributes.connections import CONNECTION
from app.schema.context import Context
from app.schema.inputs import WriteInput, given_fields, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type
from app.schema.scalars import SyncRootAttributes
from app.schema.types.connections import AuthConnectionObject
from app.services.connections import Connections

_SETTINGS = ("strategy", "import_mode", "sync_root_attributes", "allows_sign_up")


@write_input(
    "Makes a connection (`strategy` needed) or changes one. What is left out stays as it is; a new connection gets the"
    " default."
)
class SaveAuthConnectionInput(WriteInput):
    name: str = strawberry.field(description="1 to 128 letters, digits and hyphens. The first is not a hyphen.")
    strategy: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="auth0, custom, email, sms, google-oauth2, samlp, ... It stays what it was at creation.",
    )
    import_mode: strawberry.Maybe[bool | None] = strawberry.field(
        default=None, description="For custom: whether users are copied in. false by default."
    )
    sync_root_attributes: strawberry.Maybe[SyncRootAttributes | None] = strawberry.field(
        default=None, description="ON_EACH_LOGIN by default."
    )
    allows_sign_up: strawberry.Maybe[bool | None] = strawberry.field(
        default=None,
        description="For database connections: whether users may make their own account. false by default.",
    )


@write_input("A connection to delete: only one that no user belongs to.")
class DeleteAuthConnectionInput(WriteInput):
    name: str


@payload_type("The connection after the write. null when there is an error, except for VERSION_CONFLICT.")
class AuthConnectionPayload(Payload):
    kind = CONNECTION
    has_current = True
    auth_connection: AuthConnectionObject | None = None


@payload_type("The name of the connection that was deleted.")
class DeleteAuthConnectionPayload(Payload):
    deleted_name: str | None = None


@mutation(
    AuthConnectionPayload,
    "Makes a connection, or changes its settings. What is left out stays as it is.",
    Connections.save,
)
async def save_auth_connection(context: Context, input: SaveAuthConnectionInput) -> object:
    given = given_fields(input, _SETTINGS)
    return await context.services.connections.save(context.principal, input.name, given, input.condition())


@mutation(
    DeleteAuthConnectionPayload,
    "Deletes a connection that no user belongs to and no issuer names. Otherwise NOT_EDITABLE.",
    Connections.delete,
)
async def delete_auth_connection(context: Context, input: DeleteAuthConnectionInput) -> str:
    return await context.services.connections.delete(context.principal, input.name, input.condition())
