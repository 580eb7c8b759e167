"""Log events."""

from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from app.directives import ListSize
from app.domain.attributes.logs import LOG_EVENT
from app.schema.authorized import Node, row_type
from app.schema.costs import JSON_DOCUMENT, weighs
from app.schema.lists import FirstOf, head
from app.schema.scalars import ActorKind, DateTime, LogEventType

Since = Annotated[DateTime | None, strawberry.argument(description="Only events of this time or later.")]
Until = Annotated[DateTime | None, strawberry.argument(description="Only events before this time.")]


@strawberry.type(name="FieldChange", description="`path` is dotted snake_case as in `raw`: user_metadata.address.city.")
class FieldChangeObject:
    path: str
    before: JSON | None = weighs(2)
    after: JSON | None = weighs(2)


@strawberry.type(name="Actor", description="Who did something.")
class ActorObject:
    kind: ActorKind
    id: str
    name: str | None


@strawberry.type(name="Location", description="A place, as far as an address tells it.")
class LocationObject:
    country_code: str | None
    country_name: str | None
    city_name: str | None
    latitude: float | None
    longitude: float | None
    time_zone: str | None
    continent_code: str | None


@row_type(LOG_EVENT, "Something that happened to an account, and what it changed.")
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

    @strawberry.field(directives=[ListSize(assumed_size=10)])
    def changes(root: strawberry.Parent[Any], first: FirstOf = None) -> list[FieldChangeObject] | None:  # noqa: N805
        return head(root.read("changes"), first)

    reason: str | None
    details: JSON | None = weighs(JSON_DOCUMENT)
