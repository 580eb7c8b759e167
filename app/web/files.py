"""Serves static files. The build also writes a compressed form of most files beside them."""

import os
from mimetypes import guess_type
from os import PathLike
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web.requests import accepted_encodings, read_headers

# For files whose name changes with their content: a browser stores them and never requests them again.
IMMUTABLE = "public, max-age=31536000, immutable"
# In order of preference: brotli is smaller than gzip.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


class CompressedFiles(StaticFiles):
    """Serves the files of a folder, compressed if the client accepts it. A missing folder has no files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Raises HTTPException with 404 when there is no such file."""
        # A compressed form has no URL of its own: it would be sent with a wrong content type.
        if path.endswith(tuple(ending for _, ending in _ENCODINGS)):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers["vary"] = "accept-encoding"
        return response

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        found = _find_compressed(os.fspath(full_path), scope)
        if found is None:
            return super().file_response(full_path, stat_result, scope, status_code)
        path, encoding = found
        response = super().file_response(path, Path(path).stat(), scope, status_code)
        if response.status_code != 304:
            response.headers["content-encoding"] = encoding
            response.headers["content-type"] = _media_type(os.fspath(full_path))
        return response


def _find_compressed(path: str, scope: Scope) -> tuple[str, str] | None:
    """Returns the path of a compressed form and its content coding, or None if the client accepts no such form."""
    accepted = accepted_encodings(read_headers(scope))
    for encoding, ending in _ENCODINGS:
        if encoding in accepted and Path(path + ending).is_file():
            return path + ending, encoding
    return None


def _media_type(path: str) -> str:
    name = guess_type(path)[0] or "application/octet-stream"
    return f"{name}; charset=utf-8" if name.startswith("text/") else name
