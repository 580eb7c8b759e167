"""The typed filter and the order of users, and the fields that can be searched."""

from dataclasses import fields
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from app.directives import Constraint, CostWeight
from app.schema.costs import SEARCHING
from app.schema.enums import OrderDirection, SearchFieldType, UserOrderField
from app.schema.scalars import DateTime

_UNSET: Any = strawberry.UNSET
# Items of each list of a filter. The filter as a whole has a bound too.
MAX_VALUES = 100


@strawberry.input(
    description="A condition on a text. Case and accents do not count, except in user IDs. All operators must match."
)
class TextFilter:
    eq: str | None = strawberry.field(default=_UNSET, description="The whole text.")
    in_: list[str] | None = strawberry.field(
        name="in", default=_UNSET, description="One of these texts.", directives=[Constraint(max_items=MAX_VALUES)]
    )
    starts_with: str | None = strawberry.field(default=_UNSET, description="The beginning of the text.")
    contains: str | None = strawberry.field(default=_UNSET, description="A part of the text: at least 3 letters.")
    exists: bool | None = strawberry.field(default=_UNSET, description="Whether the user has a value.")


@strawberry.input(description="A condition on a number. All operators must match.")
class NumberFilter:
    eq: int | None = strawberry.field(default=_UNSET, description="Equal to this number.")
    gte: int | None = strawberry.field(default=_UNSET, description="At least this number.")
    gt: int | None = strawberry.field(default=_UNSET, description="More than this number.")
    lte: int | None = strawberry.field(default=_UNSET, description="At most this number.")
    lt: int | None = strawberry.field(default=_UNSET, description="Less than this number.")
    exists: bool | None = strawberry.field(default=_UNSET, description="Whether the user has a value.")


@strawberry.input(description="A condition on a time. All operators must match.")
class TimeFilter:
    gte: DateTime | None = strawberry.field(default=_UNSET, description="At this time or later.")
    gt: DateTime | None = strawberry.field(default=_UNSET, description="Later than this time.")
    lte: DateTime | None = strawberry.field(default=_UNSET, description="At this time or earlier.")
    lt: DateTime | None = strawberry.field(default=_UNSET, description="Earlier than this time.")
    exists: bool | None = strawberry.field(default=_UNSET, description="Whether the user has a value.")


@strawberry.input(
    description="A condition on a value of a metadata document. Values are compared within their JSON type: 5 does not"
    ' match "5". A path to an array matches when one of its elements does. All operators must match.'
)
class MetadataFilter:
    path: str = strawberry.field(description="Dotted path inside the document, such as `address.city`.")
    eq: JSON | None = strawberry.field(
        default=_UNSET, description="Equal to this text, number or boolean; null: the path has no value."
    )
    in_: list[JSON] | None = strawberry.field(
        name="in",
        default=_UNSET,
        description="Equal to one of these values.",
        directives=[Constraint(max_items=MAX_VALUES)],
    )
    starts_with: str | None = strawberry.field(default=_UNSET, description="The beginning of a text.")
    contains: str | None = strawberry.field(default=_UNSET, description="A part of a text: at least 3 letters.")
    gte: JSON | None = strawberry.field(default=_UNSET, description="At least this number or text.")
    gt: JSON | None = strawberry.field(default=_UNSET, description="More than this number or text.")
    lte: JSON | None = strawberry.field(default=_UNSET, description="At most this number or text.")
    lt: JSON | None = strawberry.field(default=_UNSET, description="Less than this number or text.")
    exists: bool | None = strawberry.field(default=_UNSET, description="Whether the path has a value.")


