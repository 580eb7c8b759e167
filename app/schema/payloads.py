"""The base class of mutation payloads, and the types of the errors in payloads."""

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
from app.schema.costs import list_field
from app.schema.types.users import UserObject

T = TypeVar("T", bound=type)
# A payload usually has no error or one. The number is only used for the cost.
_ERRORS = 2


@strawberry.interface(description="Why a mutation was refused. Nothing was changed.")
class MutationError:
    code: ErrorCode = strawberry.field(description="The reason, as a code for your program.")
    message: str = strawberry.field(description="The reason, as an English sentence for people.")
    path: list[str] | None = list_field(
        20,
        "The place in the input that the error is about, such as [patch, address, city]. null: the error is not about"
        " one place.",
    )


@strawberry.type(description="A mutation was refused. For an outdated version, see `VersionConflictError`.")
class InputError(MutationError):
    pass


@strawberry.type(
    description="`ifVersion` is not the current version: somebody changed the object after you read it. The payload"
    " contains the current object. Read it and decide again. Then send the mutation with `currentVersion` as"
    " `ifVersion`."
)
class VersionConflictError(MutationError):
    current_version: int = strawberry.field(description="The current version of the object.")


def to_error(refusal: Refused) -> MutationError:
    """Returns the GraphQL error for a refusal."""
    path = list(refusal.path) or None
    if isinstance(refusal, VersionConflict):
        return VersionConflictError(
            code=refusal.code, message=refusal.message, path=path, current_version=refusal.current_version
        )
    return InputError(code=refusal.code, message=refusal.message, path=path)


# Like the input base classes, this class is never printed: every mutation has a payload type of its own, so that fields
# can be added to one without changing the others.
@strawberry.type
class Payload:
    """The base class of payloads. If the mutation was refused, only `errors` has a value.

    The first field of a subclass is the result. By default it is what the use case returns. With `kind`, the use case
    returns the `_id` of a record, or an object that has it, and the first field is the row of this record. With
    `has_current`, the first field is the current object after a version conflict.
    """

    kind: ClassVar[Kind | None] = None
    has_current: ClassVar[bool] = False

    errors: list[MutationError] = strawberry.field(
        default_factory=list,
        description="Why the mutation was refused. Empty: it succeeded.",
        directives=[ListSize(assumed_size=_ERRORS)],
    )

    @classmethod
    async def of(cls, info: Info, written: Any) -> Self:
        """Returns the payload of a use case that succeeded. `written` is what the use case returned."""
        # `payload_type` sorts `errors` to the end: the first field is the one that the subclass declares.
        name = get_object_definition(cls, strict=True).fields[0].python_name
        if cls.kind is not None and written is not None:
            written = await read_written(info, cls.kind, written, name)
        return cls(**{name: written})

    @classmethod
    async def after(cls, info: Info, refusal: Refused) -> Self:
        """Returns the payload of a use case that was refused."""
        payload = cls()
        if cls.has_current and isinstance(refusal, VersionConflict):
            payload = await cls.of(info, refusal.current)
        payload.errors = [to_error(refusal)]
        return payload


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def payload_type(description: str) -> Callable[[T], T]:
    """Makes a GraphQL type of a subclass of Payload: `errors` is printed last."""

    def wrap(cls: T) -> T:
        made = strawberry.type(cls, description=description)
        get_object_definition(made, strict=True).fields.sort(key=lambda field: field.python_name == "errors")
        return made

    return wrap


@payload_type("The result of a mutation that changes a user.")
class UserPayload(Payload):
    kind = USER
    has_current = True
    user: UserObject | None = strawberry.field(
        default=None,
        description="The profile after the change. After VERSION_CONFLICT: the current profile. null after any other"
        " error.",
    )


async def read_written(info: Info, kind: Kind, written: Any, *path: str) -> Row | None:
    """Returns the row of an object that was just written, with what the client selected at this path of the payload.

    Returns None when the client did not select it. `written` is a User, an `_id`, or an object with an `_id`.
    """
    selection = info.context.selection(info)
    for name in path:
        if name not in selection:
            return None
        selection = selection[name]
    reads, principal = info.context.services.reads, info.context.principal
    if isinstance(written, User):
        # The profile as it was written, without another read: a read could already see the next writer's change.
        return await reads.to_row(principal, written, selection)
    return await reads.get_written(principal, kind, Eq("_id", getattr(written, "id", written)), selection)
