"""The built wheel, in a folder that holds other packages with the names of ours."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.serving import environment, eventually

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is unpacked in, as pip unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    building = {**os.environ, "PROFILE_API_UI": "skip"}
    arguments = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(arguments, cwd=ROOT, env=building, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def program(installed: Path, tmp_path: Path) -> list[str]:
    """What pip makes of the wheel's entry point."""
    [points] = installed.glob("*.dist-info/entry_points.txt")
    module, function = points.read_text().partition("profile-api = ")[2].split()[0].split(":")
    script = tmp_path / "profile-api"
    script.write_text(
        f"import sys\nfrom {module} import {function}\nif __name__ == '__main__':\n    sys.exit({function}())\n"
    )
    return [sys.executable, str(script)]


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with packages that end the process when they are imported."""
    folder = tmp_path / "foreign"
    for name in ("app", "app/web", "pickle"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('foreign package imported')\n")
    return folder


def variables(installed: Path, *paths: Path) -> dict[str, str]:
    """`paths` come before what is installed, as PYTHONPATH does."""
    return environment(installed.parent / "data", PYTHONPATH=os.pathsep.join(map(str, (*paths, installed))))


def test_wheel_holds_the_service_alone(installed: Path) -> None:
    assert {each.name for each in installed.iterdir() if each.suffix != ".dist-info"} == {
        "app",
        "profile_api_bootstrap.py",
    }
    assert not (installed / "app" / "web" / "ui").exists()


def test_wheel_holds_the_manual_and_its_pages(installed: Path) -> None:
    manual = ROOT / "app" / "web" / "manual"
    names = {each.stem for each in manual.glob("*.md")}
    assert "operation" in names
    built = installed / "app" / "web" / "manual"
    assert {each.stem for each in built.glob("*.md")} == names
    assert {each.stem for each in (built / "rendered").glob("*.html")} == names


def test_foreign_package_named_app_is_not_imported(installed: Path, program: list[str], foreign: Path) -> None:
    # What is on PYTHONPATH comes before Python's own modules for everybody.
    shutil.rmtree(foreign / "pickle")
    environment_ = variables(installed, foreign)
    ran = subprocess.run(
        [*program, "schema"], cwd=foreign, env=environment_, capture_output=True, text=True, check=True
    )
    assert ran.stdout == (ROOT / "schema.graphql").read_text()
    script = "import profile_api_bootstrap as bootstrap; print(bootstrap.find_root())"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", script], env=environment_, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == str(installed)


def test_workers_import_nothing_of_the_current_folder(
    installed: Path, program: list[str], foreign: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*program, "serve", "--workers", "2", "--port", "0", "--demo"],
        cwd=foreign,
        env={**variables(installed), "PROFILE_API_DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        address = next(line.split()[-1] for line in process.stdout if "Profile API on" in line)

        def is_ready() -> bool:
            with suppress(httpx.HTTPError):
                return httpx.get(f"{address}/readyz", timeout=5).status_code == 200
            return False

        eventually(is_ready, "the workers to be ready")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_version_is_printed(program: list[str], installed: Path, foreign: Path) -> None:
    ran = subprocess.run([*program, "--version"], env=variables(installed), capture_output=True, text=True, check=True)
    [metadata] = installed.glob("*.dist-info/METADATA")
    [version] = [line for line in metadata.read_text().splitlines() if line.startswith("Version: ")]
    assert ran.stdout == f"profile-api {version.partition(' ')[2]}\n"
