"""Login rules: small functions, run inside a login, from a profile and the login to changes of the profile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.connections import AuthConnection, why_not_editable
from app.domain.errors import Refused
from app.domain.logins import Login
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size
from app.domain.root_attributes import ROOT_ATTRIBUTES, apply_root_attributes, check_root_attribute
from app.domain.users import AttributeSource, User

_METADATA = {"user_metadata": frozenset[str](), "app_metadata": RESERVED_APP_METADATA}


@dataclass(frozen=True, slots=True)
class LoginRule:
    """`run` gives the new values of root attributes, `user_metadata` and `app_metadata`; what it leaves out stays."""

    name: str
    title: str
    run: Callable[[User, Login], Mapping[str, Any]]


class LoginRuleFailed(Exception):  # noqa: N818
    """A rule raised, or gave what can't be stored: the login fails with its name, and changes nothing."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"Login rule {rule} failed.")
        self.rule = rule


def apply_rule(
    rule: LoginRule, user: User, login: Login, primary: AuthConnection | None, max_bytes: int, at: datetime
) -> User:
    """The profile after the rule; LoginRuleFailed. `primary` is the connection of the profile's primary identity.

    A root attribute that `updateRootAttributes` would refuse is not set, and the metadata it came from stays.
    """
    try:
        changes = dict(rule.run(user, login))
        if not changes.keys() <= {*ROOT_ATTRIBUTES, *_METADATA}:
            raise LoginRuleFailed(rule.name)
        wanted = {name: changes.pop(name) for name in ROOT_ATTRIBUTES if name in changes}
        values = (
            {} if why_not_editable(primary) else {name: each for name, each in wanted.items() if _is_good(name, each)}
        )
        for name, reserved in _METADATA.items():
            if name in changes:
                changes[name] = _checked(changes[name], reserved, getattr(user, name), max_bytes)
        for name in wanted.keys() - values.keys():
            if "user_metadata" in changes and name in user.user_metadata:
                changes["user_metadata"].setdefault(name, user.user_metadata[name])
    except LoginRuleFailed:
        raise
    except Exception as error:
        raise LoginRuleFailed(rule.name) from error
    return replace(user, **changes, **apply_root_attributes(user, values, AttributeSource.RULE, at))  # type: ignore[arg-type]


def _is_good(name: str, value: Any) -> bool:
    try:
        check_root_attribute(name, value)
    except Refused:
        return False
    return True


def _checked(document: Any, reserved: frozenset[str], before: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    content = dict(check_patch(document, reserved - before.keys()))
    if content != before:
        check_size(content, max_bytes)
    return content


def _move(user: User, _: Login) -> Mapping[str, Any]:
    found = {name: value for name in ROOT_ATTRIBUTES if isinstance(value := user.user_metadata.get(name), str)}
    if not found:
        return {}
    return {**found, "user_metadata": {name: value for name, value in user.user_metadata.items() if name not in found}}


MOVE_USER_METADATA = LoginRule(
    "move-user-metadata-to-root-attributes", "Move user_metadata attributes to root attributes", _move
)
BUILT_IN = (MOVE_USER_METADATA,)
