"""The mutations updateUserMetadata and updateAppMetadata."""

import strawberry
from strawberry.scalars import JSON

from app.domain.metadata import MAX_DEPTH
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import OTHER_USER, ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.metadata import Metadata

_PATCH = (
    "A JSON object that is merged into the document, as RFC 7396 (JSON Merge Patch) defines: a key with a value is"
    " set, a key with null is deleted, nested objects are merged, an array replaces the whole array, and other keys"
    " stay as they"
    ' are. {address: {city: "Lyon"}} changes only the city. Keys have 1 to 128 bytes, contain no dot and do not begin'
    " with"
    f" $. At most {MAX_DEPTH} levels. The document has at most 64 KB as JSON, unless the operator sets another limit. A"
    " larger document is refused with TOO_LARGE."
)


@strawberry.input
class MetadataInput(ProfileInput):
    """The common fields of both inputs. The schema does not print this class."""

    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(
        default=False, description="Whether `patch` replaces the whole document instead of being merged into it."
    )


@write_input("A change of the user_metadata of a user.")
class UpdateUserMetadataInput(MetadataInput):
    pass


@write_input("A change of the app_metadata of a user.")
class UpdateAppMetadataInput(MetadataInput):
    # Needed here, because users never change their own app_metadata: a default would only hide a mistake.
    user_id: str = strawberry.field(description=OTHER_USER)


@mutation(
    UserPayload,
    "Changes user_metadata: the data that the user may read and change. Changes of different keys at the same time do"
    " not overwrite each other.",
    Metadata.update_user_metadata,
)
async def update_user_metadata(context: Context, input: UpdateUserMetadataInput) -> User:
    metadata = context.services.metadata
    return await metadata.update_user_metadata(context.principal, input.target(), input.patch, input.replace)


@mutation(
    UserPayload,
    "Changes app_metadata: the data that the user can neither read nor change. Reserved keys, such as email"
    " and blocked, are refused with FORBIDDEN_FIELD.",
    Metadata.update_app_metadata,
)
async def update_app_metadata(context: Context, input: UpdateAppMetadataInput) -> User:
    metadata = context.services.metadata
    return await metadata.update_app_metadata(context.principal, input.target(), input.patch, input.replace)
