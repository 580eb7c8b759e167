"""What a stored document becomes where that is more than a field of it."""

from app.domain.attributes.logs import is_hidden
from app.domain.rows import Row
from app.domain.rules import READ_OTHERS_ACTS


def test_somebody_elses_act_is_hidden_from_who_may_not_read_it() -> None:
    from app.domain.attributes.logs import LOG_EVENT

    act = {"actor": {"kind": "APPLICATION", "id": "support"}}
    assert is_hidden(Row(LOG_EVENT, act, frozenset()))
    assert not is_hidden(Row(LOG_EVENT, act, frozenset({READ_OTHERS_ACTS})))
    assert not is_hidden(Row(LOG_EVENT, {}, frozenset()))
