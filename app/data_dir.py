"""The data directory: created if it is missing, and checked before a file is written to it."""

import os
from pathlib import Path
from pwd import getpwuid
from tempfile import TemporaryFile

from app.settings import ConfigurationError


def make_data_dir(path: Path) -> None:
    """ConfigurationError when this process cannot keep files there."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=path):
            pass
    except FileExistsError:
        raise _refusal(path, "is not a directory", "choose another path") from None
    except PermissionError:
        raise _refusal(path, _owner(path), "run as its owner, or choose another directory") from None
    except OSError as error:
        raise _refusal(path, f"cannot be written ({error.strerror})", "choose another directory") from None


def file_refusal(path: Path, problem: str, remedy: str) -> ConfigurationError:
    """For a file in the data directory that cannot be used."""
    return ConfigurationError(f"PROFILE_API_DATA_DIR: {path.absolute()} {problem}: {remedy}.")


def _refusal(path: Path, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"PROFILE_API_DATA_DIR is {path.absolute()}, which {problem}: {remedy}.")


def _owner(path: Path) -> str:
    """Of the directory that could not be written: the nearest that exists."""
    for each in (path.absolute(), *path.absolute().parents):
        try:
            found = each.stat().st_uid
        except OSError:
            continue
        if found == os.geteuid():
            return "is not writable"
        try:
            return f"belongs to {getpwuid(found).pw_name} and is not writable"
        except KeyError:
            return f"belongs to the user number {found} and is not writable"
    return "is not writable"
