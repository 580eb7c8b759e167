"""What readers see of a log event."""

from app.domain.attributes.logs import is_hidden
from app.domain.rules import READ_OTHERS_ACTS


def test_act_of_someone_else_is_hidden_without_the_right_to_it() -> None:
    act = {"actor": {"kind": "APPLICATION", "id": "support"}}
    assert is_hidden(act, frozenset())
    assert not is_hidden(act, frozenset({READ_OTHERS_ACTS}))
    assert not is_hidden({}, frozenset())


def test_act_of_the_service_is_not_hidden() -> None:
    assert not is_hidden({"actor": {"kind": "SYSTEM", "id": "profile-api"}}, frozenset())
