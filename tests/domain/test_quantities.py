"""Numbers with units in messages: `1 second`, `2 seconds`."""

import pytest

from app.domain.errors import InsufficientUserAuthentication
from app.domain.quantities import quantity


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(1, "second", "1 second"), (2, "second", "2 seconds"), (1, "alias", "1 alias"), (0, "alias", "0 aliases")],
)
def test_unit_is_singular_for_one_only(number: int, unit: str, text: str) -> None:
    assert quantity(number, unit) == text


def test_recent_sign_in_of_one_second_is_singular() -> None:
    assert (
        InsufficientUserAuthentication(1).message
        == "This is only possible within 1 second after a sign-in. Sign in again."
    )
