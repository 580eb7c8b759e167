"""The base classes of mutation inputs: userId, ifVersion and reason."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import get_object_definition

from app.domain.errors import ErrorCode, Refused
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.rows import to_camel
from app.services.tenant_changes import Condition
from app.services.writes import Target

T = TypeVar("T", bound=type)
REASON = "Why, for the history: at most 500 characters."
# These two stand behind the fields that say what to change.
_LAST = ("if_version", "reason")


@strawberry.input
class WriteInput:
    """What every write of an object with a version takes."""

    if_version: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Write only if the current version is still this one; null is refused, leave it out to write"
        " anyway.",
    )
    reason: str | None = strawberry.field(default=None, description=REASON)

    def condition(self) -> Condition:
        """Refused for `ifVersion: null`: a lost variable must not write over what it was to guard."""
        if self.if_version is not None and self.if_version.value is None:
            message = "ifVersion is a number; leave it out to write whatever the version is."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("ifVersion",))
        return Condition(None if self.if_version is None else self.if_version.value, self.reason)


@strawberry.input
class ProfileInput(WriteInput):
    """What every write of a profile takes. An input that declares `user_id: str` does not act on the caller."""

    user_id: str | None = strawberry.field(
        default=None, description="Whose profile; the caller's own when left out. An application says whose."
    )

    def target(self) -> Target:
        """Whose profile the write is about, and its condition. Refused for `ifVersion: null`."""
        condition = self.condition()
        return Target(self.user_id, condition.if_version, condition.reason)


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def write_input(description: str) -> Callable[[T], T]:
    """An input that inherits WriteInput: whose profile stands first, the condition and the reason last."""

    def wrap(cls: T) -> T:
        made = strawberry.input(cls, description=description)
        get_object_definition(made, strict=True).fields.sort(key=lambda field: _place(field.python_name))
        return made

    return wrap


def _place(name: str) -> int:
    return -1 if name == "user_id" else _LAST.index(name) + 1 if name in _LAST else 0


def given_fields(input: Any, names: Iterable[str], nullable: Iterable[str] = ()) -> dict[str, Any]:
    """The values of these fields that the caller sent. Refused with INVALID_INPUT for a null that can not be kept."""
    given = {name: some.value for name in names if (some := getattr(input, name)) is not None}
    for name, value in given.items():
        if value is None and name not in nullable:
            message = f"{to_camel(name)} can not be null. Leave it out to keep it as it is."
            raise Refused(ErrorCode.INVALID_INPUT, message, (to_camel(name),))
    return given


def given_root_attributes(input: Any) -> dict[str, str | None]:
    """The root attributes that the caller sent. null clears one."""
    return given_fields(input, ROOT_ATTRIBUTES, nullable=ROOT_ATTRIBUTES)
