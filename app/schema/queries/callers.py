"""The queries about the caller: `viewer` and the caller's scopes."""

from typing import Any, cast

import strawberry

from app.domain.principals import ActorKind
from app.domain.rules import READ_USER
from app.policy.rules import authenticated, require
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.types.users import UserObject

# Where a query asks for the caller's own profile, which is read while finding out who calls.
OWN_PATHS = (("viewer",), ("caller", "user"))


@strawberry.type(description="Who is calling, as the token says.")
class Caller:
    kind: ActorKind
    subject: str = strawberry.field(description="The token's `sub`.")
    tenant: str
    scopes: list[str] = holds(100)
    user: UserObject | None = strawberry.field(
        description="The caller's own profile; null for an application.", directives=[authorized(READ_USER)]
    )


@strawberry.type
class CallerQueries:
    @strawberry.field(description="Who is calling, as the token says.")
    def caller(self, info: Info) -> Caller | None:
        return cast("Caller", CallerAnswer(info))

    @strawberry.field(
        description="The caller's own profile; null for a token that speaks for an application.",
        directives=[authorized(READ_USER)],
    )
    def viewer(self, info: Info) -> UserObject | None:
        return cast("UserObject | None", _own_profile(info))


class CallerAnswer:
    """`user` is asked for only when it is selected, so that a denial nulls one field."""

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
    require(principal, READ_USER, is_self=True)
    return info.context.viewer
