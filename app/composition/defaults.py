"""The defaults that depend on development or production, such as rate limits. Other defaults are in settings.py."""

from app.settings import Settings

# Limits in production. The limit of an IP address counts requests, the limit of a caller counts units of cost.
CALLER_RATE_LIMIT = "100/second"
IP_RATE_LIMIT = "1000/second"
# For requests without a token (sign-ups and tickets), per IP address.
ANONYMOUS_RATE_LIMIT = "30/minute"


def choose_rate_limit(configured: str | None, default: str, development: bool) -> str:
    """Returns the configured limit. In development, the default is no limit."""
    # In development, a limit would stop a script that tests the API.
    return configured or ("off" if development else default)


def is_introspection_on(settings: Settings, development: bool) -> bool:
    return development if settings.introspection is None else settings.introspection


def is_graphiql_on(settings: Settings, development: bool) -> bool:
    return development if settings.graphiql is None else settings.graphiql


def is_mail_possible(settings: Settings, development: bool) -> bool:
    """Returns whether the service can accept e-mails: it sends them, writes them to files, or drops them on purpose."""
    return development or settings.smtp_url is not None or settings.mail == "drop"
