"""Reads the headers, the query string and the body of a GraphQL over HTTP request."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from app.domain.errors import Unauthenticated
from app.domain.metadata import is_well_formed
from app.engine.requests import Request

JSON = "application/json"
# Maximum size of the text of a document. The other limits count tokens, but comments and long strings take time too.
MAX_QUERY_BYTES = 65_536
GRAPHQL_RESPONSE = "application/graphql-response+json"
# orjson rounds integers beyond 64 bits. Bodies with 19 or more digits in a row are parsed by the json module instead.
_LONG_NUMBER = re.compile(rb"\d{19}")


# Values of headers by their names in lower case.
Headers = Mapping[str, str]


# Called with a number of bytes before they are stored in memory. It can raise Unavailable.
AddBytes = Callable[[int], None]


def _ignore(count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class BadRequest(Exception):  # noqa: N818
    """Raised for a request that is not a GraphQL request. `allow` is the header Allow for the status 405."""

    status: int
    message: str
    allow: str | None = None


def read_headers(scope: Scope) -> Headers:
    """Returns the headers. The values of a repeated header are joined with commas (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def read_request(
    scope: Scope, receive: Receive, headers: Headers, max_bytes: int, add_bytes: AddBytes = _ignore
) -> Request:
    """Reads a GraphQL request. Raises BadRequest with 400, 405, 413 or 415 for any other request."""
    if scope["method"] == "GET":
        return _to_request(_from_query_string(scope["query_string"]), True)
    if scope["method"] != "POST":
        raise BadRequest(405, "Send a GraphQL request with GET or POST.", "GET, POST")
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != JSON or ("charset" in parameters.lower() and "utf-8" not in parameters.lower()):
        raise BadRequest(415, "Send the request as application/json in UTF-8.")
    return _to_request(parse_json(await read_body(receive, headers, max_bytes, add_bytes)), False)


def response_type(headers: Headers) -> str:
    """Returns the media type that Accept prefers (RFC 9110). Raises BadRequest with 406 when none is accepted."""
    found = _preferred(headers.get("accept", ""))
    if found is None:
        raise BadRequest(406, f"The service answers only with {GRAPHQL_RESPONSE} or {JSON}. Add one of them to Accept.")
    return found


def error_type(headers: Headers) -> str:
    """Returns the media type of an error. It is JSON if Accept allows none, because an error must be readable."""
    return _preferred(headers.get("accept", "")) or JSON


def wants_page(headers: Headers) -> bool:
    """Returns whether a person opens the URL in a browser. A program accepts JSON."""
    accept = headers.get("accept", "")
    return "text/html" in accept and JSON not in accept and GRAPHQL_RESPONSE not in accept


def accepted_encodings(headers: Headers) -> frozenset[str]:
    """Returns the content codings in Accept-Encoding, without those with quality 0 (RFC 9110, section 12.5.3)."""
    ranges = (_media_range(each) for each in headers.get("accept-encoding", "").split(","))
    return frozenset(name for name, quality in ranges if quality > 0)


@lru_cache(maxsize=256)
def _preferred(accept: str) -> str | None:
    ranges = [_media_range(each) for each in accept.split(",") if each.strip()]
    if not ranges:
        return JSON
    best, found = 0.0, None
    for name, quality in ranges:
        taken = JSON if name in ("*/*", "application/*") else name
        if taken in (GRAPHQL_RESPONSE, JSON) and quality > best:
            best, found = quality, taken
    return found


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = text.lower().split(";")
    quality = 1.0
    for each in parameters:
        key, _, value = each.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return name.strip(), quality


def bearer_token(headers: Headers) -> str | None:
    """Returns the token in the Authorization header (RFC 6750, section 2.1), or None without this header.

    Raises Unauthenticated when the header has another form. A token in the query string is ignored, because logs and
    browser histories contain URLs.
    """
    value = headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        raise Unauthenticated("Send one Authorization header with the word Bearer and the token.", "invalid_request")
    return token


def parse_json(body: bytes, name: str = "The body") -> Any:
    """Parses JSON without rounding integers. Raises BadRequest with `name` in the message for a text that is not JSON.

    NaN, infinity and lone surrogates are accepted at this point. The argument that receives them refuses them with a
    path.
    """
    try:
        if not _LONG_NUMBER.search(body):
            return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest(400, f"{name} is not valid JSON.") from None


async def read_body(receive: Receive, headers: Headers, max_bytes: int, add_bytes: AddBytes = _ignore) -> bytes:
    """Reads the body. Raises BadRequest with 413 beyond `max_bytes`, and with 400 when the connection closes."""
    too_large = BadRequest(413, f"The body of a request must have at most {max_bytes} bytes.")
    # Refused by its length at once, if the client sends it. The check below is for bodies without this header.
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise too_large
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "The connection closed before the whole body arrived.")
        part = message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) + len(part) > max_bytes:
            raise too_large
        add_bytes(len(part))
        body += part
    return bytes(body)


def _from_query_string(text: bytes) -> dict[str, Any]:
    try:
        given: dict[str, Any] = dict(parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise BadRequest(400, "The query string is not valid: it must be ASCII with percent-encoded UTF-8.") from None
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = parse_json(given[name].encode(), name)
        else:
            given.pop(name, None)
    return given


def _to_request(given: Any, read_only: bool) -> Request:
    if not isinstance(given, dict):
        raise BadRequest(400, "The body of a GraphQL request must be a JSON object.")
    query, document_id = given.get("query"), _optional(given, "documentId", str)
    if query is not None and document_id is not None:
        raise BadRequest(400, "Send query or documentId, not both.")
    if document_id is None and (not isinstance(query, str) or not is_well_formed(query)):
        raise BadRequest(400, "query is missing, or is not a text.")
    if query is not None and len(query) > MAX_QUERY_BYTES // 4 and len(query.encode()) > MAX_QUERY_BYTES:
        raise BadRequest(400, f"query must have at most {MAX_QUERY_BYTES} bytes. Send long values as variables.")
    _optional(given, "extensions", dict)
    operation_name: str | None = _optional(given, "operationName", str) or None
    variables: Mapping[str, Any] | None = _optional(given, "variables", dict)
    return Request(query, variables, operation_name, read_only, document_id)


def _optional(given: Mapping[str, Any], name: str, type_: type) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, type_):
        raise BadRequest(400, f"{name} must be {'a JSON object' if type_ is dict else 'a text'}.")
    return value
