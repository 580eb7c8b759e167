"""`@authorized`: the rule that the attribute table and the services go by, printed into the schema."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry.schema_directive import Location
from strawberry.types.base import get_object_definition

from app.directives import ListSize, declared
from app.domain.kinds import Kind, Owned
from app.domain.rows import Row
from app.domain.rules import Alternatives, Rule, to_lists

T = TypeVar("T", bound=type)
# The GraphQL names of types whose objects are rows.
ROW_TYPES: set[str] = set()


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="authorized",
    description=(
        "Who may use a field or run a mutation: the caller's scopes must hold all of one of the lists in `scopes`; or,"
        " where the user acted on is the caller, all of one of the lists in `self`. If `self` is empty, callers can"
        " never do this to their own profile. If `self` is left out, the same scopes apply to every profile. On a"
        " type, the directive applies to all fields without their own. An empty list in `scopes` holds for every"
        " caller. A field to which no directive applies is open to every caller that may read the object that holds"
        " it."
    ),
)
class Authorized:
    scopes: list[list[str]]
    self_: list[list[str]] | None = strawberry.directive_field(name="self", default=strawberry.UNSET)
    # In words, for the description of the field.
    words: strawberry.Private[str] = ""


def authorized(rule: Rule) -> Authorized:
    """The directive that prints this rule."""
    words = in_words(rule)
    if rule.self_ is None:
        return Authorized(scopes=to_lists(rule.scopes), words=words)
    return Authorized(scopes=to_lists(rule.scopes), self_=to_lists(rule.self_), words=words)


# On a field of a type with a rule: whoever may read the object may read this field.
_OPEN = Authorized(scopes=[[]])


def authorized_of(type_: GraphQLObjectType, field: GraphQLField) -> Authorized | None:
    """The directive that applies to a field: its own, or else that of its type."""
    return declared(field, Authorized) or declared(type_, Authorized)


def in_words(rule: Rule) -> str:
    """The rule as a sentence, for those who read the schema."""
    recent = " and a recent sign-in" if rule.recent else ""
    if rule.self_ is None:
        own = ""
    elif rule.self_ == ():
        own = "; never on your own profile"
    else:
        own = f"; on your own profile {_alternatives(rule.self_)}{recent}"
    return f"Requires {_alternatives(rule.scopes)}{own}."


def _alternatives(alternatives: Alternatives) -> str:
    joined = [" and ".join(each) for each in to_lists(alternatives)]
    return (", or " if any(" and " in each for each in joined) else " or ").join(joined)


@strawberry.interface(description="Whatever has a global id (Relay's Global Object Identification).")
class Node:
    id: strawberry.ID


def row_type(kind: Kind, description: str) -> Callable[[T], T]:
    """A type whose objects are rows of this kind: descriptions and rules come from the attribute table."""

    def wrap(cls: T) -> T:
        cls.is_type_of = classmethod(  # type: ignore[attr-defined]
            lambda _, row, __: type(row) is Row and row.kind is kind
        )
        default = [] if kind.default is None else [authorized(kind.default)]
        made = strawberry.type(cls, name=kind.name, description=description, directives=default)
        definition = get_object_definition(made, strict=True)
        ROW_TYPES.add(kind.name)
        for field in definition.fields:
            attribute = kind.attributes[field.python_name]
            field.description = attribute.description
            if isinstance(attribute, Owned):
                field.directives = [*field.directives, ListSize(assumed_size=attribute.limit)]
            if attribute.read is not kind.default:
                own = _OPEN if attribute.read is None else authorized(attribute.read)
                field.directives = [*field.directives, own]
        return made

    return wrap


def describe_rules(schema: GraphQLSchema) -> None:
    """Ends the description of each field that has a rule with the rule in words: introspection shows no directives."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                directive = authorized_of(type_, field)
                if directive is not None:
                    field.description = f"{field.description or ''} {directive.words}".strip() or None


def resolve(source: Any, name: str) -> Any:
    """How a field without a resolver is answered: rows know what they may tell, all else are plain objects."""
    return source.read(name) if type(source) is Row else getattr(source, name)
