"""The server that `profile-api serve` runs in each process."""

import gc
from typing import Any

import pytest
import uvicorn

from app.serving import Server
from app.settings import Settings


async def test_server_freezes_objects_that_live_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: Any) -> None: ...

    monkeypatch.setattr(uvicorn.Server, "startup", start)
    try:
        await Server(Settings()).startup()
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
