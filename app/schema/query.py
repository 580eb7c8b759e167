"""What can be read."""

import re
from datetime import timedelta
from typing import Annotated, Any, cast

import strawberry

from app.directives import Constraint, ListSize
from app.domain import attributes
from app.domain.errors import ErrorCode, Forbidden, Refused
from app.domain.identifiers import fold
from app.domain.ids import Key, decode_id
from app.domain.paging import MAX_SIZE, Order
from app.domain.principals import ActorKind
from app.domain.roles import check_name_contains
from app.domain.rules import (
    CREATE_LOGINS,
    READ_CONNECTIONS,
    READ_LOGS,
    READ_ROLES,
    READ_USER,
    READ_USERS,
)
from app.domain.times import now
from app.schema.authorized import Node, authorized
from app.schema.context import Info, selection
from app.schema.costs import holds
from app.schema.mutations.connections import LoginRule, login_rules
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.scalars import DateTime
from app.schema.types.connections import AuthConnection
from app.schema.types.devices import Device
from app.schema.types.logs import LogEvent, Since, Until
from app.schema.types.roles import USERS, Role
from app.schema.types.users import User
from app.services.logs import listing
from app.services.reads import Listing, authenticated, require
from app.store.database import to_key
from app.store.documents import Filter

ROLES_BY_NAME = Order("name_folded", 1)

Ids = Annotated[list[strawberry.ID], strawberry.argument(directives=[Constraint(max_items=MAX_SIZE)])]


@strawberry.type(description="Who is calling, as the token says.")
class Caller:
    kind: ActorKind
    subject: str = strawberry.field(description="The token's `sub`.")
    tenant: str
    scopes: list[str] = holds(100)
    user: User | None = strawberry.field(
        description="The caller's own profile; null for an application.", directives=[authorized(READ_USER)]
    )


@strawberry.type(description="What this caller may do in the running window of time.")
class RateLimit:
    limit: int = strawberry.field(description="Units in a window; an operation takes one for each 100 of its cost.")
    cost: int = strawberry.field(description="Units that this operation took.")
    remaining: int = strawberry.field(description="Units left.")
    reset_at: DateTime = strawberry.field(description="When the window ends.")


@strawberry.input(description="An account with an identity provider. Social accounts are one through any connection.")
class IdentityInput:
    provider: str
    user_id: str
    connection: str | None = None


@strawberry.input(description="An address is unique in one connection only.")
class EmailInput:
    email: str
    connection: str


@strawberry.input(one_of=True, description="One way of naming a user.")
class UserBy:
    id: strawberry.Maybe[strawberry.ID]
    user_id: strawberry.Maybe[str]
    identity: strawberry.Maybe[IdentityInput]
    email: strawberry.Maybe[EmailInput]


