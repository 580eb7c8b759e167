"""The static files of the pages: compression, caching and ETags."""

import gzip
import json
from typing import Any

import httpx
import pytest

from app.web.pages import STATIC
from tests.world import World

BUNDLE = json.loads((STATIC / "manifest.json").read_text())["graphiql.js"]


async def fetch(world: World, accept_encoding: str | None, name: str = BUNDLE, **headers: str) -> tuple[Any, bytes]:
    """Returns the response, and its body as it was sent."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["accept-encoding"] = accept_encoding or "identity"
    request = world.client.build_request("GET", f"/static/{name}", headers=sent)
    response = await world.client.send(request, stream=True)
    try:
        return response, b"".join([part async for part in response.aiter_raw()])
    finally:
        await response.aclose()


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("BR", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_bundle_is_compressed_as_the_client_accepts(world: World, accepted: str, encoding: str | None) -> None:
    response, content = await fetch(world, accepted)
    assert response.status_code == 200
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert int(response.headers["content-length"]) == len(content)
    original = (STATIC / BUNDLE).read_bytes()
    if encoding is None:
        assert content == original
    else:
        assert len(content) < len(original) / 3
    if encoding == "gzip":
        assert gzip.decompress(content) == original


async def test_forms_of_a_bundle_have_different_etags(world: World) -> None:
    tags = {(await fetch(world, each))[0].headers["etag"] for each in ("br", "gzip", "identity")}
    assert len(tags) == 3
    response, content = await fetch(world, "br", if_none_match=(await fetch(world, "br"))[0].headers["etag"])
    assert (response.status_code, content, response.headers["vary"]) == (304, b"", "accept-encoding")


async def test_compressed_files_have_no_url_of_their_own(world: World) -> None:
    for ending in ("br", "gz"):
        assert (STATIC / f"{BUNDLE}.{ending}").exists()
        assert (await fetch(world, "br", f"{BUNDLE}.{ending}"))[0].status_code == 404


async def test_file_without_compressed_form_is_sent_unchanged(world: World) -> None:
    response, content = await fetch(world, "br, gzip", "manifest.json")
    assert "content-encoding" not in response.headers
    assert json.loads(content)["graphiql.js"] == BUNDLE
    missing: httpx.Response = (await fetch(world, "br", "none.js"))[0]
    assert missing.status_code == 404


def test_every_large_file_of_the_pages_is_compressed() -> None:
    for path in STATIC.iterdir():
        if path.suffix in (".js", ".css"):
            assert path.with_name(f"{path.name}.gz").exists(), path.name
            assert path.with_name(f"{path.name}.br").exists(), path.name
