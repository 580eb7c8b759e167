"""Exporting what is held about a user."""

from typing import cast

import strawberry
from strawberry.scalars import JSON

from app.domain.errors import Refused
from app.schema.context import Info
from app.schema.emails import SelfActionInput
from app.schema.inputs import to_target
from app.schema.payloads import MutationError, to_errors


@strawberry.type(description="Everything held about the user that the caller may read, in snake_case.")
class ExportPersonalDataPayload:
    data: JSON | None
    errors: list[MutationError]


async def export_personal_data(info: Info, input: SelfActionInput) -> ExportPersonalDataPayload | None:
    personal_data = info.context.services.personal_data
    try:
        data = await personal_data.export(info.context.principal, to_target(input))
    except Refused as refusal:
        return ExportPersonalDataPayload(data=None, errors=to_errors([refusal]))
    return ExportPersonalDataPayload(data=cast("JSON", data), errors=[])
