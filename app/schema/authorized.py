"""`@authorized`: prints the rules of the attribute tables and of the services into the schema.

Nothing is enforced here: rows enforce the rules of reading, and services the rules of writing. Both use the Rule
objects that are printed here, so that the schema cannot promise anything else.
"""

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
        "The scopes that a caller needs to read a field or to run a mutation. On a type, the directive applies to all"
        " fields of the type that do not have their own. A field to which no directive applies is open to every caller"
        " who may read the object. A mutation without this directive checks the scopes of each change, or needs no"
        " token."
    ),
)
class Authorized:
    scopes: list[list[str]] = strawberry.field(
        description="Alternatives. The token must have every scope of at least one inner list:"
        ' [["read:users"], ["read:roles"]] requires one of the two scopes, and [["create:role_members",'
        ' "update:users"]] requires both. An empty inner list, [[]], requires no scope.'
    )
    self_: list[list[str]] | None = strawberry.field(
        name="self",
        default=strawberry.UNSET,
        description="More alternatives for users who act on their own profile. Empty: users can never do this to their"
        " own profile, even if the token has every scope. Without this argument: only `scopes` counts, for every"
        " profile.",
    )
    # The same rule as a sentence, for the description of the field.
    words: strawberry.Private[str] = ""


def authorized(rule: Rule) -> Authorized:
    """Returns the directive that prints this rule."""
    words = in_words(rule)
    if rule.self_ is None:
        return Authorized(scopes=to_lists(rule.scopes), words=words)
    return Authorized(scopes=to_lists(rule.scopes), self_=to_lists(rule.self_), words=words)


# For an open field of a type that has a rule: without a directive of its own, the type's would be printed for it.
_OPEN = Authorized(scopes=[[]])


def authorized_of(type_: GraphQLObjectType, field: GraphQLField) -> Authorized | None:
    """Returns the directive that applies to a field: its own, or else the one of its type."""
    return declared(field, Authorized) or declared(type_, Authorized)


def in_words(rule: Rule) -> str:
    """Returns the rule as text for descriptions: "Requires read:users, or read:current_user on your own profile."."""
    scopes = _alternatives(rule.scopes)
    if rule.self_ is None:
        return f"Requires {scopes}."
    if rule.self_ == ():
        return f"Requires {scopes}. Not allowed on your own profile."
    recent = " Your own profile also needs a recent sign-in." if rule.recent else ""
    return f"Requires {scopes}, or {_alternatives(rule.self_)} on your own profile.{recent}"


def _alternatives(alternatives: Alternatives) -> str:
    joined = [" and ".join(each) for each in to_lists(alternatives)]
    return (", or " if any(" and " in each for each in joined) else " or ").join(joined)


@strawberry.interface(
    description="An object with a global id, as in Relay's Global Object Identification. Read it with `Query.node` or"
    " `Query.nodes`."
)
class Node:
    id: strawberry.ID = strawberry.field(description="The global id of the object. Treat it as opaque text.")


def row_type(kind: Kind, description: str) -> Callable[[T], T]:
    """Makes a GraphQL type of which the objects are rows of this kind.

    The fields of the class declare names and types. Descriptions and rules come from the attribute table of the kind.
    Raises KeyError for a field that the table does not have.
    """

    def wrap(cls: T) -> T:
        # All rows have the same Python class, so that only the kind tells one Node from another.
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
                # The same number limits the list when it is written, so that the cost is never too low.
                field.directives = [*field.directives, ListSize(assumed_size=attribute.limit)]
            # Only rules that differ from the rule of the type are printed: otherwise each field would repeat it.
            if attribute.read is not kind.default:
                own = _OPEN if attribute.read is None else authorized(attribute.read)
                field.directives = [*field.directives, own]
        return made

    return wrap


def describe_rules(schema: GraphQLSchema) -> None:
    """Adds the rule in words to the description of each field that has a rule."""
    # Introspection does not return applied directives: without these words GraphiQL would not show any rule.
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                directive = authorized_of(type_, field)
                if directive is not None:
                    field.description = f"{field.description or ''} {directive.words}".strip() or None


def resolve(source: Any, name: str) -> Any:
    """Returns the value of a field without a resolver. Raises Forbidden for an attribute closed to the caller."""
    return source.read(name) if type(source) is Row else getattr(source, name)
