"""What a mutation answers: what it changed, and what a client can act on."""

from collections.abc import Awaitable, Iterable
from typing import Any, cast

import strawberry

from app.directives import ListSize
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused, VersionConflict
from app.domain.filters import Eq
from app.domain.rows import Kind, Row
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.types.users import User

# A payload has one error, if any, but where several root attributes are refused at once.
ERRORS = 2


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


@strawberry.type(description="The profile after the write; null where there was an error, but for VERSION_CONFLICT.")
class UserPayload:
    user: User | None
    errors: list[MutationError] = holds(ERRORS)


def to_errors(refusals: Iterable[Refused]) -> list[MutationError]:
    return [_to_error(each) for each in refusals]


def _to_error(refusal: Refused) -> MutationError:
    path = list(refusal.path) or None
    if isinstance(refusal, VersionConflict):
        return VersionConflictError(
            code=refusal.code, message=refusal.message, path=path, current_version=refusal.current_version
        )
    return InputError(code=refusal.code, message=refusal.message, path=path)


async def user_payload(info: Info, write: Awaitable[WrittenUser]) -> UserPayload:
    """Runs the write, and reads back what is asked of the profile."""
    try:
        written = await write
    except VersionConflict as conflict:
        current = cast("WrittenUser", conflict.current)
        return UserPayload(user=await _read(info, current.id), errors=to_errors([conflict]))
    except Refused as refusal:
        return UserPayload(user=None, errors=to_errors([refusal]))
    return UserPayload(user=await _read(info, written.id), errors=[])


async def _read(info: Info, key: Any) -> User | None:
    return cast("User | None", await read_written(info, USER, key, "user"))


async def read_written(info: Info, kind: Kind, key: Any, *path: str) -> Row | None:
    """What was just written, as far as it is asked for at this path of the payload, and may be read."""
    asked = info.context.selection(info)
    for name in path:
        if name not in asked:
            return None
        asked = asked[name]
    reads, principal = info.context.services.reads, info.context.principal
    return await reads.get_written(principal, kind, Eq("_id", key), asked)
