"""Changing user_metadata and app_metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.commits import Changes
from app.domain.logs import LogEventType
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size, merge
from app.domain.principals import Principal
from app.domain.rules import UPDATE_APP_METADATA, UPDATE_USER_METADATA, Rule
from app.domain.users import User
from app.services.writes import Target, Writes


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What tells the two documents apart."""

    name: str
    rule: Rule
    type: LogEventType
    reserved: frozenset[str] = frozenset()


USER_METADATA = _Metadata("user_metadata", UPDATE_USER_METADATA, LogEventType.USER_METADATA_UPDATED)
APP_METADATA = _Metadata("app_metadata", UPDATE_APP_METADATA, LogEventType.APP_METADATA_UPDATED, RESERVED_APP_METADATA)


class Metadata:
    """`max_bytes` is the most that either document may take as compact JSON."""

    def __init__(self, writes: Writes, max_bytes: int) -> None:
        self._writes = writes
        self._max_bytes = max_bytes

    async def update(
        self, principal: Principal | None, which: _Metadata, target: Target, patch: object, replace: bool
    ) -> User:
        """Merges the patch (RFC 7396), or sets the document to it with `replace`.

        Raises what `Writes.apply` raises; Refused with INVALID_INPUT, FORBIDDEN_FIELD, TOO_LARGE.
        """

        def decide(user: User) -> Changes:
            content = check_patch(patch, which.reserved)
            after = dict(content) if replace else merge(getattr(user, which.name), content)
            self._check(getattr(user, which.name), after)
            return Changes(which.type, {which.name: after})

        return await self._writes.apply(principal, which.rule, target, decide)

    def _check(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        # A document that was larger under an older limit may still be left as it is.
        if before != after:
            check_size(after, self._max_bytes)
