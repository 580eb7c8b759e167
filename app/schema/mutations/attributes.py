"""The mutation updateRootAttributes."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, changed_root_attribute, given_root_attributes, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.attributes import RootAttributes


@write_input("New values of root attributes. Attributes that are left out stay as they are.")
class UpdateRootAttributesInput(ProfileInput):
    name: strawberry.Maybe[str | None] = changed_root_attribute("name")
    given_name: strawberry.Maybe[str | None] = changed_root_attribute("given_name")
    family_name: strawberry.Maybe[str | None] = changed_root_attribute("family_name")
    nickname: strawberry.Maybe[str | None] = changed_root_attribute("nickname")
    picture: strawberry.Maybe[str | None] = changed_root_attribute("picture")


@mutation(
    UserPayload,
    "Changes name, givenName, familyName, nickname or picture. Refused with NOT_EDITABLE if the identity provider sets"
    " them at each login: see `User.rootAttributes`.",
    RootAttributes.update,
)
async def update_root_attributes(context: Context, input: UpdateRootAttributesInput) -> User:
    values = given_root_attributes(input)
    return await context.services.root_attributes.update(context.principal, input.target(), values)
