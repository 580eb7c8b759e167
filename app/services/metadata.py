"""updateUserMetadata and updateAppMetadata: change the two metadata documents of a profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.commits import Changes
from app.domain.logs import LogEventType
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size, merge
from app.domain.principals import Principal
from app.domain.rules import UPDATE_APP_METADATA, UPDATE_USER_METADATA, Rule
from app.domain.users import User
from app.services.use_cases import requires
from app.services.writes import Target, Writes


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The properties in which the two documents differ."""

    name: str
    type: LogEventType
    reserved: frozenset[str] = frozenset()


_USER_METADATA = _Metadata("user_metadata", LogEventType.USER_METADATA_UPDATED)
_APP_METADATA = _Metadata("app_metadata", LogEventType.APP_METADATA_UPDATED, RESERVED_APP_METADATA)


class Metadata:
    """Use cases of metadata. `max_bytes` is the maximum size of each document, in bytes of compact JSON."""

    def __init__(self, writes: Writes, max_bytes: int) -> None:
        self._writes = writes
        self._max_bytes = max_bytes

    @requires(UPDATE_USER_METADATA)
    async def update_user_metadata(
        self, principal: Principal | None, rule: Rule, target: Target, patch: object, replace: bool = False
    ) -> User:
        """Merges the patch into the document (RFC 7396). With `replace`, the patch becomes the document.

        Raises what `Writes.apply` raises, and Refused with INVALID_INPUT, FORBIDDEN_FIELD or TOO_LARGE.
        """
        return await self._update(principal, rule, _USER_METADATA, target, patch, replace)

    @requires(UPDATE_APP_METADATA)
    async def update_app_metadata(
        self, principal: Principal | None, rule: Rule, target: Target, patch: object, replace: bool = False
    ) -> User:
        """Like `update_user_metadata`, for app_metadata, which has reserved keys."""
        return await self._update(principal, rule, _APP_METADATA, target, patch, replace)

    async def _update(
        self,
        principal: Principal | None,
        rule: Rule,
        which: _Metadata,
        target: Target,
        patch: object,
        replace: bool,
    ) -> User:
        def decide(user: User) -> Changes:
            content = check_patch(patch, which.reserved)
            after = dict(content) if replace else merge(getattr(user, which.name), content)
            self._check(getattr(user, which.name), after)
            return Changes(which.type, {which.name: after})

        return await self._writes.apply(principal, rule, target, decide)

    def _check(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        # A document that was stored under a larger limit may stay. Only a changed document must be within the limit.
        if before != after:
            check_size(after, self._max_bytes)
