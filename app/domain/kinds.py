"""Declarations of what can be read: a kind of object, its attributes, and what each value is made of.

They hold no code that reads. A row reads by them; search and a compiler of GraphQL documents can do the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any, TypeAlias

from app.domain.ids import encode_id
from app.domain.rules import Rule
from app.domain.selections import Selection

# Data that was read for a record from other collections, by name. Requests share records, so it lies beside them.
Joined: TypeAlias = Mapping[str, Any]

# The rule of an attribute that everyone may read who sees the object, in a kind whose default is stricter.
OPEN = Rule("read an open attribute", (frozenset(),))


class Join(StrEnum):
    """Data of other collections that attributes need."""

    ROLES = "roles"
    CONNECTION = "connection"
    LOCKED_OUT = "locked_out"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Order:
    """A stored field and a direction, 1 or -1; `_id` breaks ties in the same direction."""

    field: str
    direction: int


class Takes(Enum):
    """What the function of an attribute takes after the record: the joined data, or the rules of the reader."""

    JOINED = "joined"
    READABLE = "readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """`name` is in snake_case, as in `raw` and in paths. GraphQL has the same name in camelCase.

    `read` is the rule of the attribute. In the table of a kind, None means that everyone may read it who sees the
    object. `paths` are the stored fields that it needs, and `joins` the joined data. `in_raw` attributes are part of
    `raw`, `personal` ones of the personal data export.
    """

    name: str
    description: str
    read: Rule | None = None
    paths: tuple[str, ...] = ()
    joins: frozenset[Join] = frozenset()
    in_raw: bool = False
    personal: bool = False

    def projection(self, inside: Selection, readable: frozenset[Rule]) -> Iterable[str]:
        """The stored paths to read when `inside` is requested of this attribute."""
        return self.paths

    def needed_joins(self, inside: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        """The joined data to read when `inside` is requested of this attribute."""
        return self.joins

    def raw_selection(self) -> Selection:
        """What `raw` has inside this attribute."""
        return {}

    def personal_selection(self) -> Selection:
        """What the personal data export has inside this attribute."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Attribute):
    """The value at `path` as it is stored, or `default` without one."""

    path: str
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted(Stored):
    """The value at `path` after `conversion`, or `default` for null and without a value. The conversion is cheap."""

    conversion: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(Attribute):
    """The result of `function` for the record, and for what `takes` names as a second argument. It may be costly: a row
    computes it once, however often a client requests it under other names.
    """

    function: Callable[..., Any]
    takes: Takes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested(Attribute):
    """Rows of the records in the list at `path`. What is joined under `name` belongs to them, in the same order."""

    path: str
    kind: "Kind"

    def projection(self, inside: Selection, readable: frozenset[Rule]) -> Iterable[str]:
        below = self.kind.projection(inside or self.kind.raw_selection(), readable)
        return [f"{self.path}.{path}" for path in below]

    def needed_joins(self, inside: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        return self.joins | self.kind.joins(inside, readable)

    def raw_selection(self) -> Selection:
        return self.kind.raw_selection()

    def personal_selection(self) -> Selection:
        return self.kind.personal_selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced(Attribute):
    """Rows of the records that are joined under `name`."""

    kind: "Kind"

    def personal_selection(self) -> Selection:
        return self.kind.personal_selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument(Attribute):
    """The `in_raw` attributes as one JSON document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided(Attribute):
    """A service makes the value of the row, which has `paths` and `joins`. The table has its rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Provided):
    """Objects of the kind named `of` that belong to this one: their field `owner` says so.

    None is the field with the user whom they are about. `order` is the order of pages of them.
    """

    of: str
    order: Order
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned(Relation):
    """They are few: at most `limit`. A client gets all of them, oldest first."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Relation):
    """A client gets them in pages."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A type of the schema that is read: its GraphQL name, its collection, the rules that open one and a list of them.

    `default` is the rule of attributes without their own, which the schema prints once, at the type. None opens them to
    everyone who sees the object. `owner` is the stored field with the `_id` of the user whom the object is about.
    `needs` are stored paths that every row has. `lookups` are stored fields that filters and orders use and no
    attribute shows. While the field named by `hidden_by` has a value, the object is not found.
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
    # For each attribute its rule; for one that is returned as stored, its path and default too. Rows read this for each
    # value, and a tuple is faster than objects of different classes.
    steps: dict[str, tuple[Rule | None, str | None, Any]] = field(default_factory=dict)

    def add(self, attributes: Sequence[Attribute]) -> None:
        for each in attributes:
            rule = None if each.read is OPEN else each.read or self.default
            self.attributes[each.name] = replace(each, read=rule)
            as_stored = (each.path, each.default) if type(each) is Stored else (None, None)
            self.steps[each.name] = (rule, *as_stored)

    def projection(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[str]:
        """The stored paths for what is requested and may be read: a refused field never leaves the database."""
        paths = set(self.needs)
        for attribute, inside in self._readable_part(selection, readable):
            paths.update(attribute.projection(inside, readable))
        return frozenset(paths)

    def joins(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        """The joined data for what is requested and may be read."""
        joins: set[Join] = set()
        for attribute, inside in self._readable_part(selection, readable):
            joins |= attribute.needed_joins(inside, readable)
        return frozenset(joins)

    def raw_selection(self) -> Selection:
        """The attributes of `raw`, down to those of nested rows."""
        return {name: each.raw_selection() for name, each in self.attributes.items() if each.in_raw}

    def personal_selection(self) -> Selection:
        """The attributes of the personal data export, down to those of nested rows."""
        return {name: each.personal_selection() for name, each in self.attributes.items() if each.personal}

    def may_read(self, name: str, readable: frozenset[Rule]) -> bool:
        """Whether there is such an attribute and a reader for whom these rules hold may read it."""
        attribute = self.attributes.get(name)
        return attribute is not None and (attribute.read is None or attribute.read in readable)

    def _readable_part(self, selection: Selection, readable: frozenset[Rule]) -> Sequence[tuple[Attribute, Selection]]:
        requested = {name: inside for name, inside in selection.items() if self.may_read(name, readable)}
        if any(type(self.attributes[name]) is RawDocument for name in requested):
            for name, inside in self.raw_selection().items():
                if self.may_read(name, readable):
                    requested[name] = {**requested.get(name, {}), **inside}
        return [(self.attributes[name], inside) for name, inside in requested.items()]


def stored(
    name: str,
    description: str,
    *,
    path: str | None = None,
    default: Any = None,
    conversion: Callable[[Any], Any] | None = None,
    **more: Any,
) -> Stored:
    """An attribute that is stored under `path`, which is its own name unless another is given.

    `more` are fields of Attribute, here and below.
    """
    path = path or name
    more.update(name=name, description=description, path=path, paths=(path,), default=default)
    return Stored(**more) if conversion is None else Converted(conversion=conversion, **more)


def computed(
    name: str, description: str, function: Callable[..., Any], *, needs: tuple[str, ...] = (), **more: Any
) -> Computed:
    """An attribute that `function` makes of the stored paths in `needs`."""
    return Computed(name=name, description=description, function=function, paths=needs, **more)


def nested(name: str, description: str, kind: Kind, **more: Any) -> Nested:
    """Records inside this record, in a list that is stored under the attribute's own name."""
    return Nested(name=name, description=description, kind=kind, path=name, paths=(name,), **more)


def referenced(name: str, description: str, kind: Kind, *, path: str, join: Join, **more: Any) -> Referenced:
    """Objects of another kind, whose keys are stored under `path`."""
    more.update(name=name, description=description, paths=(path,), joins=frozenset({join}))
    return Referenced(kind=kind, **more)


def owned(name: str, description: str, of: str, *, order: Order, limit: int, **more: Any) -> Owned:
    """A few objects of another kind. The kind is named, because it may refer to this one."""
    return Owned(name=name, description=description, of=of, order=order, limit=limit, **more)


def paged(name: str, description: str, of: str, *, order: Order, **more: Any) -> Paged:
    """Objects of another kind, in pages. The kind is named likewise."""
    return Paged(name=name, description=description, of=of, order=order, **more)


def global_id(kind: str, description: str, **more: Any) -> Stored:
    """Relay's."""
    return stored("id", description, path="_id", conversion=lambda key: encode_id(kind, key), **more)
