"""Which objects a caller finds, in lists and by id."""

import pytest

from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.devices import DEVICE
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.filters import ALL, And, Exists, Filter, In
from app.domain.kinds import Kind
from app.domain.principals import Principal
from app.policy.logs import visible_events
from app.policy.visibility import visible, visible_by_key
from tests.policy.callers import LINKED, OWN, application, user, user_without_profile
from tests.world import ALL_SCOPES

OWN_PROFILE = And((ALL, In("_id", [OWN, LINKED])))
OWN_DEVICES = And((ALL, In("user", [OWN, LINKED])))


@pytest.mark.parametrize("kind", [USER, ROLE, CONNECTION, DEVICE], ids=lambda kind: kind.name)
def test_list_is_not_narrowed_further(kind: Kind) -> None:
    assert visible(user(), kind) == ALL


@pytest.mark.parametrize("caller", [user("read:logs"), application("read:logs"), application(*ALL_SCOPES)])
def test_list_of_events_is_narrowed_to_visible_events(caller: Principal) -> None:
    assert visible(caller, LOG_EVENT) == visible_events(caller)


@pytest.mark.parametrize(
    ("caller", "kind", "expected"),
    [
        (application("read:users"), USER, ALL),
        (user("read:users"), USER, ALL),
        (user("read:current_user"), USER, OWN_PROFILE),
        (user(), USER, OWN_PROFILE),
        (user_without_profile("read:current_user"), USER, None),
        (application("read:current_user"), USER, None),
        (application("read:roles"), ROLE, ALL),
        (user("read:current_user"), ROLE, None),
        (application(), CONNECTION, None),
        (application("read:connections"), CONNECTION, ALL),
        (application("read:device_credentials"), DEVICE, ALL),
        (user("read:current_user"), DEVICE, OWN_DEVICES),
        (user_without_profile(), DEVICE, None),
    ],
)
def test_object_is_found_by_id(caller: Principal, kind: Kind, expected: Filter | None) -> None:
    assert visible_by_key(caller, kind) == expected


@pytest.mark.parametrize(
    ("caller", "narrowed_to"),
    [
        (application("read:logs"), None),
        # An event about no user, such as a changed role, needs read:logs.
        (application("read:logs_users"), Exists("user")),
        (user("read:logs_users"), Exists("user")),
        (user("read:current_user"), In("user", [OWN, LINKED])),
    ],
)
def test_event_is_found_by_id_if_it_is_visible(caller: Principal, narrowed_to: Filter | None) -> None:
    events = visible_events(caller)
    assert visible_by_key(caller, LOG_EVENT) == (events if narrowed_to is None else And((events, narrowed_to)))
