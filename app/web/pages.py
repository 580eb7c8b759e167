"""The GraphiQL page, and the static files (JavaScript and CSS) of all pages."""

import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from mimetypes import guess_type
from os import PathLike
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web.requests import accepted_encodings, read_headers

STATIC = Path(__file__).parent / "static"
# Nothing from elsewhere. The editor makes its styles while it runs; scripts come from files alone.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; worker-src 'self';"
    " img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Profile API</title>
<link rel="icon" href="data:,">
{links}
</head>
<body>
<div id="root">{words}</div>
<script type="application/json" id="config">{config}</script>
{scripts}
</body>
</html>
"""
_NOT_BUILT = (
    "<p>GraphiQL is not in this installation: it was made with PROFILE_API_UI=skip."
    " Install again without it. The API itself is at this URL all the same.</p>"
)


class GraphiQL:
    """The page at /graphql. `callers` (subject and name) are whose tokens a visitor may pick, in development.

    `paths` are the others that this service answers, for a line on the page.
    """

    def __init__(
        self,
        development: bool,
        callers: Sequence[Mapping[str, str]] = (),
        paths: Mapping[str, str] | None = None,
    ) -> None:
        config = {"development": development, "callers": list(callers), "paths": dict(paths or {})}
        page = _page("graphiql", config)
        self._page = page.encode()

    def response(self) -> Response:
        return HTMLResponse(self._page, headers={"content-security-policy": CONTENT_SECURITY_POLICY})


# The build leaves each bundle compressed beside it. The smaller one first.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


class Bundles(StaticFiles):
    """Their names change with their content, so that browsers keep them for good. Compressed for who accepts it."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.endswith(tuple(ending for _, ending in _ENCODINGS)):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers["vary"] = "accept-encoding"
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
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


def _page(name: str, config: Mapping[str, Any]) -> str:
    try:
        manifest = json.loads((STATIC / "manifest.json").read_text())
    except FileNotFoundError:
        return _PAGE.format(links="", words=_NOT_BUILT, config="{}", scripts="")
    return _PAGE.format(
        links=f'<link rel="stylesheet" href="/static/{escape(manifest[f"{name}.css"])}">',
        words="<noscript>This page needs JavaScript.</noscript>",
        # A script element ends at the first `</`, whatever stands around it.
        config=json.dumps(config).replace("<", "\\u003c"),
        scripts=f'<script type="module" src="/static/{escape(manifest[f"{name}.js"])}"></script>',
    )
