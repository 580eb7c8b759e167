"""`/development/token`: returns tokens for the callers that GraphiQL offers, in development only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request

from app.web.requests import JSON, BadRequest, parse_json
from app.web.responses import Reply, respond, to_refusal

_MAX_BYTES = 10_000


class DevelopmentTokenEndpoint:
    """Answers POST /development/token. The body is `{"subject": ...}`, the answer is `{"token": ...}`."""

    def __init__(self, callers: Sequence[Mapping[str, str]], mint: Callable[[str], str]) -> None:
        self._subjects = {each["subject"] for each in callers}
        self._mint = mint

    async def answer(self, request: Request) -> Reply:
        # A form on another site can send other types without a CORS preflight, but it cannot send JSON.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            return to_refusal(BadRequest(415, "Send application/json."), JSON)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MAX_BYTES:
                return to_refusal(BadRequest(413, f"The body has at most {_MAX_BYTES} bytes."), JSON)
        try:
            given: Any = parse_json(body)
        except BadRequest as error:
            return to_refusal(error, JSON)
        subject = given.get("subject") if isinstance(given, dict) else None
        # Only the callers that are offered: the endpoint must not issue a token for any text.
        if not isinstance(subject, str) or subject not in self._subjects:
            return to_refusal(BadRequest(400, "subject must be one of the callers that GraphiQL offers."), JSON)
        return respond({"token": self._mint(subject)})
