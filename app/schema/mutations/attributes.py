"""Changing root attributes."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, given_root_attributes, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.attributes import RootAttributes


@write_input("A change of root attributes. Absent: unchanged. null: cleared, where the connection lets it be.")
class UpdateRootAttributesInput(ProfileInput):
    name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    given_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    family_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    nickname: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    picture: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="An https URL of at most 2048 characters."
    )


@mutation(UserPayload, "Absent: unchanged. null: cleared, where the connection lets it be.", RootAttributes.update)
async def update_root_attributes(context: Context, input: UpdateRootAttributesInput) -> User:
    values = given_root_attributes(input)
    return await context.services.root_attributes.update(context.principal, input.target(), values)
