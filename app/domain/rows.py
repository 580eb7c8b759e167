"""Rows: a stored record with joined data and the rules of its reader, who can read permitted attributes only."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.domain.filters import Record
from app.domain.kinds import (
    Attribute,
    Computed,
    Converted,
    Joined,
    Kind,
    Nested,
    RawDocument,
    Referenced,
    Takes,
)
from app.domain.rules import ReadableRules
from app.domain.times import format_time

NOTHING_JOINED: Joined = {}
# Looked up once: each computed attribute compares it.
_JOINED = Takes.JOINED


def to_camel(name: str) -> str:
    """GraphQL's name for a snake_case one."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Row:
    """Reading changes neither the record nor the joined data, so that requests can share both."""

    __slots__ = ("_made", "joined", "kind", "readable", "record")

    def __init__(self, kind: Kind, record: Record, readable: ReadableRules, joined: Joined = NOTHING_JOINED) -> None:
        self.kind = kind
        self.record = record
        self.readable = readable
        self.joined = joined
        # Values that were computed before: a client can request an attribute thirty times under other names.
        self._made: dict[str, Any] = {}

    def read(self, name: str) -> Any:
        """The value of an attribute that no service provides. Forbidden when its rule does not hold for this reader."""
        rule, path, default = self.kind.steps[name]
        if rule is not None and rule not in self.readable:
            self.require(name)
        if path is not None:
            return self.record.get(path, default)
        made = self._made
        if name not in made:
            attribute = self.kind.attributes[name]
            made[name] = _MAKERS[type(attribute)](self, attribute)
        return made[name]

    def require(self, name: str) -> None:
        """Forbidden when the attribute's rule does not hold for this reader."""
        rule = self.kind.attributes[name].read
        if rule is not None and rule not in self.readable:
            raise rule.refusal(rule.alternatives(self.readable.is_self))

    def may_read(self, name: str) -> bool:
        """Whether there is such an attribute, open to this reader."""
        return self.kind.may_read(name, self.readable)

    def raw(self) -> dict[str, Any]:
        """The attributes of the allow-list that may be read and are there, as JSON values under snake_case names."""
        values = {name: self.read(name) for name in self.kind.raw_selection() if self.may_read(name)}
        return {name: to_json(value) for name, value in values.items() if value is not None}


def _converted(row: Row, attribute: Converted) -> Any:
    value = row.record.get(attribute.path)
    return attribute.default if value is None else attribute.conversion(value)


def _computed(row: Row, attribute: Computed) -> Any:
    if attribute.takes is None:
        return attribute.function(row.record)
    return attribute.function(row.record, row.joined if attribute.takes is _JOINED else row.readable)


def _nested(row: Row, attribute: Nested) -> list[Row]:
    """Each row has its position in the list beside it, and what was joined for it."""
    kind, readable = attribute.kind, row.readable
    records = row.record.get(attribute.path, ())
    joined = row.joined.get(attribute.name) or (NOTHING_JOINED,) * len(records)
    return [
        Row(kind, record, readable, {"position": position, **beside})
        for position, (record, beside) in enumerate(zip(records, joined, strict=True))
    ]


def _referenced(row: Row, attribute: Referenced) -> list[Row]:
    return [Row(attribute.kind, each, row.readable) for each in row.joined[attribute.name]]


def _raw_document(row: Row, _: RawDocument) -> dict[str, Any]:
    return row.raw()


_MAKERS: dict[type[Attribute], Callable[[Row, Any], Any]] = {
    Converted: _converted,
    Computed: _computed,
    Nested: _nested,
    Referenced: _referenced,
    RawDocument: _raw_document,
}


def to_json(value: Any) -> Any:
    """Rows become objects; times RFC 3339 text."""
    if isinstance(value, Row):
        return value.raw()
    if isinstance(value, list):
        return [to_json(each) for each in value]
    return format_time(value) if isinstance(value, datetime) else value
