"""README and the manual: each example works as printed, and each table agrees with the code."""

import ast
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from playwright.async_api import Error as PlaywrightError

import app
from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.domain.errors import ErrorCode
from app.domain.refusals import RefusalCode
from app.domain.times import now
from app.environment import PREFIX
from app.settings import Settings
from app.web.home import list_paths
from app.web.manual_pages import SOURCES
from scripts.authorization_tables import rules_by_field, with_tables
from tests.browser import launched, needs_browser
from tests.manual_examples import ANSWERS, PAGES, README, Example, examples
from tests.serving import Served, environment, serve
from tests.world import World

ROOT = Path(app.__file__).parents[1]
URL = "http://127.0.0.1:8000"
PRODUCTION_URL = "https://profiles.example.com"
RUN = {"sh", "graphql", "python", "javascript", "haproxy", *ANSWERS}


def by_name(path: Path) -> str:
    return path.name


@pytest.fixture(scope="module")
def listening() -> Iterator[socket.socket]:
    """The server of the example's web page, which has another origin than the service."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def origin_of(listening: socket.socket) -> str:
    return f"http://localhost:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, listening: socket.socket) -> Iterator[Served]:
    """A service with the demo data. Its folder `checkout` is where shell examples run."""
    folder = tmp_path_factory.mktemp("manual")
    variables: dict[str, Any] = {
        "PROFILE_API_CORS_ORIGINS": origin_of(listening),
        "PROFILE_API_TRUSTED_DOCUMENTS": "prefer",
        "PROFILE_API_TRUSTED_DOCUMENTS_DIR": str(make_checkout(folder / "checkout") / "operations"),
    }
    with serve(folder / "data", "--demo", **variables) as served:
        yield served


def make_checkout(folder: Path) -> Path:
    """Makes a folder with the commands of the examples. Those that would serve only check their configuration."""
    checks = "from app.settings import load_settings; load_settings()"
    write_program(folder / ".venv/bin/profile-api", "from app.cli import main; main()")
    write_program(folder / "bin/profile-api", f"import sys; assert sys.argv[1] == 'serve'; {checks}")
    for script in (ROOT / "scripts").iterdir():
        if os.access(script, os.X_OK):
            write_program(folder / "scripts" / script.name, checks)
    (folder / "operations").mkdir()
    (folder / "operations/me.graphql").write_text("{ viewer { name } }")
    return folder


def write_program(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    path.chmod(0o755)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_examples_answer_as_printed(page: Path, served: Served) -> None:
    found = examples(page)
    for example in found:
        if example.language == "graphql":
            check_graphql(example, served)
        elif example.language == "sh":
            check_output(["bash", "-e", "-c"], example, served)
        elif example.language == "python":
            check_output([sys.executable, "-c"], example, served)
        elif example.language == "haproxy":
            check_haproxy(example)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_each_code_block_has_a_language_that_is_run(page: Path) -> None:
    # Examples that install into a system folder are not run.
    assert {each.language for each in examples(page)} <= RUN | {"console"}


def check_graphql(example: Example, served: Served) -> None:
    token = re.match(r"# Token: (user|application) (\S+)\n", example.text)
    assert token, f"the first line does not say whose token to use: {example.text}"
    is_user = token[1] == "user"
    subject = token[2] if is_user else f"{token[2]}@clients"
    scopes = USER_SCOPES if is_user else APPLICATION_SCOPES
    headers = {"authorization": f"Bearer {mint(served.data_dir, subject, token[2], scopes, 3600)}"}
    answer = httpx.post(f"{served.url}/graphql", json={"query": example.text}, headers=headers).json()
    if example.answer is not None:
        assert answer == json.loads(example.answer)
    else:
        assert "errors" not in answer, answer
        assert all(not each.get("errors") for each in answer["data"].values()), answer


def check_output(command: list[str], example: Example, served: Served) -> None:
    checkout = served.data_dir.parent / "checkout"
    variables = {
        "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TOKEN": mint(served.data_dir, "auth0|john.doe", "web", USER_SCOPES, 3600),
    }
    text = example.text.replace(f"{PRODUCTION_URL}/graphql", f"{served.url}/graphql").replace(URL, served.url)
    ran = subprocess.run(
        [*command, text],
        cwd=checkout,
        env=environment(served.data_dir, **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    if example.answer is not None and command[0] == "bash":
        assert json.loads(ran.stdout) == json.loads(example.answer)
    elif example.answer is not None:
        assert ran.stdout == example.answer
    elif ran.stdout:
        assert "errors" not in json.loads(ran.stdout), ran.stdout


def check_haproxy(example: Example) -> None:
    """Checks the configuration without TLS, because there is no certificate."""
    if shutil.which("haproxy"):
        text = re.sub(r" ssl crt .*", "", example.text)
        ran = subprocess.run(
            ["haproxy", "-c", "-f", "/dev/stdin"], input=text.encode(), capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stderr


@needs_browser
async def test_javascript_runs_in_a_page_of_another_origin(served: Served, listening: socket.socket) -> None:
    scripts = [each for each in examples(SOURCES / "front-end.md") if each.language == "javascript"]
    text = "\n".join(each.text for each in scripts).replace(URL, served.url)
    printed: list[str] = []
    async with await asyncio.start_server(send_empty_page, sock=listening.dup()), launched() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: printed.append(message.text))
        page.on("pageerror", lambda error: printed.append(str(error)))
        await page.goto(origin_of(listening))
        await page.add_script_tag(type="module", content=f"{text}\ndocument.title = 'finished';")
        with suppress(PlaywrightError):
            await page.wait_for_function("document.title === 'finished'", timeout=10_000)
    assert printed == "".join(each.answer or "" for each in scripts).splitlines()


async def send_empty_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 22\r\nconnection: close\r\n\r\n"
    writer.write(head + b"<link rel=icon href=#>")
    await writer.drain()
    writer.close()


def test_only_the_front_end_page_has_javascript() -> None:
    pages = {page.name for page in PAGES for each in examples(page) if each.language == "javascript"}
    assert pages == {"front-end.md"}


async def test_page_of_a_user_takes_six_database_commands(world: World, commands: list[str]) -> None:
    page = next(each.text for each in examples(SOURCES / "internal-applications.md") if "query UserPage" in each.text)
    await world.add_connection()
    role = await world.add_role("Editor", [{"api": "a", "name": "b"}])
    token = world.application_token()
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


def rows(page: str, columns: int) -> list[list[str]]:
    """Returns the cells of each row of the page's tables that have this many columns."""
    lines = [line for line in (SOURCES / page).read_text().splitlines() if line.startswith("| ")]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
    return [cells for cells in found if len(cells) == columns]


