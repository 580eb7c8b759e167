"""HTTP clients of the service in this process: with other settings, or as in production."""

from typing import Any

import httpx

from app.auth.development import development_issuer
from app.main import build
from app.settings import Settings
from tests.world import World

GRAPHQL_RESPONSE = "application/graphql-response+json"
LOOPBACK = ("127.0.0.1", 1)


def client_of(app: Any, peer: tuple[str, int] = LOOPBACK) -> httpx.AsyncClient:
    """Requests of the client come from `peer`, an IP address and a port."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=peer), base_url="http://localhost")


def service_client(world: World, peer: tuple[str, int] = LOOPBACK, **settings: Any) -> httpx.AsyncClient:
    """A client of the service with these settings, on the database of `world`."""
    return client_of(build(Settings(data_dir=world.data_dir, **settings), world.database), peer)


def production_client(world: World, peer: tuple[str, int] = LOOPBACK, **settings: Any) -> httpx.AsyncClient:
    """A client of the service with a configured issuer, whose key signs the tokens of `world`."""
    issuer = development_issuer(world.data_dir).model_copy(update={"tenant": world.tenant})
    return service_client(world, peer, issuers=[issuer], **settings)
