"""Every element of the printed schema has a description."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import DirectiveDefinitionNode, TypeDefinitionNode, parse
from graphql.language import Node

PRINTED = parse((Path(__file__).parents[2] / "schema.graphql").read_text())
# The parts of a definition that have names and descriptions of their own.
PARTS = ("fields", "values", "arguments")


def elements(node: Any, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    for part in PARTS:
        for each in getattr(node, part, None) or ():
            yield from elements(each, f"{path}.{each.name.value}")


def all_elements() -> list[tuple[str, Any]]:
    definitions = [
        each for each in PRINTED.definitions if isinstance(each, TypeDefinitionNode | DirectiveDefinitionNode)
    ]
    return [found for each in definitions for found in elements(each, each.name.value)]


def test_every_printed_element_has_a_description() -> None:
    missing = [path for path, node in all_elements() if node.description is None]
    assert missing == []


def test_elements_of_every_sort_are_checked() -> None:
    paths = {path for path, _ in all_elements()}
    assert paths >= {
        "User",
        "User.name",
        "User.logEvents.since",
        "Mutation.updateUsers.input",
        "UserBy.email",
        "ActorKind.USER",
        "authorized",
        "authorized.scopes",
        "DateTime",
    }


def test_descriptions_are_sentences() -> None:
    texts = {path: node.description.value for path, node in all_elements()}
    assert [path for path, text in texts.items() if not text.endswith((".", "..."))] == []


def test_descriptions_avoid_ambiguous_words() -> None:
    """ "tool" and "address" alone have several meanings. The key `address` in examples of metadata is not meant."""
    wrong = re.compile(r"\btools?\b|(?<!IP )(?<!e-mail )\baddress(es)?\b(?![.:,]\S|, city|: \{)")
    texts = {path: node.description.value for path, node in all_elements()}
    assert [path for path, text in texts.items() if wrong.search(text)] == []
