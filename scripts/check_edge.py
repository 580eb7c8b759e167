"""Attacks a service, and then sends operations that schemathesis generates, as an application and as a user.

The check fails on a status of 500 or more, on a body that is not JSON, and on an error code that a client could not
have caused, such as INTERNAL. scripts/edge_attacks.py contains the attacks and their criteria.
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
    # The check takes longer than PROFILE_API_STEP_UP_SECONDS, so the sign-in of the token becomes too old.
    "INSUFFICIENT_USER_AUTHENTICATION",
}
_ROUND = 50


def register_scalars() -> None:
    """Tells schemathesis how to generate values of DateTime and JSON, valid and invalid."""
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
    """Sends operations for this many seconds. Returns the number of answers by code. Raises on a wrong answer."""
    schema = schemathesis.graphql.from_url(f"{served.url}/graphql", headers={"accept": "application/json"})
    headers = {"authorization": f"Bearer {token}"}
    counts: Counter[str] = Counter()
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
                    counts[code] += 1
                counts["operations"] += 1

            ask()
            if time.monotonic() > until:
                break
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--attack", type=float, default=5.0, help="seconds of each attack, which runs twice; 0 skips the attacks"
    )
    parser.add_argument("--application", type=float, default=300.0, help="seconds of operations as an application")
    parser.add_argument("--user", type=float, default=120.0, help="seconds of operations as a user")
    parser.add_argument("attacks", nargs="*", help="names of attacks in scripts/edge_attacks.py; the default is all")
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
            counts = check(served, token, seconds)
            print(f"as {name}:", ", ".join(f"{count} {what}" for what, count in counts.most_common()))
        assert served.is_ready()


if __name__ == "__main__":
    main()
