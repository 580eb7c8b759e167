"""`/`: GraphiQL for a browser, and the list of paths for a program."""

from collections.abc import Mapping
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.web.html import to_page
from app.web.requests import read_headers, wants_page
from app.web.responses import Reply, respond

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
_STYLE = """<style>
body { margin: 0; padding: 24px; color: #1b1f24; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 640px; margin: 5vh auto 0 }
dt { margin-top: 12px; font-family: ui-monospace, monospace }
dd { margin: 0 }
</style>"""
_BODY = """<main>
<h1>Profile API</h1>
<p>This is a GraphQL service for user profiles. It has these paths:</p>
<dl>
{rows}
</dl>
</main>"""


# The paths that a person can open in a browser. Only these are links.
_PAGES = ("/docs", "/healthz", "/readyz")


def list_paths(graphiql: bool, development: bool) -> Mapping[str, str]:
    """Returns a description of each path. `development` is true if `/development/token` exists."""
    page = " GraphiQL for a browser." if graphiql else ""
    paths = {
        "/graphql": f"GraphQL over HTTP, by POST and GET.{page}",
        "/docs": "The manual of this version.",
        "/ticket": "The page that a link in an e-mail opens.",
        "/healthz": "Returns 200 while the process runs.",
        "/readyz": "Returns 200 if the service can answer requests, otherwise 503 with the reason.",
        "/metrics": "Prometheus metrics, for clients on the same machine or with PROFILE_API_METRICS_TOKEN.",
    }
    if development:
        paths["/development/token"] = (
            "Tokens for the callers that GraphiQL offers, by POST. Exists in development only."
        )
    return paths


def _to_html(path: str) -> str:
    """Returns the path as HTML, and as a link if a person can open it in a browser."""
    return f'<a href="{escape(path)}">{escape(path)}</a>' if path in _PAGES else escape(path)


class Home:
    """Answers `/` with the list of `paths`, or redirects a browser to GraphiQL if it is on."""

    def __init__(self, paths: Mapping[str, str], graphiql: bool) -> None:
        self._paths = dict(paths)
        self._graphiql = graphiql
        rows = (f"<dt>{_to_html(path)}</dt>\n<dd>{escape(what)}</dd>" for path, what in paths.items())
        self._page = to_page(_BODY.format(rows="\n".join(rows)), _STYLE)

    async def answer(self, request: Request) -> Response | Reply:
        varied = {"vary": "accept"}
        if not wants_page(read_headers(request.scope)):
            return respond(self._paths, headers=varied)
        if self._graphiql:
            # Not a permanent redirect: browsers store it, and a later version can show another page at this path.
            return RedirectResponse("/graphql", 302, varied)
        return HTMLResponse(self._page, headers={**varied, "content-security-policy": _CONTENT_SECURITY_POLICY})
