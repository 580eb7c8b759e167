"""Where the console script begins. It is installed beside the package `app`, as a module of its own.

`app` is a common name: PYTHONPATH, or the folder of a child process, may offer another package of that name first. The
name of this module is unique, so that it finds the right one.
"""

import os
import sys
from pathlib import Path

# A file that a package of another origin does not have.
_MARK = Path("app", "domain", "normalizers", "windowslive.py")


def main() -> None:
    sys.path.insert(0, str(find_root()))
    # Child processes get the path above. Until then they look into the current folder for Python's own modules.
    os.environ["PYTHONSAFEPATH"] = "1"
    from app.cli import main as run

    run()


def find_root() -> Path:
    """The folder that holds this distribution's `app`: this module's own, or the one of an editable installation."""
    for each in (Path(__file__).resolve().parent, *map(Path, sys.path)):
        if (each / _MARK).is_file():
            return each.resolve()
    raise SystemExit("profile-api: its package `app` is not installed. Install profile-api again.")
