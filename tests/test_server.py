"""The server that `profile-api serve` runs in each process."""

import gc
from typing import Any

import pytest
import uvicorn

from app.serving import Server
from app.settings import Settings


async def test_server_freezes_what_lives_as_long_as_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: Any) -> None: ...

    monkeypatch.setattr(uvicorn.Server, "startup", start)
    try:
        await Server(Settings()).startup()
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
