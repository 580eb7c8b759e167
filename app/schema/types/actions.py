"""The type of `viewerActions`."""

import strawberry

from app.directives import ListSize
from app.schema.scalars import RefusalCode, UserActionName


@strawberry.type(
    name="UserAction", description="Something that can be done to a user, and whether this caller could do it now."
)
class UserActionObject:
    name: UserActionName
    allowed: bool
    code: RefusalCode | None = strawberry.field(description="Why not, for programs.")
    reason: str | None = strawberry.field(description="Why not, in words for a person who uses the product.")
    missing_scopes: list[str] = strawberry.field(
        description="What the caller's token lacks; empty where no scope would help.",
        directives=[ListSize(assumed_size=10)],
    )
