"""What is read: a kind of thing, its attributes, and a row of it with what its reader may see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from app.domain.errors import Forbidden
from app.domain.ids import encode_id
from app.domain.rules import ReadableRules, Rule, to_lists
from app.domain.times import format_time

# Attribute names asked for, each with what is asked for inside of it.
Selection: TypeAlias = Mapping[str, "Selection"]


# What was read for a row from other collections, by name. Records are shared and never changed, so it lies beside them.
Joined: TypeAlias = Mapping[str, Any]
NOTHING_JOINED: Joined = {}


class Join(StrEnum):
    """Data of other collections that attributes need."""

    ROLES = "roles"
    CONNECTION = "connection"
    LOCKED_OUT = "locked_out"
    TOKENS = "tokens"


class Tree(dict[str, "Tree"]):
    """A selection that is kept with its document. `plans` is what was found out about reading it, by whoever did."""

    __slots__ = ("plans",)

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[Any, Any] | None = None

    def below(self, name: str) -> "Tree":
        """The selection inside of an attribute, made where there is none yet."""
        found = self.get(name)
        if found is None:
            found = self[name] = Tree()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A line of the table. `name` is snake_case, as in `raw` and in paths; GraphQL's name is its camelCase.

    `stored` are the paths that its value is made from; `value` makes it. `read` is None where whoever may read the
    object may read this. `nested` is the kind of the rows inside, `covers` the attributes that it is made of,
    `joins` the data of other collections that `value` takes. `personal` attributes are in the personal data export.
    """

    name: str
    description: str
    stored: tuple[str, ...]
    value: Callable[["Row"], Any]
    read: Rule | None = None
    write: Rule | None = None
    raw: bool = False
    nested: "Kind | None" = None
    covers: tuple[str, ...] = ()
    joins: frozenset[Join] = frozenset()
    searchable: bool = False
    sortable: bool = False
    imported: bool = False
    exported: bool = False
    personal: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A type of the schema that is read: its GraphQL name, its collection, the rules that open one and a list of them.

    `owner` is the stored field with the `_id` of the user that it is about, where it is about one. `needs` are stored
    paths that every row has, whatever was asked for. `lookups` are stored fields that filters and orders use and no
    attribute shows. `default` is the rule of most attributes, which the schema prints once, at the type. While the
    field named by `hidden_by` has a value, the object is not found.
    """

    name: str
    collection: str = ""
    read: Rule | None = None
    list: Rule | None = None
    default: Rule | None = None
    owner: str | None = None
    needs: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    hidden_by: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def add(self, attributes: Sequence[Attribute]) -> None:
        self.attributes.update({each.name: each for each in attributes})

    def projection(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[str]:
        """The stored paths for what was asked for and may be read: a refused field never leaves the database."""
        paths = set(self.needs)
        for attribute, inside in self._asked(selection, readable):
            if attribute.nested is None:
                paths.update(attribute.stored)
            else:
                below = attribute.nested.projection(inside or attribute.nested.attributes_in_raw(), readable)
                paths.update(f"{attribute.stored[0]}.{path}" for path in below)
        return frozenset(paths)

    def joins(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        """What has to be read from other collections for this selection."""
        joins: set[Join] = set()
        for attribute, inside in self._asked(selection, readable):
            joins |= attribute.joins
            if attribute.nested is not None:
                joins |= attribute.nested.joins(inside, readable)
        return frozenset(joins)

    def attributes_in_raw(self) -> Selection:
        return {name: {} for name, attribute in self.attributes.items() if attribute.raw}

    def personal(self) -> Selection:
        """The attributes that the personal data export has, down to those of nested rows."""
        chosen = [each for each in self.attributes.values() if each.personal]
        return {each.name: each.nested.personal() if each.nested else {} for each in chosen}

    def _asked(self, selection: Selection, readable: frozenset[Rule]) -> "Sequence[tuple[Attribute, Selection]]":
        asked = {name: inside for name, inside in selection.items() if self._is_open(name, readable)}
        for name in list(asked):
            for covered in self.attributes[name].covers:
                if self._is_open(covered, readable):
                    nested = self.attributes[covered].nested
                    asked[covered] = {**asked.get(covered, {}), **nested.attributes_in_raw()} if nested else {}
        return [(self.attributes[name], inside) for name, inside in asked.items()]

    def _is_open(self, name: str, readable: frozenset[Rule]) -> bool:
        attribute = self.attributes.get(name)
        return attribute is not None and (attribute.read is None or attribute.read in readable)


def to_camel(name: str) -> str:
    """GraphQL's name for a snake_case one."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Row:
    """One record with its joined data, as far as its reader may see them. Reading changes neither of the two."""

    __slots__ = ("joined", "kind", "known", "readable", "record")

    def __init__(
        self, kind: Kind, record: Mapping[str, Any], readable: ReadableRules, joined: Joined = NOTHING_JOINED
    ) -> None:
        self.kind = kind
        self.record = record
        self.readable = readable
        self.joined = joined
        # What was made of the record before; see `once`.
        self.known: dict[str, Any] = {}

    def read(self, name: str) -> Any:
        """The attribute's value; Forbidden where its rule does not hold for this reader."""
        attribute = self.kind.attributes[name]
        rule = attribute.read
        if rule is not None and rule not in self.readable:
            alternatives = rule.alternatives(self.readable.is_self)
            raise Forbidden(f"Not allowed to {rule.name}.", to_lists(alternatives))
        return attribute.value(self)

    def rows_inside(self, kind: Kind, name: str) -> list["Row"]:
        """The rows of the records in this record. Each has its position beside it, and what was joined under `name`."""
        records = self.record.get(name, ())
        joined = self.joined.get(name) or (NOTHING_JOINED,) * len(records)
        return [
            Row(kind, record, self.readable, {"position": position, **beside})
            for position, (record, beside) in enumerate(zip(records, joined, strict=True))
        ]

    def may_read(self, name: str) -> bool:
        """Whether there is such an attribute, open to this reader."""
        attribute = self.kind.attributes.get(name)
        return attribute is not None and (attribute.read is None or attribute.read in self.readable)

    def raw(self) -> dict[str, Any]:
        """The attributes of the allow-list that may be read and are there, as JSON values under snake_case names."""
        values = {name: self.read(name) for name in self.kind.attributes_in_raw() if self.may_read(name)}
        return {name: to_json(value) for name, value in values.items() if value is not None}


