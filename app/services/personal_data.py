"""Everything held about a user, as far as the caller may read it."""

from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from app.domain.attributes import DEVICE, ENROLLMENT, GRANT, IDENTITY, LOG_EVENT, USER
from app.domain.errors import Refused
from app.domain.logs import LogEventType
from app.domain.paging import MAX_SIZE, Order, Window
from app.domain.principals import Principal
from app.domain.rows import Kind, Row, Selection
from app.domain.rules import EXPORT_PERSONAL_DATA
from app.domain.times import format_time
from app.domain.users import Changes
from app.services.changes import ProfileChanges, Target, to_event
from app.services.reads import Listing, Reads
from app.store.logins import Logins

# Of the history the newest; what is older says so.
MAX_EVENTS = 10_000
_LISTS = {
    "devices": Listing(DEVICE, {}, Order("last_used_at", -1)),
    "log_events": Listing(LOG_EVENT, {}, Order("date", -1)),
}
_BELONGINGS = {"authorized_applications": GRANT, "mfa_enrollments": ENROLLMENT}
# What is told by `raw` and the lists, or is no datum about the user.
_NOT_TOLD = frozenset({"raw", "viewer_actions", *_LISTS, *_BELONGINGS})


class PersonalData:
    """One JSON document with snake_case names, made from the attribute table's allow-list."""

    def __init__(self, changes: ProfileChanges, reads: Reads, logins: Logins) -> None:
        self._changes = changes
        self._reads = reads
        self._logins = logins

    async def export(self, principal: Principal | None, target: Target) -> dict[str, Any]:
        """`user`, and beside it what is kept about them. Raises what `ProfileChanges.find` does."""
        caller, user = await self._changes.find(principal, EXPORT_PERSONAL_DATA, target)
        exported = Changes(LogEventType.PERSONAL_DATA_EXPORTED, {})
        await self._logins.add_event(to_event(caller, user, exported, target.reason, ()))
        asked: Selection = {name: _all(IDENTITY) if name == "identities" else {} for name in USER.attributes}
        row = await self._reads.get(caller, USER, {"_id": user.id}, asked, written=True)
        assert row
        told: dict[str, Any] = {"user": _to_json(row)}
        for name, kind in _BELONGINGS.items():
            if row.may_read(name):
                [found] = await self._reads.belongings(caller, [row], kind, _all(kind))
                told[name] = [_to_json(each) for each in found]
        for name, listing in _LISTS.items():
            if row.may_read(name):
                told[name] = await self._list(caller, row, listing)
        return told

    async def _list(self, caller: Principal, owner: Row, listing: Listing) -> list[Any]:
        told: list[Any] = []
        after: str | None = None
        while len(told) < MAX_EVENTS:
            window = Window(MAX_SIZE, after=after)
            [page] = await self._reads.pages(caller, [owner], "user", listing, window, _all(listing.kind))
            if isinstance(page, Refused):
                raise page
            told += [_to_json(each) for each in page.nodes]
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page:
                break
        return told


def _all(kind: Kind) -> Selection:
    return {name: {} for name in kind.attributes}


def _to_json(value: Any) -> Any:
    """Rows become objects with what may be read and is there. Of an identity no token: a secret is no datum."""
    if isinstance(value, Row):
        names = value.kind.attributes_in_raw() if value.kind is IDENTITY else value.kind.attributes
        told = {name: value.read(name) for name in names if name not in _NOT_TOLD and value.may_read(name)}
        return {name: _to_json(each) for name, each in told.items() if each is not None}
    if is_dataclass(value) and not isinstance(value, type):
        return _to_json({name: each for name, each in asdict(value).items() if each is not None})
    if isinstance(value, dict):
        return {name: _to_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each) for each in value]
    return format_time(value) if isinstance(value, datetime) else value
