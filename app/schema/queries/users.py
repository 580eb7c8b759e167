"""Users, one or many."""

from typing import cast

import strawberry

from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq, Filter
from app.domain.kinds import Order
from app.domain.paging import ListQuery
from app.domain.rules import READ_USER, READ_USERS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.ids import known_id
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.users import UserObject

ALL_USERS = ListQuery(USER, Order("created_at", -1))


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


@strawberry.type
class UserQueries:
    @strawberry.field(
        description="null when there is none such, or none that the caller may see.",
        directives=[authorized(READ_USER)],
    )
    async def user(self, info: Info, by: UserBy) -> UserObject | None:
        context = info.context
        where = await _named(info, by)
        return cast(
            "UserObject | None",
            await context.services.reads.get(context.principal, USER, where, info.context.selection(info)),
        )

    @strawberry.field(
        description="Newest first. Keyset-paged: any page costs the same.", directives=[authorized(READ_USERS)]
    )
    async def users(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UserObject] | None:
        return cast("Connection[UserObject]", await page(info, ALL_USERS, first, after, last, before))


async def _named(info: Info, by: UserBy) -> Filter:
    users = info.context.services.users
    if by.id:
        kind, key = known_id(by.id.value, ("by", "id"))
        if kind != "User":
            raise Refused(ErrorCode.INVALID_INPUT, "That is no id of a user.", ("by", "id"))
        return Eq("_id", key)
    if by.user_id:
        return Eq("user_id", by.user_id.value)
    if by.email:
        return await users.by_email(info.context.principal, by.email.value.email, by.email.value.connection)
    assert by.identity
    named = by.identity.value
    return await users.by_identity(info.context.principal, named.provider, named.user_id, named.connection)
