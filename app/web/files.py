"""Files that the build leaves compressed beside them, for pages in a browser."""

import os
from mimetypes import guess_type
from os import PathLike
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web.requests import accepted_encodings, read_headers

# For a file whose name changes with its content: browsers keep it and do not ask again.
IMMUTABLE = "public, max-age=31536000, immutable"
# The smaller one first.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


class CompressedFiles(StaticFiles):
    """The files of a folder, in the smallest form that the client accepts. A missing folder is an empty one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Raises HTTPException 404 for a name that is no file."""
        if path.endswith(tuple(ending for _, ending in _ENCODINGS)):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers["vary"] = "accept-encoding"
        return response

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        found = _compressed(os.fspath(full_path), scope)
        if found is None:
            return super().file_response(full_path, stat_result, scope, status_code)
        path, encoding = found
        response = super().file_response(path, os.stat(path), scope, status_code)
        if response.status_code != 304:
            response.headers["content-encoding"] = encoding
            response.headers["content-type"] = _media_type(os.fspath(full_path))
        return response


def _compressed(path: str, scope: Scope) -> tuple[str, str] | None:
    """The file to send in place of this one, with its content coding. None: the client accepts none."""
    accepted = accepted_encodings(read_headers(scope))
    for encoding, ending in _ENCODINGS:
        if encoding in accepted and os.path.isfile(path + ending):
            return path + ending, encoding
    return None


def _media_type(path: str) -> str:
    name = guess_type(path)[0] or "application/octet-stream"
    return f"{name}; charset=utf-8" if name.startswith("text/") else name
