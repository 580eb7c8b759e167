"""Each use case declares its rule once. The service enforces the rule, and the schema prints it."""

import ast
from pathlib import Path
from typing import Any

import pytest

from app.domain import rules
from app.domain.principals import Principal
from app.domain.rules import BLOCK_USER, CHANGE_USERNAME, WRITING, Rule
from app.policy.actions import RULES
from app.policy.actions import UserActionName as Name
from app.services import use_cases
from app.services.accounts import Accounts
from app.services.attributes import RootAttributes
from app.services.blocks import Blocks
from app.services.devices import Devices
from app.services.emails import Emails
from app.services.enrollments import Enrollments
from app.services.grants import Grants
from app.services.identifiers import Identifiers
from app.services.identities import Identities
from app.services.metadata import Metadata
from app.services.passwords import Passwords
from app.services.personal_data import PersonalData
from app.services.roles import Roles
from app.services.use_cases import requires, rule_of

APP = Path(use_cases.__file__).parents[1]
# For each action, the use case of its mutation.
USE_CASES: dict[Name, Any] = {
    Name.EDIT_USER_METADATA: Metadata.update_user_metadata,
    Name.EDIT_APP_METADATA: Metadata.update_app_metadata,
    Name.EDIT_ROOT_ATTRIBUTES: RootAttributes.update,
    Name.CHANGE_EMAIL: Emails.change,
    Name.CHANGE_USERNAME: Identifiers.change_username,
    Name.CHANGE_PHONE_NUMBER: Identifiers.change_phone_number,
    Name.CHANGE_PASSWORD: Passwords.change,
    Name.SEND_VERIFICATION_EMAIL: Emails.send_verification,
    Name.SEND_PASSWORD_RESET_EMAIL: Passwords.send_reset,
    Name.BLOCK: Blocks.block,
    Name.UNBLOCK: Blocks.unblock,
    Name.DELETE: Accounts.delete,
    Name.LINK_IDENTITY: Identities.link,
    Name.UNLINK_IDENTITY: Identities.unlink,
    Name.UNLINK_DEVICE: Devices.unlink,
    Name.REVOKE_APPLICATION: Grants.revoke,
    Name.REMOVE_MFA_ENROLLMENTS: Enrollments.remove,
    Name.ASSIGN_ROLES: Roles.assign,
    Name.UNASSIGN_ROLES: Roles.unassign,
    Name.GRANT_PERMISSIONS: Roles.grant,
    Name.REVOKE_PERMISSIONS: Roles.revoke,
    Name.EXPORT_PERSONAL_DATA: PersonalData.export,
}


async def test_method_gets_the_rule_that_it_declares() -> None:
    class Blocks:
        @requires(BLOCK_USER)
        async def block(self, principal: Principal | None, rule: Rule, name: str, *, soft: bool) -> tuple[Any, ...]:
            return principal, rule, name, soft

    assert await Blocks().block(None, "john", soft=True) == (None, BLOCK_USER, "john", True)
    assert rule_of(Blocks.block) is BLOCK_USER
    assert rule_of(Identifiers.change_username) is CHANGE_USERNAME


def test_no_mutation_names_a_rule() -> None:
    names = {name for name, each in vars(rules).items() if isinstance(each, Rule) and each in WRITING}
    for path in (APP / "schema").rglob("*.py"):
        used = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not used & names, path.name


@pytest.mark.parametrize("name", Name)
def test_viewer_action_has_the_rule_of_its_use_case(name: Name) -> None:
    assert RULES[name] is rule_of(USE_CASES[name])
