"""`/docs`: serves the manual of this version. `scripts/build_ui.py` renders it from the Markdown in app/web/manual."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.web.files import IMMUTABLE, CompressedFiles
from app.web.html import to_page

SOURCES = Path(__file__).parent / "manual"
RENDERED = SOURCES / "rendered"
# A page needs only its stylesheet. Scripts, frames and forms are forbidden.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOT_BUILT = to_page(
    """<h1>Profile API</h1>
<p>This installation does not contain the manual, because it was made with PROFILE_API_UI=skip. Install the service
again without this variable. The same pages are Markdown files in the folder app/web/manual of the package.</p>"""
)


class ManualPages:
    """Serves the pages and their stylesheet."""

    def __init__(self, folder: Path = RENDERED) -> None:
        self._files = CompressedFiles(folder)
        self._is_built = (folder / "index.html").exists()

    async def answer(self, request: Request) -> Response:
        name = request.path_params.get("name", "index")
        if not self._is_built and name == "index":
            return HTMLResponse(_NOT_BUILT, headers={"content-security-policy": CONTENT_SECURITY_POLICY})
        is_stylesheet = name.endswith(".css")
        response = await self._files.get_response(name if is_stylesheet else f"{name}.html", request.scope)
        if response.status_code == 404:
            raise HTTPException(404)
        # The URL of a page is the same in every version, so a browser must ask each time whether its copy is current.
        response.headers["cache-control"] = IMMUTABLE if is_stylesheet else "no-cache"
        response.headers["content-security-policy"] = CONTENT_SECURITY_POLICY
        return response