def to_json(value: Any) -> Any:
    """Rows become objects; times RFC 3339 text."""
    if isinstance(value, Row):
        return value.raw()
    if isinstance(value, list):
        return [to_json(each) for each in value]
    return format_time(value) if isinstance(value, datetime) else value


def plain(
    name: str,
    description: str,
    *flags: str,
    read: Rule | None = None,
    write: Rule | None = None,
    default: Any = None,
) -> Attribute:
    """Stored under its own name, answered as stored. Flags: raw, search, sort, import, export, personal."""

    def value(row: Row) -> Any:
        return row.record.get(name, default)

    return made(name, description, value, (name,), *flags, read=read, write=write)


def made(
    name: str,
    description: str,
    value: Callable[[Row], Any],
    stored: tuple[str, ...],
    *flags: str,
    **more: Any,
) -> Attribute:
    """One whose `value` is made from what is `stored`. Flags likewise; `more` are other fields of Attribute."""
    return Attribute(
        name=name,
        description=description,
        stored=stored,
        value=value,
        raw="raw" in flags,
        searchable="search" in flags,
        sortable="sort" in flags,
        imported="import" in flags,
        exported="export" in flags,
        personal="personal" in flags,
        **more,
    )


def once(name: str, value: Callable[[Row], Any]) -> Callable[[Row], Any]:
    """The same value, made once for each row: a client can ask for it thirty times under other names."""

    def value_once(row: Row) -> Any:
        if name not in row.known:
            row.known[name] = value(row)
        return row.known[name]

    return value_once


def global_id(description: str, *flags: str) -> Attribute:
    """Relay's."""
    return made("id", description, lambda row: encode_id(row.kind.name, row.record["_id"]), ("_id",), *flags)
