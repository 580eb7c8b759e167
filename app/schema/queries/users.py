"""The queries `user` and `users`."""

from typing import Annotated, cast

import strawberry

from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq, Filter
from app.domain.kinds import Order
from app.domain.paging import ListQuery
from app.domain.rules import READ_USER, READ_USERS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.ids import read_id
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.users import UserObject

# An index has this order for each tenant, so that every page costs the same.
ALL_USERS = ListQuery(USER, Order("created_at", -1))


@strawberry.input(
    description='An account at an identity provider: {provider: "google-oauth2", userId: "103547991597142817347"}. A'
    " linked"
    " account finds the profile that it is linked to."
)
class IdentityInput:
    provider: str = strawberry.field(description="The strategy: google-oauth2, auth0, samlp, ...")
    user_id: str = strawberry.field(description="The id that the identity provider gave to the account.")
    connection: str | None = strawberry.field(
        default=None,
        description="The name of the connection. It can be left out for social accounts, which are the same in every"
        " connection of their provider, and for a strategy with only one connection.",
    )


@strawberry.input(description="An e-mail address, and the connection in which to look for it.")
class EmailInput:
    email: str = strawberry.field(description="The e-mail address, in upper or lower case.")
    connection: str = strawberry.field(
        description="The name of the connection. The same e-mail address can belong to different users in different"
        " connections."
    )


@strawberry.input(one_of=True, description='How to find a user. Give exactly one field: {userId: "auth0|john.doe"}.')
class UserBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(default=None, description="The global id, `User.id`.")
    user_id: strawberry.Maybe[str] = strawberry.field(
        default=None, description="The readable id, `User.userId`: auth0|john.doe."
    )
    identity: strawberry.Maybe[IdentityInput] = strawberry.field(
        default=None, description="One of the accounts of the user."
    )
    email: strawberry.Maybe[EmailInput] = strawberry.field(
        default=None, description="The e-mail address of the user in a connection."
    )


@strawberry.type
class UserQueries:
    @strawberry.field(
        description="One user. null: the user does not exist, or the caller may not know that the user exists.",
        directives=[authorized(READ_USER)],
    )
    async def user(
        self, info: Info, by: Annotated[UserBy, strawberry.argument(description="How to find the user.")]
    ) -> UserObject | None:
        context = info.context
        where = await _filter_of(info, by)
        return cast(
            "UserObject | None",
            await context.services.reads.get(context.principal, USER, where, info.context.selection(info)),
        )

    @strawberry.field(description="All users of the tenant, newest account first.", directives=[authorized(READ_USERS)])
    async def users(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UserObject] | None:
        return cast("Connection[UserObject]", await page(info, ALL_USERS, first, after, last, before))


# GraphQL checks @oneOf: exactly one of the four fields has a value.
async def _filter_of(info: Info, by: UserBy) -> Filter:
    users = info.context.services.users
    if by.id:
        kind, key = read_id(by.id.value, ("by", "id"))
        if kind != "User":
            raise Refused(ErrorCode.INVALID_INPUT, "id must be the global id of a user.", ("by", "id"))
        return Eq("_id", key)
    if by.user_id:
        return Eq("user_id", by.user_id.value)
    if by.email:
        return await users.by_email(info.context.principal, by.email.value.email, by.email.value.connection)
    assert by.identity
    named = by.identity.value
    return await users.by_identity(info.context.principal, named.provider, named.user_id, named.connection)
