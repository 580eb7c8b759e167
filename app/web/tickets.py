"""`/ticket`: the page that a link in an e-mail opens. A GET changes nothing, because mail scanners open links."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.domain.errors import ErrorCode, RateLimited, Refused, Unavailable
from app.domain.mail import LANGUAGES
from app.domain.passwords import EASY_TO_GUESS, MAX_LENGTH, PasswordRefused
from app.domain.principals import Source
from app.domain.tickets import Ticket, TicketPurpose
from app.mail.composer import WORDS
from app.services.tickets import Tickets
from app.store.rates import Rates
from app.web.client_ips import ClientIPs, to_client_network
from app.web.requests import BadRequest, Headers, read_body, read_headers
from app.web.responses import rate_headers

_MAX_BYTES = 10_000
_FORM = "application/x-www-form-urlencoded"
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_DONE = {
    TicketPurpose.VERIFY_EMAIL: "verified",
    TicketPurpose.CHANGE_EMAIL: "changed",
    TicketPurpose.RESET_PASSWORD: "password_set",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)


class TicketPage:
    """Answers /ticket. The page uses no script and no cookie, so it works in every browser.

    `rates` counts requests by the network of their client. `min_length` returns the minimum length of passwords in a
    tenant.
    """

    def __init__(self, tickets: Tickets, client_ips: ClientIPs, rates: Rates, min_length: Callable[[str], int]) -> None:
        self._tickets = tickets
        self._client_ips = client_ips
        self._rates = rates
        self._min_length = min_length

    async def answer(self, request: Request) -> Response:
        headers = read_headers(request.scope)
        language = _accepted_language(headers.get("accept-language", ""))
        ip = self._client_ips.find(request.scope, headers)
        try:
            # A ticket is a secret: without this limit, a client could try many of them.
            await self._rates.hit(to_client_network(ip))
            if request.method != "POST":
                secret = request.query_params.get("ticket", "")
                return self._page_of(language, secret, await self._tickets.find(secret))
            form = await _read_form(request, headers)
            if form is None:
                return _page(language, status=415)
            return await self._redeem(language, form, Source(ip, headers.get("user-agent", "")[:512] or None))
        except (RateLimited, Unavailable) as error:
            status, wait = (429, error.retry_after) if isinstance(error, RateLimited) else (503, 1)
            page = _page(language, problem=_words(language)["try_again"], status=status)
            page.headers["retry-after"] = str(wait)
            if isinstance(error, RateLimited):
                page.raw_headers.extend(rate_headers(error.rate))
            return page

    async def _redeem(self, language: str, form: Mapping[str, str], source: Source) -> Response:
        secret = form.get("ticket", "")
        # The ticket is read again to answer in the language of the user, also if it cannot be redeemed.
        ticket = await self._tickets.find(secret)
        if ticket is None:
            return self._page_of(language, secret, None)
        words = _words(ticket.language)
        try:
            await self._tickets.redeem(secret, form.get("password"), source)
        except Refused as refusal:
            problem = _problem(words, refusal)
            status = 429 if refusal.code is ErrorCode.RATE_LIMITED else 422
            return self._page_of(language, secret, ticket, problem, status)
        return _page(ticket.language, done=words[_DONE[ticket.purpose]])

    def _page_of(
        self, language: str, secret: str, ticket: Ticket | None, problem: str | None = None, status: int = 200
    ) -> Response:
        """Returns the form in the language of the user. Without a ticket, the page says that the link is not valid."""
        if ticket is None:
            return _page(language, problem=_words(language)["link_invalid"], status=404)
        return _page(ticket.language, problem, status=status, form=self._form(secret, ticket))

    def _form(self, secret: str, ticket: Ticket) -> Mapping[str, Any]:
        limits = {"minimum": self._min_length(ticket.tenant), "maximum": MAX_LENGTH}
        rule = _words(ticket.language)["password"]["rule"].format(**limits)
        return {"ticket": secret, "purpose": str(ticket.purpose), "rule": rule, **limits}


def _problem(words: Mapping[str, Any], refusal: Refused) -> str:
    """Returns the text about a refusal, in the language of the page."""
    if isinstance(refusal, PasswordRefused):
        of_password = words["password"]
        advice = of_password["advice"] if refusal.problem in EASY_TO_GUESS else ""
        return f"{of_password[refusal.problem].format(**refusal.limits)} {advice}".rstrip()
    known = {
        ErrorCode.NOT_FOUND: "link_invalid",
        ErrorCode.ALREADY_EXISTS: "email_in_use",
        ErrorCode.USER_BLOCKED: "blocked",
    }
    return str(words[known.get(refusal.code, "try_again")])


def _page(
    language: str,
    problem: str | None = None,
    done: str | None = None,
    status: int = 200,
    form: Mapping[str, Any] | None = None,
) -> Response:
    shown = {"language": language, "words": _words(language), "problem": problem, "done": done, "form": form}
    html = _TEMPLATES.get_template("ticket.html").render(shown)
    return HTMLResponse(html, status, {"content-security-policy": _CONTENT_SECURITY_POLICY})


def _words(language: str) -> Mapping[str, Any]:
    words: Mapping[str, Any] = WORDS[language]["page"]
    return words


async def _read_form(request: Request, headers: Headers) -> Mapping[str, str] | None:
    """Returns None when the request is not a form or is too long."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return None
    try:
        body = await read_body(request.receive, headers, _MAX_BYTES)
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict"))
    except (BadRequest, ValueError):
        return None


def _accepted_language(header: str) -> str:
    """Returns the first language in Accept-Language for which the service has texts, or English."""
    for each in header.split(","):
        language = each.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
