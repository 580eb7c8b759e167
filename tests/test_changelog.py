"""CHANGELOG.md: its form, and the version that it agrees with."""

import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CHANGELOG.md").read_text()
VERSIONS = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", TEXT, re.MULTILINE)
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_newest_version_is_that_of_the_package_and_readme() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert VERSIONS[0][0] == version
    assert f"Version {version}." in (ROOT / "README.md").read_text()


def test_versions_have_dates_and_are_newest_first() -> None:
    headings = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert headings == ["[Unreleased]", *(f"[{version}] - {day}" for version, day in VERSIONS)]
    order = [(tuple(map(int, version.split("."))), date.fromisoformat(day)) for version, day in VERSIONS]
    assert order == sorted(order, reverse=True)


def test_changes_are_grouped_as_keep_a_changelog_does() -> None:
    assert set(re.findall(r"^### (.*)$", TEXT, re.MULTILINE)) <= KINDS
