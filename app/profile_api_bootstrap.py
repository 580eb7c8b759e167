"""The entry point of the console script `profile-api`, installed as a module beside the package `app`.

`app` is a common name: PYTHONPATH or the current folder may contain another package `app`. This module has a unique
name, and puts the right `app` first on the path.
"""

import os
import sys
from pathlib import Path

# A file that another package of the name `app` does not have.
_MARK = Path("app", "domain", "normalizers", "windowslive.py")


def main() -> None:
    sys.path.insert(0, str(find_root()))
    # Child processes receive this path. But without this variable, they would first import modules from the current
    # folder.
    os.environ["PYTHONSAFEPATH"] = "1"
    from app.cli import main as run

    run()


def find_root() -> Path:
    """Returns the folder that contains `app`: the folder of this module, or that of an editable installation."""
    for each in (Path(__file__).resolve().parent, *map(Path, sys.path)):
        if (each / _MARK).is_file():
            return each.resolve()
    raise SystemExit("profile-api: the package `app` of profile-api is not installed. Install profile-api again.")
