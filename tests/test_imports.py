"""Commands import slow modules only when they need them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import environment

# Each of these modules takes a tenth of a second or more to import.
SLOW = {"app.main", "graphql", "httpx", "limits", "motor", "pymongo", "rich", "strawberry", "structlog", "uvicorn"}


def imported(tmp_path: Path, *arguments: str) -> set[str]:
    """Returns the slow modules that a command imports, whether it succeeds or fails."""
    script = "import atexit, json, sys\n"
    script += "atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))\n"
    script += "from app.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(tmp_path, PROFILE_API_LOG_RETENTION_DAYS="many" if arguments[0] == "serve" else "30"),
        capture_output=True,
        text=True,
        check=False,
    )
    return SLOW & set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--version",), ("serve",), ("token",)], ids=lambda each: each[0])
def test_command_imports_slow_modules_only_when_needed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "development-key.pem").write_text("no key, which is told after all imports")
    assert imported(tmp_path, *arguments) == set()


def test_service_does_not_import_limits_before_it_is_used() -> None:
    script = "import sys, app.main; sys.exit('limits' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
