"""The query language: Lucene syntax, which luqum parses, as filters, and the messages for what it does not support.

Everything that a caller types becomes a value of a filter. Length, nesting and the number of values are bounded before
the query is parsed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from luqum import tree
from luqum.exceptions import ParseError
from luqum.parser import lexer
from luqum.thread import parse as parse_lucene

from app.domain.filters import ALL, Filter
from app.domain.search_fields import SearchField
from app.domain.search_terms import ROLE
from app.search.clauses import (
    Bound,
    SearchTarget,
    UnsearchableError,
    all_of,
    any_of,
    between,
    check_conditions,
    equals,
    exists,
    has_role,
    in_person,
    matches_pattern,
    negate,
)
from app.search.errors import SearchRefused, refused_at
from app.search.pasted import read_pasted
from app.search.values import Pattern, UnsupportedWildcardError, parse_pattern, unescape

# Characters of a query.
MAX_LENGTH = 4_000
# Values in a query, each with or without a field.
MAX_CLAUSES = 200
# Parentheses inside parentheses.
MAX_DEPTH = 20
# Signs and NOT, each of which can stand before another one.
MAX_NEGATIONS = 50
_VALUES = frozenset({"TERM", "PHRASE", "REGEX"})
_NEGATIONS = frozenset({"MINUS", "PLUS", "NOT"})
# Characters of a name or a word that an error message repeats.
_SHOWN = 60
_POSITION = re.compile(r"(?:unexpected\s+'(.*)' )?at position (\d+)", re.DOTALL)
# luqum reads a sign behind a comparison as an operator. A backslash makes it a part of the number.
_NEGATIVE_BOUND = re.compile(r"(?<=[<>=])-(?=[\d.])")
_ROLE_BY_NAME = "A role is searched by its ID or its whole name."
_OPERATORS = {"&&": "AND", "||": "OR", "!": "NOT"}
_UNSUPPORTED: Mapping[type[tree.Item], str] = {
    tree.Fuzzy: "Fuzzy search (~) is not supported: use a wildcard such as jan*.",
    tree.Proximity: "Proximity search (~) is not supported: search for the words with AND.",
    tree.Boost: "Boosts (^) are not supported: results have the order of orderBy.",
    tree.Regex: "Regular expressions are not supported: use wildcards, or put a text with slashes in quotes.",
}


@dataclass(frozen=True, slots=True)
class Search:
    """A query as a filter. `fields` are the names of the fields that it uses, for the check of the caller's rights.
    `roles` are the role IDs and role names that it mentions.
    """

    where: Filter
    fields: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


def parse_query(text: str, fields: Mapping[str, SearchField], roles: Mapping[str, str] | None = None) -> Search:
    """Reads a query. `fields` are those that can be searched, by name. `roles` has the key of each role by the role ID
    or name that the query mentions; without it, clauses of roles match no user. Raises SearchRefused, with the line and
    the column of the mistake.
    """
    if len(text) > MAX_LENGTH:
        raise SearchRefused(f"A query has at most {MAX_LENGTH} characters, and this query has {len(text)}.")
    if not text.strip():
        return Search(ALL)
    pasted = read_pasted(text.strip())
    if pasted is not None:
        return Search(pasted)
    _check_size(text)
    source = _Source(text)
    translator = _Translator(source, fields, roles or {})
    where = translator.translate(source.parse())
    check_conditions(where, ("query",))
    return Search(where, frozenset(translator.used), frozenset(translator.roles))


class _Source:
    """The text of a query, and where its parts stand in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._inserted = [match.start() for match in _NEGATIVE_BOUND.finditer(text)]

    def parse(self) -> tree.Item:
        try:
            return parse_lucene(_NEGATIVE_BOUND.sub(r"\\-", self.text))
        except ParseError as error:
            raise self._syntax_error(str(error)) from None

    def refused(self, node: tree.Item, problem: str) -> SearchRefused:
        return self._refused_at(node.pos or 0, problem)

    def _refused_at(self, position: int, problem: str) -> SearchRefused:
        """`position` counts the backslashes that were inserted before parsing."""
        for count, inserted in enumerate(self._inserted):
            if inserted + count < position:
                position -= 1
        return refused_at(self.text, position, problem)

    def _syntax_error(self, message: str) -> SearchRefused:
        found = _POSITION.search(message)
        if found is None:
            return refused_at(
                self.text, len(self.text), "The query ends too early: a value, a quote or a closing bracket is missing."
            )
        position = int(found[2])
        unexpected = found[1] or self.text[position : position + 1]
        if unexpected == '"':
            return self._refused_at(position, "This quote is not closed.")
        return self._refused_at(position, f"Unexpected {unexpected[:_SHOWN]!r}.")


def _check_size(text: str) -> None:
    """Counts clauses and nesting before parsing, because both decide what translating and running the query costs."""
    clauses = negations = depth = deepest = 0
    # A copy, because the lexer of luqum has a state that all requests of the process share.
    tokens = lexer.clone()
    tokens.input(text)
    try:
        for token in tokens:
            clauses += token.type in _VALUES
            negations += token.type in _NEGATIONS
            depth += (token.type == "LPAREN") - (token.type == "RPAREN")
            deepest = max(deepest, depth)
    except ParseError:
        # The parser reports the place.
        return
    for found, limit, noun in (
        (clauses, MAX_CLAUSES, "values"),
        (negations, MAX_NEGATIONS, "negations and signs"),
        (deepest, MAX_DEPTH, "nested parentheses"),
    ):
        if found > limit:
            raise SearchRefused(f"A query has at most {limit} {noun}, and this query has {found}.")


