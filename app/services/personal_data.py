"""Personal data export: everything stored about a user that the caller may read, up to the size of one answer."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from typing import Any

from app.domain.attributes.nodes import list_query
from app.domain.attributes.users import USER
from app.domain.commits import Changes
from app.domain.errors import Refused
from app.domain.filters import Eq
from app.domain.kinds import Kind, Paged, Relation
from app.domain.logs import LogEventType
from app.domain.paging import DEFAULT_SIZE, MAX_SIZE, Edge, ListQuery, PageRequest
from app.domain.principals import Principal
from app.domain.rows import Row
from app.domain.rules import EXPORT_PERSONAL_DATA, Rule
from app.domain.selections import Selection
from app.domain.sizes import size_of
from app.domain.times import EPOCH, format_time
from app.services.lists import Lists
from app.services.logs import log_events
from app.services.reads import Reads
from app.services.use_cases import requires
from app.services.writes import Target, Writes

# Maximum size of an export, in bytes of compact JSON. The profile gets at most a half of it, and each list except the
# history at most a tenth, so that space for the history always remains.
MAX_BYTES = 5_000_000
_PROFILE_SHARE = 2
_LIST_SHARE = 10
# Items of a list are read in pages of this size, or of the maximum page size while they are small on average.
_FEW = 10
_SMALL_BYTES = 5_000

_HISTORY = "log_events"


@dataclass(frozen=True, slots=True)
class _List:
    """A list of the export. `since` is the start of its period when the API has an argument for it."""

    relation: Relation
    query: ListQuery
    since: datetime | None = None


def _lists() -> Iterator[_List]:
    """Yields the lists in the order in which they use space. The history is last and gets all remaining space."""
    relations = [each for each in USER.attributes.values() if isinstance(each, Relation) and each.personal]
    for relation in sorted(relations, key=lambda each: (isinstance(each, Paged), each.name == _HISTORY)):
        if relation.name == _HISTORY:
            # EPOCH selects the complete history. Without a start, `User.logEvents` returns only the last days.
            yield _List(relation, log_events(EPOCH, None), EPOCH)
        else:
            yield _List(relation, list_query(relation))


@dataclass(frozen=True, slots=True)
class Truncated:
    """A part of the export that is incomplete: an attribute of the user that is missing, or a list without its end.

    `attribute` is the attribute of User that has the complete data. Its `arguments` select the missing part.
    `returned` is the number of items of a list in the export.
    """

    path: str
    attribute: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    returned: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """`data` has snake_case names. `bytes` is its size as compact JSON."""

    user_id: str
    data: Mapping[str, Any]
    truncated: tuple[Truncated, ...]
    bytes: int


class PersonalData:
    """Exports one JSON document of the attributes that the attribute table declares `personal`, and no others."""

    def __init__(self, writes: Writes, reads: Reads, lists: Lists) -> None:
        self._writes = writes
        self._reads = reads
        self._lists = lists

    @requires(EXPORT_PERSONAL_DATA)
    async def export(self, principal: Principal | None, rule: Rule, target: Target) -> Export:
        """Returns the attributes of the user under `user`, and each list under its own name.

        Raises what `Writes.begin` raises.
        """
        opened = await self._writes.begin(principal, rule, target)
        caller, user = opened.caller, opened.user
        # The event is written first, so that the history in the export contains it.
        await self._writes.record(opened, Changes(LogEventType.PERSONAL_DATA_EXPORTED, {}))
        row = await self._reads.get_written(caller, USER, Eq("_id", user.id), USER.personal_selection())
        assert row
        profile, truncated = _profile(row, MAX_BYTES // _PROFILE_SHARE)
        data: dict[str, Any] = {"user": profile}
        room = MAX_BYTES - size_of(profile)
        for each in _lists():
            name = each.relation.name
            if row.may_read(name):
                share = room if name == _HISTORY else min(room, MAX_BYTES // _LIST_SHARE)
                data[name], cut, used = await self._list(caller, row, each, share)
                truncated += cut
                room -= used
        return Export(user.user_id, data, tuple(truncated), MAX_BYTES - room)

    async def _list(
        self, caller: Principal, owner: Row, of: _List, room: int
    ) -> tuple[list[Any], list[Truncated], int]:
        """Returns the items that fit into `room` bytes, what is missing, and the size of the items in bytes."""
        # Reading stops when the space is used, so at most one page too many is in memory.
        items: list[Any] = []
        selection, used, size, last = of.query.kind.personal_selection(), 0, _FEW, None
        while True:
            edges, has_more = await self._page(caller, owner, of.query, PageRequest(size, after=last), selection)
            for edge in edges:
                item = _to_json(edge.node)
                bytes_ = size_of(item)
                if used + bytes_ > room:
                    return items, [_truncated(of, len(items), last)], used
                items.append(item)
                used += bytes_ + 1
                last = edge.cursor
            if not has_more:
                return items, [], used
            size = MAX_SIZE if used < len(items) * _SMALL_BYTES else _FEW

    async def _page(
        self, caller: Principal, owner: Row, of: ListQuery, request: PageRequest, selection: Selection
    ) -> tuple[list[Edge], bool]:
        [page] = await self._lists.pages(caller, [owner], of, request, selection)
        if isinstance(page, Refused):
            raise page
        return page.edges, page.page_info.has_next_page


def _profile(row: Row, room: int) -> tuple[dict[str, Any], list[Truncated]]:
    """Returns the attributes in the order of the table, except those that do not fit into `room` bytes."""
    profile: dict[str, Any] = {}
    truncated: list[Truncated] = []
    for name, value in _values(row):
        size = size_of({name: value})
        if size > room:
            truncated.append(Truncated(f"user.{name}", name))
        else:
            profile[name] = value
            room -= size
    return profile, truncated


def _truncated(of: _List, returned: int, last: str | None) -> Truncated:
    name = of.relation.name
    arguments: dict[str, Any] = {}
    if isinstance(of.relation, Paged):
        arguments = {"first": DEFAULT_SIZE, "after": last, "since": of.since and format_time(of.since)}
    return Truncated(name, name, {key: each for key, each in arguments.items() if each is not None}, returned)


def _values(row: Row) -> Iterator[tuple[str, Any]]:
    """Yields the personal attributes that may be read and have a value. It leaves out the lists."""
    for name in _names(row.kind):
        if row.may_read(name):
            value = _to_json(row.read(name))
            if value is not None:
                yield name, value


def _names(kind: Kind) -> list[str]:
    return [each for each in kind.personal_selection() if not isinstance(kind.attributes[each], Relation)]


def _to_json(value: Any) -> Any:
    if isinstance(value, Row):
        return dict(_values(value))
    if is_dataclass(value) and not isinstance(value, type):
        return _to_json({name: each for name, each in asdict(value).items() if each is not None})
    if isinstance(value, dict):
        return {name: _to_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each) for each in value]
    return format_time(value) if isinstance(value, datetime) else value
