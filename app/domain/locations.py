"""A place, as far as an address tells it."""

from dataclasses import dataclass


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
