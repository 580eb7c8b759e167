"""The type LogEvent, and its parts."""

from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from app.directives import ListSize
from app.domain.attributes.logs import LOG_EVENT
from app.schema.authorized import Node, row_type
from app.schema.costs import JSON_DOCUMENT, costly_field
from app.schema.enums import ActorKind, LogEventType
from app.schema.lists import FirstOf, head
from app.schema.scalars import DateTime

Since = Annotated[DateTime | None, strawberry.argument(description="Return only events at this time or later.")]
Until = Annotated[DateTime | None, strawberry.argument(description="Return only events before this time.")]


@strawberry.type(name="FieldChange", description="The change of one field of a profile.")
class FieldChangeObject:
    path: str = strawberry.field(
        description="The field, with dots and names in snake_case as in `User.raw`: user_metadata.address.city."
    )
    # Values can be large, so that a change costs more than its three fields.
    before: JSON | None = costly_field(
        2,
        "The value before the change. null: the field had no value. A value of more than 4 KB is replaced by"
        " {too_large: true, bytes: 5000}.",
    )
    after: JSON | None = costly_field(
        2,
        "The value after the change. null: the field has no value any more. Large values are replaced as in `before`.",
    )


@strawberry.type(name="Actor", description="Who caused an event.")
class ActorObject:
    kind: ActorKind = strawberry.field(description="Whether it was a user, an application or this service.")
    id: str = strawberry.field(
        description='The claim `sub` of the actor\'s token. For this service, the value is the text "profile-api". For'
        ' a user who was deleted with `erase`, it is the text "erased".'
    )
    name: str | None = strawberry.field(
        description="The name of the user. null: the actor is not a user, or the caller may not see the name."
    )


@strawberry.type(
    name="Location",
    description="The approximate location of an IP address. The operator configures the database of locations. A field"
    " is null if the database does not have the value.",
)
class LocationObject:
    country_code: str | None = strawberry.field(description="The country, as ISO 3166-1 alpha-2 code: FR.")
    country_name: str | None = strawberry.field(description="The English name of the country: France.")
    city_name: str | None = strawberry.field(description="The English name of the city: Lyon.")
    latitude: float | None = strawberry.field(description="The latitude in degrees (WGS 84), -90 to 90.")
    longitude: float | None = strawberry.field(description="The longitude in degrees (WGS 84), -180 to 180.")
    time_zone: str | None = strawberry.field(description="The time zone, as IANA name: Europe/Paris.")
    continent_code: str | None = strawberry.field(description="The continent, as two letters: EU.")


@row_type(
    LOG_EVENT,
    "An entry of the history: something that happened to a user, or to a role, connection or login rule of the tenant."
    " Events are deleted after 30 days, unless the operator sets another time.",
)
class LogEventObject(Node):
    id: strawberry.ID
    log_id: str
    type: LogEventType
    code: str
    description: str | None
    date: DateTime
    user_id: str | None
    user_name: str | None
    user_version: int | None
    actor: ActorObject | None
    client_id: str | None
    client_name: str | None
    connection: str | None
    strategy: str | None
    ip: str | None
    location: LocationObject | None
    user_agent: str | None
    is_mobile: bool | None

    # Most events change a few fields. The items of longer lists are taken from the budget of the answer.
    @strawberry.field(directives=[ListSize(assumed_size=10)])
    def changes(root: strawberry.Parent[Any], first: FirstOf = None) -> list[FieldChangeObject] | None:  # noqa: N805
        return head(root.read("changes"), first)

    reason: str | None
    details: JSON | None = costly_field(JSON_DOCUMENT)
