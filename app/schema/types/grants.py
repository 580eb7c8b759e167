"""The type AuthorizedApplication."""

import strawberry

from app.domain.attributes.grants import GRANT
from app.schema.authorized import Node, row_type
from app.schema.costs import list_field
from app.schema.scalars import DateTime


@row_type(
    GRANT,
    "An application to which a user gave access to one API, as in the OAuth consent dialog. Access to two APIs is two"
    " objects.",
)
class AuthorizedApplication(Node):
    id: strawberry.ID
    client_id: str
    client_name: str | None
    audience: str
    # Users rarely grant more. The items of a longer list are taken from the budget of the answer.
    scopes: list[str] = list_field(10)
    granted_at: DateTime
