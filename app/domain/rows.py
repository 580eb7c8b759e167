"""Rows: a stored record with its joined data and the rules of its reader. A row returns only permitted attributes."""

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
# A global is faster than the lookup `Takes.JOINED`, which each computed attribute of each row would need.
_JOINED = Takes.JOINED


def to_camel(name: str) -> str:
    """Returns the GraphQL name (camelCase) for a name in snake_case."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Row:
    """An object as one reader may see it. Reading does not change the record or the joined data."""

    __slots__ = ("_computed", "joined", "kind", "readable", "record")

    def __init__(self, kind: Kind, record: Record, readable: ReadableRules, joined: Joined = NOTHING_JOINED) -> None:
        self.kind = kind
        self.record = record
        self.readable = readable
        self.joined = joined
        # Computed values. A client can request the same attribute with many aliases, and the work must be done once.
        self._computed: dict[str, Any] = {}

    def read(self, name: str) -> Any:
        """Returns the value of an attribute, unless it is Provided by a service.

        Raises Forbidden when the reader may not read it.
        """
        rule, path, default = self.kind.steps[name]
        # Every read goes through this check, so that no resolver can forget it.
        if rule is not None and rule not in self.readable:
            self.require(name)
        if path is not None:
            return self.record.get(path, default)
        computed = self._computed
        if name not in computed:
            attribute = self.kind.attributes[name]
            computed[name] = _READERS[type(attribute)](self, attribute)
        return computed[name]

    def require(self, name: str) -> None:
        """Raises Forbidden when the reader may not read the attribute."""
        rule = self.kind.attributes[name].read
        if rule is not None and rule not in self.readable:
            raise rule.refusal(rule.alternatives(self.readable.is_self))

    def may_read(self, name: str) -> bool:
        """Whether the attribute exists and the reader may read it."""
        return self.kind.may_read(name, self.readable)

    def raw(self) -> dict[str, Any]:
        """Returns the `in_raw` attributes that the reader may read and that have a value, as JSON, in snake_case."""
        # Built from an allow-list. If secret fields were removed instead, a new field would be public by default.
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
    """Returns a row for each record. Its joined data contains `position`, the index in the list."""
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


_READERS: dict[type[Attribute], Callable[[Row, Any], Any]] = {
    Converted: _converted,
    Computed: _computed,
    Nested: _nested,
    Referenced: _referenced,
    RawDocument: _raw_document,
}


def to_json(value: Any) -> Any:
    """Returns the value as JSON: rows become objects, and times become RFC 3339 texts."""
    if isinstance(value, Row):
        return value.raw()
    if isinstance(value, list):
        return [to_json(each) for each in value]
    return format_time(value) if isinstance(value, datetime) else value