class _Translator:
    """Translates the syntax tree of one query."""

    def __init__(self, source: _Source, fields: Mapping[str, SearchField], roles: Mapping[str, str]) -> None:
        self._source = source
        self._fields = fields
        self._known_roles = roles
        self.used: set[str] = set()
        self.roles: set[str] = set()

    def translate(self, node: tree.Item) -> Filter:
        """The filter of a node that stands outside of any field."""
        match node:
            case tree.SearchField(name="_exists_") if isinstance(node.expr, tree.Word | tree.Phrase):
                target = self._target(node.expr, _scalar(node.expr) or "")
                return self._checked(node, lambda: exists(target))
            case tree.SearchField():
                target = self._target(node, unescape(node.name))
                if isinstance(node.expr, tree.Prohibit | tree.Plus) and isinstance(node.expr.a, tree.Word):
                    # `field:-5` is a negative number. Inside parentheses, the sign is an operator.
                    return self._checked(node, lambda: self._equals(target, _scalar(node.expr) or ""))
                return self._in_field(node.expr, target)
            case tree.Word() | tree.Phrase():
                return self._checked(node, lambda: in_person(self._pattern(node)))
            case tree.Range() | tree.From() | tree.To():
                raise self._source.refused(node, "A range needs a field, such as logins_count:[10 TO *].")
            case _:
                return self._combine(node, self.translate)

    def _in_field(self, node: tree.Item, target: SearchTarget) -> Filter:
        """The filter of a node that stands behind `field:`."""
        match node:
            case tree.Word() | tree.Phrase():
                return self._checked(node, lambda: self._match(target, self._pattern(node)))
            case tree.Range() | tree.From() | tree.To() if target.path == ROLE:
                raise self._source.refused(node, _ROLE_BY_NAME)
            case tree.Range():
                low, high = _bound(node.low, node.include_low), _bound(node.high, node.include_high)
                return self._checked(node, lambda: between(target, low, high))
            case tree.From():
                return self._checked(node, lambda: between(target, _bound(node.a, node.include), None))
            case tree.To():
                return self._checked(node, lambda: between(target, None, _bound(node.a, node.include)))
            case tree.SearchField():
                raise self._source.refused(node, "A field cannot be inside a field. Put a value with : in quotes.")
            case _:
                return self._combine(node, lambda each: self._in_field(each, target))

    def _combine(self, node: tree.Item, translate: Callable[[tree.Item], Filter]) -> Filter:
        match node:
            case tree.Group() | tree.FieldGroup():
                return translate(node.expr)
            case tree.Not() | tree.Prohibit():
                return negate(translate(node.a))
            case tree.Plus():
                return translate(node.a)
            case tree.OrOperation():
                return self._checked(node, lambda: any_of([translate(each) for each in node.children]))
            case tree.AndOperation() | tree.UnknownOperation():
                return all_of([translate(each) for each in node.children])
        raise self._source.refused(node, _UNSUPPORTED.get(type(node), "This construct is not supported."))

    def _target(self, node: tree.Item, name: str) -> SearchTarget:
        # `user_metadata` and every path below it are the field `user_metadata.*`.
        field = self._fields.get(name) or self._fields.get(f"{name.partition('.')[0]}.*")
        if field is None or name.endswith("*"):
            raise self._source.refused(node, self._unknown(name))
        self.used.add(field.name)
        return SearchTarget(field, name)

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name.lower(), self._fields, n=1)
        hint = f"Did you mean {near[0]}?" if near else "searchFields lists the fields. Put a text with : in quotes."
        return f"There is no field {name[:_SHOWN]!r} to search. {hint}"

    def _pattern(self, node: tree.Word | tree.Phrase) -> Pattern:
        if isinstance(node, tree.Phrase):
            return Pattern((_scalar(node) or "",))
        if node.value in _OPERATORS or node.value.startswith("!"):
            operator = _OPERATORS.get(node.value, "NOT")
            raise self._source.refused(node, f"Write {operator}, or put {node.value[:_SHOWN]!r} in quotes.")
        return parse_pattern(node.value)

    def _match(self, target: SearchTarget, pattern: Pattern) -> Filter:
        if pattern.is_literal:
            return self._equals(target, pattern.text)
        if target.path == ROLE and not pattern.is_any:
            raise UnsearchableError(_ROLE_BY_NAME)
        return matches_pattern(target, pattern)

    def _equals(self, target: SearchTarget, text: str) -> Filter:
        if target.path != ROLE:
            return equals(target, text)
        # The first pass only collects the names of roles. The service looks up their keys, and reads the query again.
        self.roles.add(text)
        return has_role(text, self._known_roles)

    def _checked(self, node: tree.Item, build: Callable[[], Filter]) -> Filter:
        try:
            return build()
        except UnsupportedWildcardError:
            raise self._source.refused(node, "The wildcard ? is not supported: use *.") from None
        except UnsearchableError as error:
            raise self._source.refused(node, str(error)) from None


def _bound(node: tree.Item, inclusive: bool) -> Bound | None:
    """None for `*`, which does not limit the range."""
    text = _scalar(node)
    return None if text is None else Bound(text, inclusive)


def _scalar(node: tree.Item) -> str | None:
    """The text of a value without its quotes and backslashes, or None for `*`."""
    match node:
        case tree.Word(value="*"):
            return None
        case tree.Phrase():
            return unescape(node.value[1:-1])
        case tree.Word():
            return unescape(node.value)
        case tree.Prohibit() | tree.Plus():
            return f"{node.op}{_scalar(node.a) or ''}"
    raise TypeError(type(node).__name__)
