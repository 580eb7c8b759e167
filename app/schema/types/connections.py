"""The type AuthConnection: a connection by which users log in."""

import strawberry

from app.domain.attributes.connections import CONNECTION
from app.schema.authorized import Node, row_type
from app.schema.scalars import AuthConnectionKind, SyncRootAttributes


@row_type(
    CONNECTION,
    "How users of one identity provider come in. (A Relay connection is something else: UserConnection.)",
)
class AuthConnectionObject(Node):
    id: strawberry.ID
    name: str
    strategy: str
    kind: AuthConnectionKind
    is_social: bool
    import_mode: bool
    allows_sign_up: bool
    sync_root_attributes: SyncRootAttributes
    version: int
