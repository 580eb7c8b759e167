"""Base classes of mutation inputs, with the common fields userId, ifVersion and reason."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import get_object_definition

from app.domain.errors import ErrorCode, Refused
from app.domain.logs import MAX_REASON
from app.domain.root_attributes import MAX_LENGTHS, ROOT_ATTRIBUTES
from app.domain.rows import to_camel
from app.services.tenant_changes import Condition
from app.services.writes import Target

T = TypeVar("T", bound=type)
# Fields that mean the same have the same words in every input.
REASON = f"Why the change is made, for the history. At most {MAX_REASON} characters."
CLIENT_ID = "The client id of the application."
CLIENT_NAME = "The display name of the application."
OTHER_USER = "The `userId` of the user, such as auth0|john.doe."
_ROOT_ATTRIBUTES = {
    "name": f"The full name, for display: 1 to {MAX_LENGTHS['name']} characters.",
    "given_name": f"The first name: 1 to {MAX_LENGTHS['given_name']} characters.",
    "family_name": f"The last name: 1 to {MAX_LENGTHS['family_name']} characters.",
    "nickname": f"The casual name: 1 to {MAX_LENGTHS['nickname']} characters.",
    "picture": f"The URL of a picture: an https URL of at most {MAX_LENGTHS['picture']:,} characters.",
}
# The schema prints these fields after the fields that are specific to a mutation.
_LAST = ("if_version", "reason")


# The two base classes are never used as types of arguments, so that the schema does not print them.
@strawberry.input
class WriteInput:
    """The common fields of all writes of an object that has a version."""

    if_version: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="The version that you read. If the object has been changed since then, nothing is written and the"
        " error is VERSION_CONFLICT. If you leave it out, the change is made for any version. null is refused.",
    )
    reason: str | None = strawberry.field(default=None, description=REASON)

    def condition(self) -> Condition:
        """Returns the condition of the write. Raises Refused with INVALID_INPUT for `ifVersion: null`."""
        # A client whose variable got lost sends null. Writing without a condition would then overwrite a change of
        # somebody else, which is what the client wanted to prevent.
        if self.if_version is not None and self.if_version.value is None:
            message = "ifVersion must be a number. Leave it out to make the change for any version."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("ifVersion",))
        return Condition(None if self.if_version is None else self.if_version.value, self.reason)


@strawberry.input
class ProfileInput(WriteInput):
    """The common fields of all writes of a profile. A subclass that always needs a user declares `user_id: str`."""

    user_id: str | None = strawberry.field(
        default=None,
        description=f"{OTHER_USER} The default is the caller's own profile. Applications have no profile, so they"
        " must give the `userId`.",
    )

    def target(self) -> Target:
        """Returns the profile to write, and the condition. Raises Refused with INVALID_INPUT for `ifVersion: null`."""
        condition = self.condition()
        return Target(self.user_id, condition.if_version, condition.reason)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def write_input(description: str) -> Callable[[T], T]:
    """Makes a GraphQL input of a subclass of WriteInput: userId is printed first, ifVersion and reason last."""

    def wrap(cls: T) -> T:
        made = strawberry.input(cls, description=description)
        get_object_definition(made, strict=True).fields.sort(key=lambda field: _rank(field.python_name))
        return made

    return wrap


def _rank(name: str) -> int:
    return -1 if name == "user_id" else _LAST.index(name) + 1 if name in _LAST else 0


def new_root_attribute(name: str) -> Any:
    """Declares the input field of a root attribute of a new user."""
    # The names that a user can have without giving one: `with_defaults` makes them.
    default = " If you leave it out, it is made from the other values." if name in ("name", "nickname") else ""
    return strawberry.field(default=None, description=_ROOT_ATTRIBUTES[name] + default)


def changed_root_attribute(name: str) -> Any:
    """Declares the input field of a root attribute of an existing user."""
    rest = " null removes the value. If you leave it out, the value stays as it is."
    return strawberry.field(default=None, description=_ROOT_ATTRIBUTES[name] + rest)


def given_fields(input: Any, names: Iterable[str], nullable: Iterable[str] = ()) -> dict[str, Any]:
    """Returns the values of those fields in `names` that the caller sent.

    Raises Refused with INVALID_INPUT for a null in a field that is not in `nullable`.
    """
    # Strawberry's Maybe tells a field that was left out (None) from a field that is null (Some(None)).
    given = {name: some.value for name in names if (some := getattr(input, name)) is not None}
    for name, value in given.items():
        if value is None and name not in nullable:
            message = f"{to_camel(name)} cannot be null. Leave it out to keep the current value."
            raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(name),))
    return given


def given_root_attributes(input: Any) -> dict[str, str | None]:
    """Returns the root attributes that the caller sent, by stored name. None clears an attribute."""
    return given_fields(input, ROOT_ATTRIBUTES, nullable=ROOT_ATTRIBUTES)
