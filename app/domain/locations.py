"""The location of an IP address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """An approximate location. A field is None when its value is unknown.

    `country_code` is an ISO 3166-1 alpha-2 code, `time_zone` is a name of the IANA database, and the coordinates are
    degrees in WGS 84.
    """

    country_code: str | None = None
    country_name: str | None = None
    city_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str | None = None
    continent_code: str | None = None


def read_location(stored: Mapping[str, Any] | None) -> Location | None:
    """Reads a stored location."""
    return None if stored is None else Location(**stored)
