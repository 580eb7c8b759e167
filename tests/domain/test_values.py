"""What a stored document becomes where that is more than a field of it."""

import pytest

from app.domain.rows import Row
from app.domain.rules import READ_OTHERS_ACTS
from app.domain.values import is_hidden, without_secrets


@pytest.mark.parametrize(
    "name",
    ["access_token", "refreshToken", "password", "PASSWD", "client_secret", "credentials", "private_key", "privateKey"],
)
def test_whatever_is_named_like_a_secret_is_dropped_at_any_depth(name: str) -> None:
    sent = {"id": "1", name: "x", "deeper": {name: {"id": "2"}, "kept": [{name: "y", "id": 3}, name]}}
    assert without_secrets(sent) == {"id": "1", "deeper": {"kept": [{"id": 3}, name]}}


def test_both_metadata_are_dropped_and_all_else_stays_as_it_was_sent() -> None:
    sent = {"app_metadata": {"a": 1}, "user_metadata": {"b": 2}, "in": {"app_metadata": 1, "metadata": 2}, "null": None}
    assert without_secrets(sent) == {"in": {"metadata": 2}, "null": None}
    for plain in (None, 1, "token", [], {}, True):
        assert without_secrets(plain) == plain


def test_somebody_elses_act_is_hidden_from_who_may_not_read_it() -> None:
    from app.domain.attributes import LOG_EVENT

    act = {"actor": {"kind": "APPLICATION", "id": "support"}}
    assert is_hidden(Row(LOG_EVENT, act, frozenset()))
    assert not is_hidden(Row(LOG_EVENT, act, frozenset({READ_OTHERS_ACTS})))
    assert not is_hidden(Row(LOG_EVENT, {}, frozenset()))
