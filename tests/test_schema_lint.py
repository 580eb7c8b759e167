"""graphql-eslint's rules for schema.graphql, with the exceptions that tests/npm/eslint.config.mjs names."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.provider import NODE, NPM

ROOT = Path(__file__).parent.parent
ESLINT = NPM / "node_modules" / "eslint" / "bin" / "eslint.js"
WRONG = '''"""Reads."""
type Query {
  """A thing."""
  getThing: Thing
}

type Thing {
  id: ID!
}
'''


def lint(folder: Path) -> list[tuple[str, str]]:
    """Returns the rule and the message of each problem."""
    command = [NODE, str(ESLINT), "--config", str(NPM / "eslint.config.mjs"), "--format", "json", "schema.graphql"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    [file] = json.loads(ran.stdout)
    return [(each["ruleId"].rpartition("/")[2], each["message"]) for each in file["messages"]]


def test_printed_schema_follows_the_rules() -> None:
    assert lint(ROOT) == []


def test_lint_reports_wrong_schema_and_unneeded_exceptions(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text(WRONG)
    problems = lint(tmp_path)
    assert {rule for rule, message in problems if "exception" not in message} == {
        "naming-convention",
        "require-description",
    }
    assert ("no-typename-prefix", "The exception User.userId is not needed.") in problems


def test_check_passes_without_the_lint(tmp_path: Path) -> None:
    """A machine without the npm registry can run all other checks."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "check", tmp_path / "scripts" / "check")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("ruff", "mypy", "lint-imports"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    for name in ("install", "schema"):
        (tmp_path / "scripts" / name).write_text("#!/bin/sh\n")
        (tmp_path / "scripts" / name).chmod(0o755)
    ran = subprocess.run([str(tmp_path / "scripts" / "check")], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "schema.graphql was not linted: run npm ci in tests/npm.\n")
