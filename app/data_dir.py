"""Creates the data directory if it is missing, and checks that this process can write files to it."""

import os
from pathlib import Path
from pwd import getpwuid
from tempfile import TemporaryFile

from app.settings import ConfigurationError


def make_data_dir(path: Path) -> None:
    """Creates the directory if it is missing. Raises ConfigurationError when this process cannot write files to it."""
    try:
        # The directory contains the signing key and the secret of development: only its owner may read it.
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only writing a file shows whether the process may write: permissions, a full disk or a read-only mount can
        # prevent it.
        with TemporaryFile(dir=path):
            pass
    except FileExistsError:
        raise _refusal(path, "is not a directory", "choose another path") from None
    except PermissionError:
        raise _refusal(path, _describe_owner(path), "run as its owner, or choose another directory") from None
    except OSError as error:
        raise _refusal(path, f"cannot be written ({error.strerror})", "choose another directory") from None


def file_refusal(path: Path, problem: str, remedy: str) -> ConfigurationError:
    """Returns the error for a file in the data directory that this process cannot use."""
    return ConfigurationError(f"PROFILE_API_DATA_DIR: {path.absolute()} {problem}: {remedy}.")


def _refusal(path: Path, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"PROFILE_API_DATA_DIR is {path.absolute()}, which {problem}: {remedy}.")


def _describe_owner(path: Path) -> str:
    """Returns the problem as text. It names the owner of the nearest directory that exists."""
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
