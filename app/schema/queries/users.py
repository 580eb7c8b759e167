"""The queries `user` and `users`."""

from typing import Annotated, cast

import strawberry

from app.directives import ListSize
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq, Filter
from app.domain.rules import READ_USER, READ_USERS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.enums import SearchedType
from app.schema.ids import read_id
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.searches import OrderBy, Query, SearchFieldObject, Where, to_mapping
from app.schema.types.users import UserObject
from app.services.searches import search_fields


@strawberry.input(
    description='An account at an identity provider: {provider: "google-oauth2", userId: "103547991597142817347"}. For'
    " a linked account, the result is the profile that it is linked to."
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
        description="One user. null: the user does not exist, or the caller has no right to know that the user exists.",
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

    @strawberry.field(
        description="The users of the tenant that match both `query` and `where`. Without them: all users.",
        directives=[authorized(READ_USERS)],
    )
    async def users(
        self,
        info: Info,
        query: Query = None,
        where: Where = None,
        order_by: OrderBy = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[UserObject] | None:
        context = info.context
        order = None if order_by is None else (order_by.by, order_by.direction)
        users = await context.services.searches.find(context.principal, query, to_mapping(where), order)
        for code, message in (await context.services.searches.warnings(context.principal, users)).items():
            context.run.warn(code, message)
        return cast("Connection[UserObject]", await page(info, users, first, after, last, before))

    @strawberry.field(
        description="The fields by which the caller may search and sort, for completion, forms and documentation. Empty"
        " for a caller who may not list users.",
        directives=[ListSize(assumed_size=25)],
    )
    def search_fields(
        self,
        info: Info,
        of: Annotated[SearchedType, strawberry.argument(description="What is searched.")] = SearchedType.USER,
    ) -> list[SearchFieldObject] | None:
        return cast("list[SearchFieldObject]", search_fields(info.context.principal))


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
