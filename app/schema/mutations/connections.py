"""The mutations saveAuthConnection and deleteAuthConnection."""

import strawberry

from app.domain.attributes.connections import CONNECTION
from app.schema.context import Context
from app.schema.enums import SyncRootAttributes
from app.schema.inputs import WriteInput, given_fields, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type
from app.schema.types.connections import AuthConnectionObject
from app.services.connections import Connections

# The fields of the input that are settings. They have the same names in the domain.
_SETTINGS = ("strategy", "import_mode", "sync_root_attributes", "allows_sign_up")


@write_input(
    "A connection to create or to change. Settings that are left out stay as they are. A new connection gets the"
    " default."
)
class SaveAuthConnectionInput(WriteInput):
    name: str = strawberry.field(
        description="The name, such as acme-saml: 1 to 128 letters, digits and hyphens. The first character is not a"
        " hyphen. If no connection has this name, one is created."
    )
    strategy: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="The type of identity provider, with the name that Auth0 uses: auth0 (a database), custom, email,"
        " sms, google-oauth2, samlp, ... Needed for a new connection. It cannot be changed.",
    )
    import_mode: strawberry.Maybe[bool | None] = strawberry.field(
        default=None,
        description="Only for the strategy custom: whether this service stores the accounts and their passwords, as for"
        " the strategy auth0. The default is false.",
    )
    sync_root_attributes: strawberry.Maybe[SyncRootAttributes | None] = strawberry.field(
        default=None,
        description="When a login copies the root attributes from the identity provider. The default is ON_EACH_LOGIN.",
    )
    allows_sign_up: strawberry.Maybe[bool | None] = strawberry.field(
        default=None,
        description="Only for database connections: whether users can create an account with `signUp`. The default is"
        " false.",
    )


@write_input("The connection to delete.")
class DeleteAuthConnectionInput(WriteInput):
    name: str = strawberry.field(description="The name of the connection.")


@payload_type("The result of `saveAuthConnection`.")
class AuthConnectionPayload(Payload):
    kind = CONNECTION
    has_current = True
    auth_connection: AuthConnectionObject | None = strawberry.field(
        default=None,
        description="The connection after the change. After VERSION_CONFLICT: the current connection. null after any"
        " other error.",
    )


@payload_type("The result of `deleteAuthConnection`.")
class DeleteAuthConnectionPayload(Payload):
    # The connection is gone, so that only its name can be returned.
    deleted_name: str | None = strawberry.field(
        default=None, description="The name of the deleted connection. null: it was not deleted."
    )


@mutation(
    AuthConnectionPayload,
    "Creates a connection, or changes the settings of an existing connection.",
    Connections.save,
)
async def save_auth_connection(context: Context, input: SaveAuthConnectionInput) -> object:
    # Without `nullable`: no setting has null as a value, and a lost variable must not reset a setting to its default.
    given = given_fields(input, _SETTINGS)
    return await context.services.connections.save(context.principal, input.name, given, input.condition())


@mutation(
    DeleteAuthConnectionPayload,
    "Deletes a connection. Refused with NOT_EDITABLE while users belong to it, or while the operator has configured it"
    " for an issuer of tokens.",
    Connections.delete,
)
async def delete_auth_connection(context: Context, input: DeleteAuthConnectionInput) -> str:
    return await context.services.connections.delete(context.principal, input.name, input.condition())
