"""The queries about the caller: `caller` and `viewer`."""

from typing import Any, cast

import strawberry

from app.domain.principals import ActorKind
from app.domain.rules import READ_USER
from app.policy.rules import authenticated, require
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.costs import list_field
from app.schema.types.users import UserObject

# The fields that return the caller's own profile. The engine reads what they select together with the identity of the
# caller, so that a page of a user needs one database command, not two.
OWN_PATHS = (("viewer",), ("caller", "user"))


@strawberry.type(description="Who sends the request, according to the token.")
class Caller:
    kind: ActorKind = strawberry.field(description="Whether the token belongs to a user or to an application.")
    subject: str = strawberry.field(description="The claim `sub` of the token.")
    tenant: str = strawberry.field(
        description="The tenant of the token: the set of users, roles and connections that the caller works with."
    )
    scopes: list[str] = list_field(100, "The scopes of the token, in alphabetical order: [read:current_user].")
    user: UserObject | None = strawberry.field(
        description="The caller's own profile, as in `Query.viewer`.", directives=[authorized(READ_USER)]
    )


@strawberry.type
class CallerQueries:
    @strawberry.field(description="Who sends the request, according to the token. Every valid token may read it.")
    def caller(self, info: Info) -> Caller | None:
        return cast("Caller", CallerValue(info))

    @strawberry.field(
        description="The caller's own profile. null: the token belongs to an application, or to a user who has no"
        " profile yet.",
        directives=[authorized(READ_USER)],
    )
    def viewer(self, info: Info) -> UserObject | None:
        return cast("UserObject | None", _own_profile(info))


class CallerValue:
    """The value of `Query.caller`. `user` is checked only when it is selected, so that a refusal affects one field."""

    def __init__(self, info: Info) -> None:
        principal = authenticated(info.context.principal)
        self.kind, self.subject, self.tenant = principal.kind, principal.subject, principal.tenant
        self.scopes = sorted(principal.scopes)
        self._info = info

    @property
    def user(self) -> Any:
        return _own_profile(self._info)


def _own_profile(info: Info) -> Any:
    principal = authenticated(info.context.principal)
    if principal.kind is ActorKind.APPLICATION:
        return None
    # The profile was read to identify the caller, which needs no scope. Returning it does.
    require(principal, READ_USER, is_self=True)
    return info.context.viewer
