"""The structure of `app` and of the tests: imports, names, and docstrings of packages and modules."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent
TESTS_ROOT = Path(__file__).parent
TESTS = sorted(TESTS_ROOT.rglob("*.py"))
MODULES = [each for each in sorted(ROOT.rglob("*.py")) if "node_modules" not in each.parts]
MAX_TEST_NAME = 60
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PACKAGES = [each for each in MODULES if each.name == "__init__.py" and each.parent != ROOT]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules_by_class() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name_of(path))
    return found


def test_no_class_name_exists_twice() -> None:
    assert {name: paths for name, paths in modules_by_class().items() if len(paths) > 1} == {}


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_package_says_in_three_lines_what_it_decides(path: Path) -> None:
    tree = ast.parse(path.read_text())
    text = ast.get_docstring(tree) or ""
    # A package exports nothing: its modules are imported by their names.
    assert len(tree.body) == 1
    assert len([each for each in text.splitlines() if each]) <= 3
    assert "Decides " in text
    assert "Imports " in text


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def imported_by(path: Path) -> list[str]:
    """Every module that a file imports, and every name that it imports from a module."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{each.name}" for each in node.names]
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(TESTS_ROOT).as_posix())
def test_no_test_module_is_imported(path: Path) -> None:
    # pytest would collect an imported test a second time. Shared code belongs in modules without tests.
    parts = [part for name in imported_by(path) if name.startswith("tests.") for part in name.split(".")]
    assert [part for part in parts if part.startswith(("test_", "conftest"))] == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(TESTS_ROOT).as_posix())
def test_test_names_are_short(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, FUNCTIONS)]
    names = [each.name for each in functions if each.name.startswith("test_")]
    assert [name for name in names if len(name) > MAX_TEST_NAME] == []


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, FUNCTIONS)}


@pytest.mark.parametrize("path", sorted((ROOT / "policy").glob("[!_]*.py")), ids=name_of)
def test_each_policy_function_has_a_direct_test(path: Path) -> None:
    # Through the API, a mistake in one function can be hidden by another check.
    imported = {name for test in (TESTS_ROOT / "policy").glob("test_*.py") for name in imported_by(test)}
    public = {f"app.policy.{path.stem}.{name}" for name in functions_of(path) if not name.startswith("_")}
    assert public <= imported