@strawberry.input(
    description="The typed twin of the search language: both find the same users. All fields of a filter must match. A"
    " filter without fields matches every user."
)
class UserFilter:
    user_id: TextFilter | None = strawberry.field(default=_UNSET, description="`strategy|id`, with its case.")
    email: TextFilter | None = strawberry.field(default=_UNSET, description="The current e-mail address.")
    name: TextFilter | None = strawberry.field(default=_UNSET, description="The full name.")
    username: TextFilter | None = strawberry.field(default=_UNSET, description="The name to sign in with.")
    phone_number: TextFilter | None = strawberry.field(default=_UNSET, description="In E.164 format.")
    connection: str | None = strawberry.field(
        default=_UNSET, description="The name of a connection in which the user has an identity."
    )
    role: str | None = strawberry.field(default=_UNSET, description="The role ID or the name of a role of the user.")
    blocked: bool | None = strawberry.field(default=_UNSET, description="Whether the user is blocked.")
    email_verified: bool | None = strawberry.field(
        default=_UNSET, description="Whether the e-mail address was verified."
    )
    logins_count: NumberFilter | None = strawberry.field(default=_UNSET, description="How often the user signed in.")
    created_at: TimeFilter | None = strawberry.field(default=_UNSET, description="When the profile was created.")
    updated_at: TimeFilter | None = strawberry.field(default=_UNSET, description="When `version` last changed.")
    last_login: TimeFilter | None = strawberry.field(default=_UNSET, description="When the user last signed in.")
    user_metadata: list[MetadataFilter] | None = strawberry.field(
        default=_UNSET,
        description="Conditions on user_metadata. All of them must match.",
        directives=[Constraint(max_items=MAX_VALUES)],
    )
    app_metadata: list[MetadataFilter] | None = strawberry.field(
        default=_UNSET,
        description="Conditions on app_metadata. All of them must match.",
        directives=[Constraint(max_items=MAX_VALUES)],
    )
    and_: list["UserFilter"] | None = strawberry.field(
        name="and",
        default=_UNSET,
        description="Filters that must all match.",
        directives=[Constraint(max_items=MAX_VALUES)],
    )
    or_: list["UserFilter"] | None = strawberry.field(
        name="or",
        default=_UNSET,
        description="Filters of which one must match.",
        directives=[Constraint(max_items=MAX_VALUES)],
    )
    not_: "UserFilter | None" = strawberry.field(
        name="not", default=_UNSET, description="A filter that must not match."
    )


@strawberry.input(
    description="The order of users. Users without a value are first in ascending and last in descending order."
)
class UserOrder:
    by: UserOrderField = strawberry.field(description="What decides the order. Equal values are ordered by age.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Ascending or descending.")


@strawberry.type(name="SearchField", description="A field of the search language.")
class SearchFieldObject:
    name: str = strawberry.field(
        description="The name in the search language. `user_metadata.*` means any path inside the document."
    )
    type: SearchFieldType = strawberry.field(description="The type of its values.")
    searchable: bool = strawberry.field(description="Whether queries can name the field.")
    sortable: bool = strawberry.field(description="Whether users can be sorted by the field.")
    description: str | None = strawberry.field(description="What the field contains.")
    example: str | None = strawberry.field(description="A query that uses the field.")


Query = Annotated[
    str | None,
    strawberry.argument(
        description='A query in Lucene syntax, such as `jane`, `email:"jane@example.com"` or'
        " `user_metadata.lang:fr AND last_login:<now-90d`. `searchFields` lists the fields. At most 4,000 characters.",
        directives=[CostWeight(weight=SEARCHING)],
    ),
]
Where = Annotated[
    UserFilter | None,
    strawberry.argument(description="A typed filter.", directives=[CostWeight(weight=SEARCHING)]),
]
OrderBy = Annotated[
    UserOrder | None, strawberry.argument(description="The order of the list. Without it: newest first.")
]


def to_mapping(value: Any) -> Any:
    """An input object as a mapping, without the fields that the caller left out."""
    if isinstance(value, list) and any(map(_is_input, value)):
        return [to_mapping(each) for each in value]
    if not _is_input(value):
        # A scalar. JSON is not looked into, because it can nest deeper than the stack of Python.
        return value
    given = {each.name: getattr(value, each.name) for each in fields(value)}
    return {name: to_mapping(each) for name, each in given.items() if each is not strawberry.UNSET}


def _is_input(value: Any) -> bool:
    return hasattr(type(value), "__strawberry_definition__")
