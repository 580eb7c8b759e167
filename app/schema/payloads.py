"""The base class of mutation payloads, and the errors in them."""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

import strawberry
from strawberry.types.base import get_object_definition

from app.directives import ListSize
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused, VersionConflict
from app.domain.filters import Eq
from app.domain.kinds import Kind
from app.domain.rows import Row
from app.domain.users import User
from app.schema.context import Info
from app.schema.types.users import UserObject

T = TypeVar("T", bound=type)
# A payload has one error, if any, but where several root attributes are refused at once.
_ERRORS = 2


@strawberry.interface(description="Something about the input that the client can act on; nothing was changed.")
class MutationError:
    code: ErrorCode
    message: str = strawberry.field(description="For a person.")
    path: list[str] | None = strawberry.field(description="Into the input.", directives=[ListSize(assumed_size=20)])


@strawberry.type(description="The input can't be taken as it is.")
class InputError(MutationError):
    pass


@strawberry.type(description="`ifVersion` is not the current version. The payload has the object as it is now.")
class VersionConflictError(MutationError):
    current_version: int


def to_error(refusal: Refused) -> MutationError:
    path = list(refusal.path) or None
    if isinstance(refusal, VersionConflict):
        return VersionConflictError(
            code=refusal.code, message=refusal.message, path=path, current_version=refusal.current_version
        )
    return InputError(code=refusal.code, message=refusal.message, path=path)


@strawberry.type
class Payload:
    """A payload answers only errors unless the write was done.

    By default, the result of the use case is the first field. With `kind`, the result is the `_id` of a record, or an
    object that has it, and the first field is its row. `has_current`: after a version conflict, the first field is the
    current object.
    """

    kind: ClassVar[Kind | None] = None
    has_current: ClassVar[bool] = False

    errors: list[MutationError] = strawberry.field(default_factory=list, directives=[ListSize(assumed_size=_ERRORS)])

    @classmethod
    async def of(cls, info: Info, written: Any) -> Self:
        """The payload for what the use case returned."""
        name = get_object_definition(cls, strict=True).fields[0].python_name
        if cls.kind is not None and written is not None:
            written = await read_written(info, cls.kind, written, name)
        return cls(**{name: written})

    @classmethod
    async def after(cls, info: Info, refusal: Refused) -> Self:
        """The payload for a use case that was refused."""
        payload = cls()
        if cls.has_current and isinstance(refusal, VersionConflict):
            payload = await cls.of(info, refusal.current)
        payload.errors = [to_error(refusal)]
        return payload


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def payload_type(description: str) -> Callable[[T], T]:
    """A type that inherits Payload: the errors stand last."""

    def wrap(cls: T) -> T:
        made = strawberry.type(cls, description=description)
        get_object_definition(made, strict=True).fields.sort(key=lambda field: field.python_name == "errors")
        return made

    return wrap


@payload_type("The profile after the write; null where there was an error, but for VERSION_CONFLICT.")
class UserPayload(Payload):
    kind = USER
    has_current = True
    user: UserObject | None = None


async def read_written(info: Info, kind: Kind, written: Any, *path: str) -> Row | None:
    """What was just written, as far as it is asked for at this path of the payload, and may be read.

    A profile is answered as it was written. Other objects are read again: `written` is the `_id`, or has it.
    """
    asked = info.context.selection(info)
    for name in path:
        if name not in asked:
            return None
        asked = asked[name]
    reads, principal = info.context.services.reads, info.context.principal
    if isinstance(written, User):
        return await reads.to_row(principal, written, asked)
    return await reads.get_written(principal, kind, Eq("_id", getattr(written, "id", written)), asked)