def codes_in(heading: str, columns: int) -> set[str]:
    """Returns the codes in the first column of the table below this heading of errors.md."""
    section = (SOURCES / "errors.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `") and line.count(" | ") == columns - 1]
    return {re.findall(r"`(\w+)`", line)[0] for line in lines}


def test_every_mutation_error_code_is_explained() -> None:
    assert codes_in("Errors of a mutation", 3) == {each.value for each in ErrorCode}


def test_every_refusal_code_is_explained() -> None:
    assert codes_in("Codes of refusals", 2) == {each.value for each in RefusalCode}


def test_every_code_of_a_request_error_is_explained() -> None:
    assert codes_in("Errors of a request or a field", 3) == set(request_codes())


def request_codes() -> Iterator[str]:
    """Yields the codes in a source file: values of the key "code", and arguments in capital letters."""
    for path in (each for layer in ("engine", "schema", "web") for each in (ROOT / "app" / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            given = []
            if isinstance(node, ast.Dict):
                keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]
                given = [value for key, value in zip(keys, node.values, strict=True) if key == "code"]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("request_error", "_with_code"):
                given = node.args
            for each in given:
                if isinstance(each, ast.Constant) and re.fullmatch(r"[A-Z_]+", str(each.value)):
                    yield str(each.value)
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
                default = [each.value for each in node.args[1:] if isinstance(each, ast.Constant)]
                yield from (each for each in default if each == "BAD_USER_INPUT")


def test_environment_table_has_every_variable_and_default() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows("operation.md", 3) if cells[0].startswith("`PROFILE_API")}
    settings = {f"{PREFIX}{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert set(told) == set(settings)
    for name, default in settings.items():
        if isinstance(default, bool):
            assert told[name] == f"`{str(default).lower()}`"
        elif isinstance(default, str | Path):
            assert told[name] == f"`{default}`"
        elif isinstance(default, int | float):
            assert told[name] == str(default)
        else:
            # The table describes None and empty lists in words.
            assert told[name], name


def test_paths_table_has_every_path() -> None:
    told = {cells[0].strip("`") for cells in rows("operation.md", 2) if cells[0].startswith("`/")}
    assert told == {"/", *list_paths(graphiql=True, development=True)}


def alternatives(cell: str) -> list[list[str]]:
    return [sorted(re.findall(r"`([^`]+)`", each)) for each in cell.split(" or ")]


def test_authorization_tables_are_what_the_schema_prints() -> None:
    told = {}
    for names, scopes, own in rows("authorization.md", 3):
        for name in re.findall(r"`([\w.]+)`", names.partition(", and all fields")[0]):
            path = name if "." in name else f"Mutation.{name}"
            on_own_profile = {"the same": None, "never": []}.get(own, alternatives(own))
            told[path] = (alternatives(scopes), on_own_profile, "recent" in own)
    rules = rules_by_field()
    assert set(told) <= set(rules)
    for name, rule in rules.items():
        own_scopes = rule.self_ if isinstance(rule.self_, list) else None
        assert name in told or name.startswith("User."), name
        assert told.get(name, told["Query.user"]) == (rule.scopes, own_scopes, "recent" in rule.words), name


def test_authorization_page_is_up_to_date() -> None:
    page = (SOURCES / "authorization.md").read_text()
    assert with_tables(page) == page


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_between_pages_lead_to_a_section(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Returns the anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-") for title in titles}


def test_readme_is_short_and_shows_a_picture_first() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 150
    before, _, after = text.partition("![")
    assert "\n| " not in before
    assert (ROOT / after.partition("](")[2].partition(")")[0]).stat().st_size < 200_000


def test_readme_and_index_link_to_every_page() -> None:
    names = {each.name for each in SOURCES.glob("*.md")}
    assert set(re.findall(r"\]\(app/web/manual/([\w-]+\.md)\)", README.read_text())) == names
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", (SOURCES / "index.md").read_text())) == names - {"index.md"}
