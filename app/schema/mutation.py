"""The type Mutation: combines the mutations of all nouns."""

from types import ModuleType

from strawberry.tools import create_type
from strawberry.types.field import StrawberryField

from app.schema.mutations import (
    accounts,
    attributes,
    blocks,
    connections,
    devices,
    emails,
    enrollments,
    grants,
    identifiers,
    identities,
    login_rules,
    logins,
    metadata,
    passwords,
    personal_data,
    roles,
    tickets,
    users,
)

# The schema and GraphiQL show the mutations in this order: from the life of an account to rare administration.
_MODULES = (
    accounts,
    emails,
    identifiers,
    passwords,
    tickets,
    users,
    personal_data,
    grants,
    enrollments,
    roles,
    connections,
    login_rules,
    logins,
    metadata,
    attributes,
    blocks,
    devices,
    identities,
)


# Collected from the modules, so that a new mutation needs no list entry here that could be forgotten.
def _fields(module: ModuleType) -> list[StrawberryField]:
    return [each for each in vars(module).values() if isinstance(each, StrawberryField)]


Mutation = create_type(
    "Mutation",
    [field for module in _MODULES for field in _fields(module)],
    description="All changes. Each mutation takes one `input` and returns a payload. If the input was refused, the"
    " payload has `errors`, and nothing was changed. Top-level errors are for a missing or invalid token, missing"
    " scopes, a limit, or a fault of the service. A recent sign-in, which some mutations need on your own profile, is"
    " at most 5 minutes ago unless the operator sets another limit. If the sign-in is older, the top-level error is"
    " INSUFFICIENT_USER_AUTHENTICATION: let the user sign in again, and repeat the request with the new token.",
)
