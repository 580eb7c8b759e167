"""Attacks a service of its own, then sends it generated operations as an application and as a user (schemathesis).

Each error in an answer must have a code that the manual explains. A status of 500 or more, a broken body and the code
INTERNAL are failures. `scripts/edge_attacks.py` says what the attacks must not achieve.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import graphql
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis.graphql import nodes

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.domain.demo import JOHN_DOE
from scripts.edge_attacks import check_attacks
from tests.serving import Served, serve

CODES = {
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "COST_EXCEEDED",
    "FORBIDDEN",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    # The check takes longer than a sign-in counts as recent.
    "INSUFFICIENT_USER_AUTHENTICATION",
}
_ROUND = 50


def register_scalars() -> None:
    """What may be sent as DateTime and as JSON, and what may not."""
    texts = strategies.sampled_from(["2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00+02:00", "yesterday", ""])
    schemathesis.graphql.scalar("DateTime", texts.map(nodes.String))
    leaves = strategies.one_of(
        strategies.integers().map(nodes.Int),
        strategies.text(strategies.characters(codec="utf-8"), max_size=20).map(nodes.String),
        strategies.booleans().map(nodes.Boolean),
        strategies.just(nodes.Null),
    )
    keys = strategies.from_regex(r"\A[_a-zA-Z][_a-zA-Z0-9]{0,10}\Z")
    fields = strategies.dictionaries(keys, leaves, max_size=4)
    schemathesis.graphql.scalar("JSON", strategies.one_of(leaves, fields.map(_to_object)))


def _to_object(fields: dict[str, graphql.ValueNode]) -> graphql.ValueNode:
    made = [graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=value) for name, value in fields.items()]
    return graphql.ObjectValueNode(fields=tuple(made))


def check(served: Served, token: str, seconds: float) -> Counter[str]:
    """What was answered to this caller, by code. Raises on the first answer that has no code of ours."""
    schema = schemathesis.graphql.from_url(f"{served.url}/graphql", headers={"accept": "application/json"})
    headers = {"authorization": f"Bearer {token}"}
    told: Counter[str] = Counter()
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        for operation in [each.ok() for each in schema.get_all_operations()]:
            number += 1

            @seed(number)
            @settings(
                max_examples=_ROUND,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def ask(case: schemathesis.Case) -> None:
                answer = case.call(headers=headers)
                content = answer.json()
                assert answer.status_code < 500, (case.body, content)
                for error in content.get("errors", []):
                    code = error["extensions"]["code"]
                    assert code in CODES, (case.body, error)
                    told[code] += 1
                told["asked"] += 1

            ask()
            if time.monotonic() > until:
                break
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attack", type=float, default=5.0, help="seconds of each attack, twice; 0 leaves them out")
    parser.add_argument("--application", type=float, default=300.0, help="seconds as an application")
    parser.add_argument("--user", type=float, default=120.0, help="seconds as a user")
    parser.add_argument("attacks", nargs="*", help="names of attacks, as scripts/edge_attacks.py has them; else all")
    given = parser.parse_args()
    if given.attack:
        with tempfile.TemporaryDirectory() as folder:
            check_attacks(Path(folder), given.attack, given.attacks)
    register_scalars()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), "--demo") as served:
        callers = {
            "application": (mint(Path(folder), "edge@clients", "edge", APPLICATION_SCOPES, 3600), given.application),
            "user": (mint(Path(folder), JOHN_DOE, "edge", USER_SCOPES, 3600), given.user),
        }
        for name, (token, seconds) in callers.items():
            told = check(served, token, seconds)
            print(f"as {name}:", ", ".join(f"{count} {what}" for what, count in told.most_common()))
        assert served.is_ready()


if __name__ == "__main__":
    main()
