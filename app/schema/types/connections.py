"""The type AuthConnection."""

import strawberry

from app.domain.attributes.connections import CONNECTION
from app.schema.authorized import Node, row_type
from app.schema.enums import AuthConnectionKind, SyncRootAttributes


@row_type(
    CONNECTION,
    "A connection: one configured source of accounts, such as google-oauth2 or acme-saml. Lists with pages, such as"
    " UserConnection, are something else.",
)
class AuthConnectionObject(Node):
    # Not nullable: one rule opens the whole object, so that no single field can be refused.
    id: strawberry.ID
    name: str
    strategy: str
    kind: AuthConnectionKind
    is_social: bool
    import_mode: bool
    allows_sign_up: bool
    sync_root_attributes: SyncRootAttributes
    version: int
