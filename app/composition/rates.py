"""Builds the counters of the three rate limits: by caller, by IP address, and for requests without a token."""

from app.composition.defaults import ANONYMOUS_RATE_LIMIT, CALLER_RATE_LIMIT, IP_RATE_LIMIT, choose_rate_limit
from app.settings import Settings
from app.store.database import Database
from app.store.rates import Rates


def build_caller_rates(settings: Settings, database: Database, development: bool) -> Rates:
    limit = choose_rate_limit(settings.rate_limit, CALLER_RATE_LIMIT, development)
    return _build_rates(settings, database, "caller", limit)


def build_ip_rates(settings: Settings, database: Database, development: bool) -> Rates:
    limit = choose_rate_limit(settings.address_rate_limit, IP_RATE_LIMIT, development)
    return _build_rates(settings, database, "address", limit)


def build_anonymous_rates(settings: Settings, database: Database, development: bool) -> Rates:
    limit = choose_rate_limit(settings.open_rate_limit, ANONYMOUS_RATE_LIMIT, development)
    return _build_rates(settings, database, "open", limit)


def _build_rates(settings: Settings, database: Database, name: str, limit: str) -> Rates:
    """`name` is part of the stored keys, so that the three limits have separate counts."""
    # Counting in memory costs nothing, but each worker then allows the whole limit.
    url = database.url if settings.rate_limit_storage == "mongodb" else None
    return Rates(name, limit, url, settings.database)
