"""Which details of a log event are hidden from a reader."""

from app.domain.attributes.logs import is_hidden
from app.domain.rules import READ_OTHERS_ACTS


def test_details_of_another_callers_act_need_a_scope() -> None:
    act = {"actor": {"kind": "APPLICATION", "id": "support"}}
    assert is_hidden(act, frozenset())
    assert not is_hidden(act, frozenset({READ_OTHERS_ACTS}))
    assert not is_hidden({}, frozenset())


def test_details_of_an_act_of_the_service_are_shown() -> None:
    assert not is_hidden({"actor": {"kind": "SYSTEM", "id": "profile-api"}}, frozenset())
