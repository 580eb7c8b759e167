"""Declarations of the objects that can be read: their kinds and attributes, and the stored fields of each attribute.

A declaration does not read anything. `Row` reads values according to it, and queries are built from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any, TypeAlias

from app.domain.ids import encode_id
from app.domain.rules import Rule
from app.domain.search_fields import SearchField
from app.domain.selections import Selection

# Data of other collections that was read for a record, by name. It is separate, because requests share the records.
Joined: TypeAlias = Mapping[str, Any]

# The rule of an attribute that every reader of the object may read, in a kind with a stricter default.
OPEN = Rule("read an open attribute", (frozenset(),))


class Join(StrEnum):
    """Data of other collections that an attribute can need."""

    ROLES = "roles"
    CONNECTION = "connection"
    LOCKED_OUT = "locked_out"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: a stored field and a direction, 1 or -1. Equal values are ordered by `_id` likewise.

    With `may_be_missing`, records without the field are first in ascending order and last in descending order.
    """

    field: str
    direction: int
    may_be_missing: bool = False


class Takes(Enum):
    """The second argument of an attribute's function: the joined data, or the rules of the reader."""

    JOINED = "joined"
    READABLE = "readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a kind. `name` is in snake_case, as in `raw` and in paths; the GraphQL name is in camelCase.

    `read` is the rule for reading it. In `Kind.attributes`, None means that every reader of the object may read it.
    `paths` are the stored fields that it needs, and `joins` is the joined data that it needs. `in_raw` attributes are
    part of `raw`, and `personal` attributes are part of the personal data export. `search` contains the fields of
    the search language that it provides.
    """

    name: str
    description: str
    read: Rule | None = None
    paths: tuple[str, ...] = ()
    joins: frozenset[Join] = frozenset()
    in_raw: bool = False
    personal: bool = False
    search: tuple[SearchField, ...] = ()

    def projection(self, inside: Selection, readable: frozenset[Rule]) -> Iterable[str]:
        """Returns the stored paths to read for this attribute, when `inside` is the selection inside it."""
        return self.paths

    def needed_joins(self, inside: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        """Returns the joined data to read for this attribute, when `inside` is the selection inside it."""
        return self.joins

    def raw_selection(self) -> Selection:
        """Returns the selection inside this attribute in `raw`."""
        return {}

    def personal_selection(self) -> Selection:
        """Returns the selection inside this attribute in the personal data export."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Attribute):
    """An attribute with the value at `path` as it is stored, or `default` if there is none."""

    path: str
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted(Stored):
    """An attribute with the value at `path` after `conversion`, or `default` if the value is null or absent."""

    conversion: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(Attribute):
    """An attribute with the result of `function` for the record and for the argument that `takes` specifies.

    The function may be expensive. A row calls it once, even if a client requests the attribute with many aliases.
    """

    function: Callable[..., Any]
    takes: Takes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested(Attribute):
    """An attribute with rows for the records in the list at `path`. The joined data `name` is in the same order."""

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
    """An attribute with rows for the records in the joined data `name`."""

    kind: "Kind"

    def personal_selection(self) -> Selection:
        return self.kind.personal_selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument(Attribute):
    """An attribute with all `in_raw` attributes as one JSON document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided(Attribute):
    """An attribute whose value a service computes from the row. The table contains only its rule and what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Provided):
    """An attribute with the objects of the kind `of` that belong to this object.

    Their field `owner` contains the `_id` of this object. If `owner` is None, it is the `owner` of their kind. `order`
    is the order of the pages.
    """

    of: str
    order: Order
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned(Relation):
    """A relation with at most `limit` objects. A client gets all of them in one list, oldest first."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged(Relation):
    """A relation that a client gets in pages."""


# eq=False: kinds are compared by identity. Caches use them as keys, and a comparison of all attributes would be slow.
@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A GraphQL type that can be read. `read` and `list` are the rules for reading an object and a list of objects.

    `default` is the rule of the attributes that have no rule of their own; the schema prints it at the type. If it is
    None, every reader of the object may read them. `owner` is the stored field with the `_id` of the user to whom the
    object belongs. `needs` are stored paths that every row contains. `lookups` are stored fields without an attribute,
    for filters and orders. While the field `hidden_by` has a value, lists and most lookups do not find the object.
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
    # For each attribute its rule, and for a Stored attribute its path and default too. A row reads this for each value,
    # and a tuple is faster than an object.
    steps: dict[str, tuple[Rule | None, str | None, Any]] = field(default_factory=dict)

    def add(self, attributes: Sequence[Attribute]) -> None:
        for each in attributes:
            rule = None if each.read is OPEN else each.read or self.default
            self.attributes[each.name] = replace(each, read=rule)
            as_stored = (each.path, each.default) if type(each) is Stored else (None, None)
            self.steps[each.name] = (rule, *as_stored)

    def projection(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[str]:
        """Returns the stored paths of the attributes that are requested and may be read."""
        # Only these fields leave the database. So a mistake in a later step cannot show a refused field.
        paths = set(self.needs)
        for attribute, inside in self._readable_part(selection, readable):
            paths.update(attribute.projection(inside, readable))
        return frozenset(paths)

    def joins(self, selection: Selection, readable: frozenset[Rule]) -> frozenset[Join]:
        """Returns the joined data of the attributes that are requested and may be read."""
        joins: set[Join] = set()
        for attribute, inside in self._readable_part(selection, readable):
            joins |= attribute.needed_joins(inside, readable)
        return frozenset(joins)

    def search_fields(self) -> Mapping[str, tuple[SearchField, Attribute]]:
        """The fields of the search language with the attribute that gives each, down to those of nested rows."""
        found: dict[str, tuple[SearchField, Attribute]] = {}
        for attribute in self.attributes.values():
            found |= {each.name: (each, attribute) for each in attribute.search}
            if isinstance(attribute, Nested):
                found |= attribute.kind.search_fields()
        return found

    def raw_selection(self) -> Selection:
        """Returns the attributes of `raw`, those of nested rows included."""
        return {name: each.raw_selection() for name, each in self.attributes.items() if each.in_raw}

    def personal_selection(self) -> Selection:
        """Returns the attributes of the personal data export, those of nested rows included."""
        return {name: each.personal_selection() for name, each in self.attributes.items() if each.personal}

    def may_read(self, name: str, readable: frozenset[Rule]) -> bool:
        """Whether the attribute exists and a reader with these rules may read it."""
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
    """Declares an attribute that is stored at `path`, or under its own name if `path` is None.

    In this function and in those below, `more` are further fields of Attribute.
    """
    path = path or name
    more.update(name=name, description=description, path=path, paths=(path,), default=default)
    return Stored(**more) if conversion is None else Converted(conversion=conversion, **more)


def computed(
    name: str, description: str, function: Callable[..., Any], *, needs: tuple[str, ...] = (), **more: Any
) -> Computed:
    """Declares an attribute that `function` computes from the stored paths in `needs`."""
    return Computed(name=name, description=description, function=function, paths=needs, **more)


def nested(name: str, description: str, kind: Kind, **more: Any) -> Nested:
    """Declares records inside this record: a list that is stored under the name of the attribute."""
    return Nested(name=name, description=description, kind=kind, path=name, paths=(name,), **more)


def referenced(name: str, description: str, kind: Kind, *, path: str, join: Join, **more: Any) -> Referenced:
    """Declares objects of another kind. Their `_id`s are stored at `path`."""
    more.update(name=name, description=description, paths=(path,), joins=frozenset({join}))
    return Referenced(kind=kind, **more)


def owned(name: str, description: str, of: str, *, order: Order, limit: int, **more: Any) -> Owned:
    """Declares a small number of objects of another kind. `of` is the name of the kind."""
    # A name, not the kind itself: two kinds may refer to each other.
    return Owned(name=name, description=description, of=of, order=order, limit=limit, **more)


def paged(name: str, description: str, of: str, *, order: Order, **more: Any) -> Paged:
    """Declares objects of another kind that a client gets in pages. `of` is the name of the kind."""
    return Paged(name=name, description=description, of=of, order=order, **more)


def global_id(kind: str, description: str, **more: Any) -> Stored:
    """Declares the global id of Relay."""
    return stored("id", description, path="_id", conversion=lambda key: encode_id(kind, key), **more)
