"""The output of scripts/install."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# A program in the place of Python that creates environments but installs nothing.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip") echo "Collecting motor>=3.7"; echo "  Using cached motor"; [ -z "$BROKEN" ] || {{ echo "ERROR: no network" >&2; exit 1; }} ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


def install(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    python = folder / "python"
    if not python.exists():
        for name in ("pyproject.toml", "constraints.txt", "scripts/install", "scripts/build_ui.py"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        for name in ("app/web/ui", "app/web/manual", "tests/npm"):
            (folder / name).mkdir(parents=True)
        python.write_text(PYTHON)
        python.chmod(0o755)
    return subprocess.run(
        [str(folder / "scripts/install")],
        env={**os.environ, "PYTHON": str(python), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_installation_reports_its_steps(tmp_path: Path) -> None:
    ran = install(tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "")
    steps = [re.fullmatch(r" *\d+ s  (.*)", line) for line in ran.stderr.splitlines()]
    messages = [each.group(1) for each in steps if each]
    assert len(messages) == len(steps) == 3
    assert "PyPI and npm registries" in messages[0]
    assert messages[1:] == ["Collecting motor>=3.7", "installed"]
    # The second run has nothing to do and prints nothing.
    assert install(tmp_path).stderr == ""


def test_failed_installation_prints_why_and_can_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        ran = install(tmp_path, BROKEN="1")
        assert ran.returncode == 1
        assert "ERROR: no network" in ran.stderr
        assert "installed" not in ran.stderr.splitlines()[-1]
    assert install(tmp_path).returncode == 0
