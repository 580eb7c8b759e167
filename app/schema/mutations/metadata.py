"""Changing user_metadata and app_metadata."""

import strawberry
from strawberry.scalars import JSON

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.metadata import Metadata

_PATCH = (
    "A JSON object, merged as RFC 7396 has it, to any depth: null deletes a key, {} changes nothing, arrays are"
    " replaced whole. Keys: 1 to 128 bytes without dots, no $ in front. At most 16 levels; 64 KB for the document,"
    " unless the operator says otherwise."
)


@strawberry.input
class MetadataInput(ProfileInput):
    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(default=False, description="Set the whole document to `patch` instead of merging.")


@write_input("A change of user_metadata.")
class UpdateUserMetadataInput(MetadataInput):
    pass


@write_input("A change of app_metadata.")
class UpdateAppMetadataInput(MetadataInput):
    user_id: str = strawberry.field(description="Whose profile.")


@mutation(UserPayload, "Merges into user_metadata, or replaces it.", Metadata.update_user_metadata)
async def update_user_metadata(context: Context, input: UpdateUserMetadataInput) -> User:
    metadata = context.services.metadata
    return await metadata.update_user_metadata(context.principal, input.target(), input.patch, input.replace)


@mutation(UserPayload, "Merges into app_metadata, or replaces it.", Metadata.update_app_metadata)
async def update_app_metadata(context: Context, input: UpdateAppMetadataInput) -> User:
    metadata = context.services.metadata
    return await metadata.update_app_metadata(context.principal, input.target(), input.patch, input.replace)
