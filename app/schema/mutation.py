"""What can be changed: the mutations of every noun."""

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

# In the order in which the schema prints them.
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


def _fields(module: ModuleType) -> list[StrawberryField]:
    return [each for each in vars(module).values() if isinstance(each, StrawberryField)]


Mutation = create_type(
    "Mutation",
    [field for module in _MODULES for field in _fields(module)],
    description="What can be changed. What a client can act on is in `errors` of the payload; top-level errors are for"
    " a missing or bad token, a forbidden operation, a limit, or a fault of the server.",
)
