"""`@authorized`: the rule that the attribute table and the services go by, printed into the schema."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema_directive import Location
from strawberry.types.base import get_object_definition

from app.domain.rows import Kind, Row
from app.domain.rules import Alternatives, Rule, to_lists

T = TypeVar("T", bound=type)
# The GraphQL names of types whose objects are rows.
ROW_TYPES: set[str] = set()


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="authorized",
    description=(
        "Who may use a field or run a mutation: the caller's scopes must hold all of one of the lists in `scopes`; or,"
        " where the user acted on is the caller, all of one of the lists in `self`. If `self` is empty, callers can"
        " never do this to their own profile. If `self` is left out, the same scopes apply to every profile. A field"
        " without the directive is open to every caller that may read the object that holds it."
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
        made = strawberry.type(cls, name=kind.name, description=description)
        definition = get_object_definition(made, strict=True)
        ROW_TYPES.add(kind.name)
        for field in definition.fields:
            attribute = kind.attributes[field.python_name]
            field.description = attribute.description
            if attribute.read is not None:
                field.directives = [*field.directives, authorized(attribute.read)]
        return made

    return wrap


def describe_rules(schema: GraphQLSchema) -> None:
    """Ends the description of each field that has a rule with the rule in words: introspection shows no directives."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                definition = field.extensions.get("strawberry-definition")
                for directive in getattr(definition, "directives", ()):
                    if isinstance(directive, Authorized):
                        field.description = f"{field.description or ''} {directive.words}".strip()


def resolve(source: Any, name: str) -> Any:
    """How a field without a resolver is answered: rows know what they may tell, all else are plain objects."""
    return source.read(name) if type(source) is Row else getattr(source, name)
