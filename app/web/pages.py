"""Serves the GraphiQL page and its built files (JavaScript and CSS).

The sources are in app/web/ui/src. Its folder `examples` contains the queries that GraphiQL offers.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from app.web.files import IMMUTABLE, CompressedFiles
from app.web.html import to_page

STATIC = Path(__file__).parent / "static"
# Nothing from other hosts, and scripts only from files. The editor adds styles while it runs, so inline styles are
# allowed.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; worker-src 'self';"
    " img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BODY = """<div id="root">{text}</div>
<script type="application/json" id="config">{config}</script>
{scripts}"""
_NOT_BUILT = (
    "<p>This installation does not contain GraphiQL, because it was made with PROFILE_API_UI=skip."
    " Install the service again without this variable. Other clients can use the API at this URL.</p>"
)


class GraphiQL:
    """The page at /graphql.

    `callers` are the callers that a visitor can select in development, each with `subject` and `name`. `paths` are the
    other paths of this service, which the page links to.
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


class Bundles(CompressedFiles):
    """Serves the static files of GraphiQL.

    Browsers may store them forever, because their names change with their content.
    """

    def __init__(self) -> None:
        super().__init__(STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = IMMUTABLE
        return response


def _page(name: str, config: Mapping[str, Any]) -> str:
    try:
        manifest = json.loads((STATIC / "manifest.json").read_text())
    except FileNotFoundError:
        return to_page(_BODY.format(text=_NOT_BUILT, config="{}", scripts=""))
    body = _BODY.format(
        text="<noscript>This page needs JavaScript.</noscript>",
        # A script element ends at the first `</`, even inside a JSON string.
        config=json.dumps(config).replace("<", "\\u003c"),
        scripts=f'<script type="module" src="/static/{escape(manifest[f"{name}.js"])}"></script>',
    )
    return to_page(body, f'<link rel="stylesheet" href="/static/{escape(manifest[f"{name}.css"])}">')
