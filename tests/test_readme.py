"""README's examples run as they stand, and its table of rules is the rules."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from app.domain.times import now
from app.schema.authorized import authorized_of
from app.schema.build import build_schema
from tests.serving import environment, serve
from tests.world import World

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"```sh\n(curl .*?)```\s+```json\n(.*?)```", README, re.DOTALL)
GRAPHQL = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
COMMAND = ".venv/bin/profile-api"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_answer_what_they_say(tmp_path: Path) -> None:
    program = tmp_path / "profile-api"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from app.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    data_dir = tmp_path / "data"
    with serve(data_dir, "--demo") as served:
        assert len(EXAMPLES) == 3
        for script, answer in EXAMPLES:
            here = script.replace(ADDRESS, served.url).replace(COMMAND, str(program))
            ran = subprocess.run(["bash", "-c", here], env=environment(data_dir), capture_output=True, check=True)
            assert json.loads(ran.stdout) == json.loads(answer)
        [example] = PYTHON
        here = example.replace(ADDRESS, served.url).replace(COMMAND, str(program))
        ran = subprocess.run([sys.executable, "-c", here], env=environment(data_dir), capture_output=True, check=True)
        assert ran.stdout == b"319\n"


async def test_a_users_whole_page_takes_six_commands_whatever_there_is(world: World, commands: list[str]) -> None:
    page = next(each for each in GRAPHQL if each.startswith("query UserPage"))
    await world.add_connection()
    role = await world.add_role("Editor", [{"api": "a", "name": "b"}])
    token = world.tool_token()
    empty = await world.add_user("jane")
    full = await world.add_user("john", role_ids=(role,), permissions=({"api": "a", "name": "c"},))
    for number in range(30):
        await world.add_event(full)
        of = {"tenant": world.tenant, "user": full.id}
        used = {"client_id": str(number), "last_used_at": now()}
        await world.database["devices"].insert_one({**of, **used, "device_id": str(number), "type": "PUBLIC_KEY"})
        granted = {"client_name": "c", "scopes": [], "granted_at": now()}
        await world.database["grants"].insert_one({**of, **granted, "client_id": str(number), "audience": "a"})
        enrolled = {"enrollment_id": str(number), "type": "totp", "status": "confirmed"}
        await world.database["mfa_enrollments"].insert_one({**of, **enrolled})
    for user, count in ((empty, 0), (full, 25)):
        await world.ask(page, token, userId=user.user_id)
        commands.clear()
        found = (await world.ask(page, token, userId=user.user_id))["user"]
        assert commands == ["find"] * 6
        assert [len(found[each]["nodes"]) for each in ("devices", "logEvents")] == [count] * 2
        assert [len(found[each]) for each in ("authorizedApplications", "mfaEnrollments")] == [30 if count else 0] * 2
        assert len(found["roles"]) == len(found["permissions"]) / 2 == bool(count)
        assert found["raw"]["user_id"] == user.user_id


def alternatives(cell: str) -> list[list[str]] | None:
    """As the directive has them; `-` and `never` as None and []."""
    if cell == "-":
        return None
    if cell == "never":
        return []
    return [sorted(re.findall(r"`([^`]+)`", each)) for each in cell.split(", ")]


def test_the_table_of_rules_is_what_the_schema_prints() -> None:
    told = {}
    for line in README.splitlines():
        cells = [each.strip() for each in line.strip("|").split(" | ")]
        if len(cells) == 3 and re.match(r"`(Query|User|Role|Caller|Identity|Mutation)\.", cells[0]):
            for name in re.findall(r"`(\w+\.\w+)`", cells[0]):
                told[name] = (alternatives(cells[1]), alternatives(cells[2]))
    rules = printed_rules()
    assert set(told) <= set(rules)
    for name, (scopes, on_oneself) in rules.items():
        assert told.get(name, told["Query.user"]) == (scopes, on_oneself), name
        assert name in told or name.startswith("User."), name


def printed_rules() -> dict[str, tuple[object, object]]:
    rules = {}
    for type_ in build_schema()._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                directive = authorized_of(type_, field)
                if directive is not None and directive.scopes != [[]]:
                    on_oneself = directive.self_ if isinstance(directive.self_, list) else None
                    rules[f"{type_.name}.{name}"] = (directive.scopes, on_oneself)
    assert "User.appMetadata" in rules
    return rules
