"""The manual's tables of metrics and costs have the names and numbers of the code."""

import re
from types import SimpleNamespace
from typing import Any

from app.auth.tokens import Tokens
from app.composition.metrics import build_metrics
from app.web.manual_pages import SOURCES
from tests.engine.measuring import cost

METADATA = "mutation($i: UpdateUserMetadataInput!) { updateUserMetadata(input: $i) { user { name } } }"
CHANGE_PASSWORD = "mutation($i: ChangePasswordInput!) { changePassword(input: $i) { user { name } } }"
ASSIGN_ROLES = "mutation($i: UserRolesInput!) { assignRoles(input: $i) { user { name } } }"
CREATE_ROLE = "mutation($i: CreateRoleInput!) { createRole(input: $i) { role { name } } }"
UPDATE_USERS = "mutation($i: UpdateUsersInput!) { updateUsers(input: $i) { errors { code } } }"
EXPORT = "mutation { exportPersonalData(input: {}) { errors { code } } }"
VERIFICATION = "mutation { sendVerificationEmail(input: {}) { errors { code } } }"


def table_below(heading: str) -> dict[str, list[str]]:
    """Returns the first table below this heading of operation.md: for the first cell of each row, the other cells."""
    section = (SOURCES / "operation.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    return {cells[0]: cells[1:] for cells in rows[2:]}


def numbers_in(text: str) -> list[int]:
    return [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", text)]


def more(query: str, given: dict[str, Any], base: dict[str, Any]) -> int:
    """Returns how much more the query costs with the first input than with the second."""
    return cost(query, i=given) - cost(query, i=base)


def cost_in_viewer(field: str) -> int:
    return cost(f"{{ viewer {{ name {field} }} }}") - cost("{ viewer { name } }")


def test_table_of_metrics_has_every_metric_and_label() -> None:
    engine: Any = SimpleNamespace(documents={})
    database: Any = SimpleNamespace(pool=None)
    registry: Any = build_metrics(Tokens([]), engine, database).registry
    labels = {
        f"{each.name}_total" if each.type == "counter" else each.name: set(collector._labelnames)
        for collector in registry._collector_to_names
        for each in collector.collect()
    }
    table = table_below("Metrics")
    described = {
        name: set(re.findall(r"`(\w+)`", cells[0]))
        for names, cells in table.items()
        for name in re.findall(r"`(\w+)`", names)
    }
    assert described == labels


def test_table_of_costs_has_the_costs_of_fields() -> None:
    metadata, app_metadata, raw = (cost_in_viewer(each) for each in ("userMetadata", "appMetadata", "raw"))
    # A profile counts as 16 identities.
    identity = "identities { provider %s }"
    profile_data = (cost_in_viewer(identity % "profileData") - cost_in_viewer(identity % "")) // 16
    page = "{ users { pageInfo { hasNextPage } %s } }"
    total_count = cost(page % "totalCount { value }") - cost(page % "") - 1
    assert metadata == app_metadata == profile_data
    events = "logEvents(first: 1) { nodes { type %s } }"
    details, change = (
        cost_in_viewer(events % each) - cost_in_viewer(events % less)
        for each, less in (("details", ""), ("changes(first: 1) { path before }", "changes(first: 1) { path }"))
    )
    assert details == metadata
    [fields] = table_below("Limits")["a field"]
    assert numbers_in(fields) == [cost_in_viewer("email"), metadata, raw, total_count, change]


def test_table_of_costs_has_costs_of_mutations_and_arguments() -> None:
    table = {what: numbers_in(cell) for what, [cell] in table_below("Limits").items()}
    errors_and_code = 3
    assert table["a mutation"] == [cost(VERIFICATION) - errors_and_code, cost(EXPORT) - errors_and_code]
    assert table["a password in an argument"] == [more(CHANGE_PASSWORD, {"newPassword": "x"}, {})]
    role: dict[str, Any] = {"roleIds": ["a"]}
    permission: dict[str, Any] = {"permissions": [{}]}
    assert table["an item of a list in an argument"] == [
        more(ASSIGN_ROLES, {"roleIds": ["a", "b"]}, role),
        more(CREATE_ROLE, {"permissions": [{"api": "a"}]}, permission),
        more(UPDATE_USERS, {"updates": [{}, {}]}, {"updates": [{}]}),
    ]


def test_table_of_costs_has_the_costs_of_json() -> None:
    [json] = table_below("Limits")["JSON in an argument"]
    of_characters, characters, of_values, values = numbers_in(json)
    empty: dict[str, Any] = {"patch": {}}
    assert more(METADATA, {"patch": {"a": "x" * (characters - 1)}}, empty) == of_characters
    assert more(METADATA, {"patch": {"a": "x" * (characters - 2)}}, empty) == 0
    # The array counts as a value, and the object that contains it does, too.
    assert more(METADATA, {"patch": {"a": [1] * (values - 2)}}, empty) == of_values
    assert more(METADATA, {"patch": {"a": [1] * (values - 3)}}, empty) == 0
