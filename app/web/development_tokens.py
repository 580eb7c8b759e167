"""`/development/token`, in development only: tokens for the callers that GraphiQL offers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from app.web.requests import JSON, BadRequest, parse_json
from app.web.responses import Reply, respond, to_refusal

_MAX_BYTES = 10_000


class DevelopmentTokenEndpoint:
    """POST /development/token with `{"subject"}` answers `{"token"}`, for one of `callers`."""

    def __init__(self, callers: Sequence[Mapping[str, str]], mint: Callable[[str], str]) -> None:
        self._subjects = {each["subject"] for each in callers}
        self._mint = mint

    async def answer(self, request: Request) -> Reply:
        # What a form on another site could send without asking first is not JSON.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            return to_refusal(BadRequest(415, "Send application/json."), JSON)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MAX_BYTES:
                return to_refusal(BadRequest(413, "That is too long."), JSON)
        try:
            given: Any = parse_json(body)
        except BadRequest as error:
            return to_refusal(error, JSON)
        subject = given.get("subject") if isinstance(given, dict) else None
        if not isinstance(subject, str) or subject not in self._subjects:
            return to_refusal(BadRequest(400, "subject is none of the callers that the page offers."), JSON)
        return respond({"token": self._mint(subject)})
