"""The two ways in which scripts/bench.py sends requests: over HTTP, and as a call of the application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

# Sends a body with a token, and returns the body of the answer.
Send = Callable[[str, bytes], Awaitable[bytes]]
# Opens the connection that one caller uses for all its requests.
Connect = Callable[[], AbstractAsyncContextManager[Send]]


def over_http(port: int, path: str) -> Connect:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Send]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send(token: str, body: bytes) -> bytes:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            return await reader.readexactly(length)

        try:
            yield send
        finally:
            writer.close()

    return connect


def in_process(application: ASGIApp, path: str) -> Connect:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Send]:
        async def send(token: str, body: bytes) -> bytes:
            answer: list[bytes] = []

            async def receive() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def collect(message: Any) -> None:
                answer.append(message.get("body", b""))

            await application(_scope(path, token, body), receive, collect)
            return b"".join(answer)

        yield send

    return connect


def _scope(path: str, token: str, body: bytes) -> dict[str, Any]:
    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "accept": "*/*",
        "authorization": f"Bearer {token}",
        "content-length": str(len(body)),
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
