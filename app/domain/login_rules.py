"""Login rules: functions that run during a login and can change the profile."""

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
    """A rule that an operator can enable. `run` returns new root attributes, `user_metadata` and `app_metadata`.

    Fields that `run` does not return stay the same.
    """

    name: str
    title: str
    run: Callable[[User, Login], Mapping[str, Any]]


class LoginRuleFailed(Exception):  # noqa: N818
    """A rule raised an exception, or returned a value that cannot be stored. The login fails and changes nothing."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"The login rule {rule} failed.")
        self.rule = rule


def apply_rule(
    rule: LoginRule, user: User, login: Login, primary: AuthConnection | None, max_bytes: int, at: datetime
) -> User:
    """Returns the profile after the rule. `primary` is the connection of the primary identity.

    A root attribute that `updateRootAttributes` would refuse is not set, and a key of user_metadata with the same name
    stays. Raises LoginRuleFailed.
    """
    try:
        changes = dict(rule.run(user, login))
        if not changes.keys() <= {*ROOT_ATTRIBUTES, *_METADATA}:
            raise LoginRuleFailed(rule.name)
        wanted = {name: changes.pop(name) for name in ROOT_ATTRIBUTES if name in changes}
        values = (
            {} if why_not_editable(primary) else {name: each for name, each in wanted.items() if _is_valid(name, each)}
        )
        for name, reserved in _METADATA.items():
            if name in changes:
                changes[name] = _checked(changes[name], reserved, getattr(user, name), max_bytes)
        # A rule may move a value from user_metadata. If the root attribute cannot be set, the value must not be lost.
        for name in wanted.keys() - values.keys():
            if "user_metadata" in changes and name in user.user_metadata:
                changes["user_metadata"].setdefault(name, user.user_metadata[name])
    except LoginRuleFailed:
        raise
    # A rule can raise any exception. The login must then fail with the name of the rule.
    except Exception as error:
        raise LoginRuleFailed(rule.name) from error
    return replace(user, **changes, **apply_root_attributes(user, values, AttributeSource.RULE, at))  # type: ignore[arg-type]


def _is_valid(name: str, value: Any) -> bool:
    try:
        check_root_attribute(name, value)
    except Refused:
        return False
    return True


def _checked(document: Any, reserved: frozenset[str], before: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    # A reserved key that is already stored, and a document that is already too large, must not make every login fail.
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
