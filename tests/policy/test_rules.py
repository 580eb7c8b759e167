"""How recent a sign-in is: not too old, and not in the future."""

import pytest

from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.policy.rules import is_recent

NOW, MAX_AGE = 1_800_000_000.0, 300


@pytest.mark.parametrize(
    ("auth_time", "expected"),
    [
        (NOW, True),
        (NOW - MAX_AGE, True),
        (NOW - MAX_AGE - 0.5, False),
        (NOW + LEEWAY_SECONDS, True),
        (NOW + LEEWAY_SECONDS + 0.5, False),
        (NOW + 10**9, False),
        (0, False),
        (None, False),
    ],
)
def test_a_sign_in_is_recent_within_its_bounds(auth_time: float | None, expected: bool) -> None:
    principal = Principal("t", "auth0|john", ActorKind.USER, frozenset(), auth_time=auth_time)
    assert is_recent(principal, NOW, MAX_AGE) is expected
