"""Authorized applications."""

import strawberry

from app.domain.attributes.grants import GRANT
from app.schema.authorized import Node, row_type
from app.schema.costs import holds
from app.schema.scalars import DateTime


@row_type(GRANT, "What a user allowed an application to do for them, with one API.")
class AuthorizedApplication(Node):
    id: strawberry.ID
    client_id: str
    client_name: str | None
    audience: str
    scopes: list[str] = holds(10)
    granted_at: DateTime