@strawberry.type(description="What can be read. A field that is refused is null, and says so in `errors`.")
class Query:
    @strawberry.field(description="Who is calling, as the token says.")
    def caller(self, info: Info) -> Caller | None:
        return cast("Caller", CallerAnswer(info))

    @strawberry.field(
        description="The caller's own profile; null for a token that speaks for an application.",
        directives=[authorized(READ_USER)],
    )
    def viewer(self, info: Info) -> User | None:
        return cast("User | None", _own_profile(info))

    @strawberry.field(
        description="null when there is none such, or none that the caller may see.",
        directives=[authorized(READ_USER)],
    )
    async def user(self, info: Info, by: UserBy) -> User | None:
        context = info.context
        keys = await _keys(info, by)
        return cast(
            "User | None",
            await context.services.reads.get(context.principal, attributes.USER, keys, selection(info)),
        )

    @strawberry.field(
        description="Newest first. Keyset-paged: any page costs the same.", directives=[authorized(READ_USERS)]
    )
    async def users(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[User] | None:
        return cast("Connection[User]", await page(info, USERS, first, after, last, before))

    @strawberry.field(description="Whatever has this global id; null where that is nothing, or nothing to be seen.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        found = (await _nodes(info, [id], "id"))[0]
        if isinstance(found, Forbidden):
            raise found
        return cast("Node | None", found)

    @strawberry.field(
        description="As `node`, at most 100, in the order of the ids.",
        directives=[ListSize(slicing_arguments=["ids"])],
    )
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None] | None:
        return cast("list[Node | None]", await _nodes(info, ids, "ids"))

    @strawberry.field(directives=[authorized(READ_ROLES)])
    async def role(self, info: Info, role_id: str) -> Role | None:
        context = info.context
        keys = {"role_id": role_id}
        return cast(
            "Role | None", await context.services.reads.get(context.principal, attributes.ROLE, keys, selection(info))
        )

    @strawberry.field(description="By name.", directives=[authorized(READ_ROLES)])
    async def roles(
        self,
        info: Info,
        name_contains: Annotated[str | None, strawberry.argument(description="Without regard to case.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Role] | None:
        where: Filter = {}
        if name_contains is not None:
            check_name_contains(name_contains)
            where = {"name_folded": {"$regex": re.escape(fold(name_contains))}}
        roles = Listing(attributes.ROLE, where, ROLES_BY_NAME, (name_contains,))
        return cast("Connection[Role]", await page(info, roles, first, after, last, before))

    @strawberry.field(
        description="Every connection of the tenant, by name.",
        directives=[authorized(READ_CONNECTIONS), ListSize(assumed_size=100)],
    )
    async def auth_connections(self, info: Info) -> list[AuthConnection] | None:
        context = info.context
        rows = await context.services.reads.find(context.principal, attributes.CONNECTION, {}, selection(info))
        return cast("list[AuthConnection]", sorted(rows, key=lambda row: row.document["name"]))

    @strawberry.field(description="The tenant's events, newest first.", directives=[authorized(READ_LOGS)])
    async def log_events(
        self,
        info: Info,
        since: Since = None,
        until: Until = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LogEvent] | None:
        events = listing(since, until, None, (since, until))
        return cast("Connection[LogEvent]", await page(info, events, first, after, last, before))

    login_rules: list[LoginRule] | None = strawberry.field(
        resolver=login_rules,
        description="Every login rule that is installed, by name.",
        directives=[authorized(READ_CONNECTIONS), ListSize(assumed_size=20)],
    )

    @strawberry.field(
        description="The device whose credential has this SHA-256 and still stands; null where it was revoked, has"
        " expired, or its user is blocked.",
        directives=[authorized(CREATE_LOGINS)],
    )
    async def device_credential(
        self,
        info: Info,
        token_hash: Annotated[str, strawberry.argument(description="64 hexadecimal digits in lower case.")],
    ) -> Device | None:
        context = info.context
        key = await context.services.devices.standing(context.principal, token_hash)
        if key is None:
            return None
        reads = context.services.reads
        row = await reads.get(context.principal, attributes.DEVICE, {"_id": key}, selection(info), written=True)
        return cast("Device | None", row)

    @strawberry.field(description="What this caller has left; null where there is no limit.")
    def rate_limit(self, info: Info) -> RateLimit | None:
        authenticated(info.context.principal)
        rate = info.context.rate
        if rate is None:
            return None
        reset_at = DateTime(now() + timedelta(seconds=rate.ends_in))
        return RateLimit(limit=rate.limit, cost=rate.cost, remaining=rate.remaining, reset_at=reset_at)


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


async def _keys(info: Info, by: UserBy) -> Filter:
    users = info.context.services.users
    if by.id:
        kind, key = _known_id(by.id.value, ("by", "id"))
        if kind != "User":
            raise Refused(ErrorCode.INVALID_INPUT, "That is no id of a user.", ("by", "id"))
        return {"_id": key}
    if by.user_id:
        return {"user_id": by.user_id.value}
    if by.email:
        return await users.by_email(info.context.principal, by.email.value.email, by.email.value.connection)
    assert by.identity
    named = by.identity.value
    return await users.by_identity(info.context.principal, named.provider, named.user_id, named.connection)


async def _nodes(info: Info, ids: list[strawberry.ID], argument: str) -> list[Any]:
    """One command for each kind among the ids, however many there are. `argument` is what errors name."""
    known = [_known_id(each, (argument,)) for each in ids]
    context = info.context
    found: dict[tuple[str, Any], Any] = {}
    for kind in {name for name, _ in known}:
        wanted = [each for each in known if each[0] == kind]
        where = {"_id": {"$in": [key for _, key in wanted]}}
        try:
            rows = await context.services.reads.find(context.principal, attributes.NODES[kind], where, selection(info))
            found.update({(kind, row.document["_id"]): row for row in rows})
        except Forbidden as refusal:
            # In the place of each: a denial nulls what it is about, and nothing beside it.
            found.update(dict.fromkeys(wanted, refusal))
    return [found.get(each) for each in known]


def _known_id(id: str, path: tuple[str, ...]) -> tuple[str, Key]:
    """(type, `_id`); Refused for what this API never gave out."""
    kind, key = decode_id(id) or ("", "")
    stored = to_key(key)
    if kind not in attributes.NODES or stored is None:
        raise Refused(ErrorCode.INVALID_INPUT, f"{path[-1]} is not a global id of this API.", path)
    return kind, stored
