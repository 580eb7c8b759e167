"""The location of an IP address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """`country_code` is ISO 3166-1 alpha-2, `time_zone` of the IANA; degrees are WGS 84. None: not known."""

    country_code: str | None = None
    country_name: str | None = None
    city_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str | None = None
    continent_code: str | None = None


def read_location(stored: Mapping[str, Any] | None) -> Location | None:
    """The place as it was when it was stored."""
    return None if stored is None else Location(**stored)
