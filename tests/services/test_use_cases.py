"""A use case declares its rule once: it is enforced by the service and printed by the schema."""

import ast
from pathlib import Path
from typing import Any

from app.domain import rules
from app.domain.principals import Principal
from app.domain.rules import BLOCK_USER, CHANGE_USERNAME, WRITING, Rule
from app.services import use_cases
from app.services.identifiers import Identifiers
from app.services.use_cases import requires, rule_of

APP = Path(use_cases.__file__).parents[1]


async def test_method_gets_the_rule_that_it_declares() -> None:
    class Blocks:
        @requires(BLOCK_USER)
        async def block(self, principal: Principal | None, rule: Rule, name: str, *, soft: bool) -> tuple[Any, ...]:
            return principal, rule, name, soft

    assert await Blocks().block(None, "john", soft=True) == (None, BLOCK_USER, "john", True)
    assert rule_of(Blocks.block) is BLOCK_USER
    assert rule_of(Identifiers.change_username) is CHANGE_USERNAME


def test_no_mutation_names_a_rule_itself() -> None:
    names = {name for name, each in vars(rules).items() if isinstance(each, Rule) and each in WRITING}
    for path in (APP / "schema").rglob("*.py"):
        used = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not used & names, path.name
