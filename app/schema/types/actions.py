"""The type UserAction, for `User.viewerActions`."""

import strawberry

from app.schema.costs import list_field
from app.schema.enums import RefusalCode, UserActionName


# Not a row: policy computes the actions of a user from the row of the user and from the token.
@strawberry.type(name="UserAction", description="An action on a user, and whether the caller can do it now.")
class UserActionObject:
    name: UserActionName = strawberry.field(description="The action.")
    allowed: bool = strawberry.field(
        description="Whether the mutation would accept the caller, the profile and the connection as they are now."
    )
    code: RefusalCode | None = strawberry.field(
        description="Why the action is not possible, as a code for your program. null: it is possible."
    )
    reason: str | None = strawberry.field(
        description="Why the action is not possible, as an English sentence for the person who uses your product. null:"
        " it is possible."
    )
    missing_scopes: list[str] = list_field(
        10,
        "The scopes that the token lacks, if scopes are the reason. Empty: the token has all scopes, or no scope would"
        " help.",
    )
