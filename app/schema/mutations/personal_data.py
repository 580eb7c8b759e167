"""The mutation exportPersonalData."""

import json
from typing import Any, Self, cast

import strawberry
from strawberry.scalars import JSON

from app.directives import CostWeight
from app.domain.attributes.nodes import NODES
from app.domain.attributes.users import USER
from app.domain.kinds import Attribute, Kind, Nested, Owned, Paged, Referenced
from app.domain.rows import to_camel
from app.schema.context import Context, Info
from app.schema.costs import EXPORTING
from app.schema.mutation_fields import mutation
from app.schema.mutations.emails import SelfActionInput
from app.schema.payloads import Payload, payload_type
from app.services.personal_data import MAX_BYTES, Export, PersonalData, Truncated

_PAGE = "pageInfo { hasNextPage endCursor }"
_LOCATION = "{ countryCode countryName cityName latitude longitude timeZone continentCode }"
_PERMISSION = "name api description"
# The selections of fields that are GraphQL objects but not rows, by kind and attribute.
_PARTS = {
    ("User", "root_attributes"): "{ name value source connection updatedAt }",
    ("User", "permissions"): f"{{ {_PERMISSION} sources {{ type roleId roleName }} }}",
    ("Role", "permissions"): f"{{ {_PERMISSION} }}",
    ("Device", "last_location"): _LOCATION,
    ("LogEvent", "location"): _LOCATION,
    ("LogEvent", "actor"): "{ kind id name }",
    ("LogEvent", "changes"): "{ path before after }",
}


def selection_of(kind: Kind, attribute: Attribute) -> str:
    """Returns the GraphQL selection that reads as much of the attribute as the export contains; "" for plain values."""
    match attribute:
        case Nested() | Referenced():
            return f"{{ {_personal(attribute.kind)} }}"
        case Owned():
            return f"{{ {_personal(NODES[attribute.of])} }}"
        case Paged():
            return f"{{ nodes {{ {_personal(NODES[attribute.of])} }} {_PAGE} }}"
    return _PARTS.get((kind.name, attribute.name), "")


def _personal(kind: Kind) -> str:
    # From the attribute table, so that a new personal attribute is in these queries without a change here.
    personal = (each for each in kind.attributes.values() if each.personal)
    return " ".join(f"{to_camel(each.name)} {selection_of(kind, each)}".rstrip() for each in personal)


@payload_type("The result of `exportPersonalData`.")
class ExportPersonalDataPayload(Payload):
    data: JSON | None = strawberry.field(
        default=None,
        description="A JSON object with names in snake_case: the profile in `user`, and the lists beside it, such as"
        f" `devices` and `log_events`. At most {MAX_BYTES // 1_000_000} MB. If there is more, the object also has"
        " `truncated`, with an entry for each part that is not complete: its `path`, the number of items that were"
        " `returned`, and the `query` and the `variables` to send for the rest. null: see `errors`.",
    )

    @classmethod
    async def of(cls, info: Info, written: Export) -> Self:
        return cls(data=cast("JSON", _to_data(written)))


@mutation(
    ExportPersonalDataPayload,
    "Returns everything that is stored about a user and that the caller may read, as one JSON object. The export is"
    " recorded in the history. It is a mutation, because it writes this event.",
    PersonalData.export,
    CostWeight(weight=EXPORTING),
)
async def export_personal_data(context: Context, input: SelfActionInput) -> Export:
    return await context.services.personal_data.export(context.principal, input.target())


def _to_data(export: Export) -> dict[str, Any]:
    # A complete export has no key `truncated` at all, so that a client cannot overlook it when there is one.
    if not export.truncated:
        return dict(export.data)
    return {**export.data, "truncated": [_to_entry(export.user_id, each) for each in export.truncated]}


def _to_entry(user_id: str, part: Truncated) -> dict[str, Any]:
    """Returns one entry of `truncated`, with a query that the client can send unchanged."""
    # Values of arguments are written into the query as JSON, which is also the GraphQL syntax for strings and numbers.
    arguments = ", ".join(f"{name}: {json.dumps(value)}" for name, value in part.arguments.items())
    field = to_camel(part.attribute) + (f"({arguments})" if arguments else "")
    selection = f"{field} {selection_of(USER, USER.attributes[part.attribute])}".rstrip()
    query = f"query($userId: String!) {{ user(by: {{userId: $userId}}) {{ {selection} }} }}"
    entry = {"path": part.path, "query": query, "variables": {"userId": user_id}}
    return entry if part.returned is None else {**entry, "returned": part.returned}
