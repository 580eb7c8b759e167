"""The location of an IP address, from a file in the format of MaxMind (cities or countries)."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from app.domain.locations import Location


class LocationDatabase:
    """Without a `path`, no location is known."""

    def __init__(self, path: Path | None) -> None:
        """OSError or ValueError when the file cannot be read, or has another format."""
        self._reader: Any = None
        if path is not None:
            # The reader reports some of what the system refuses as a wrong format.
            with path.open("rb"):
                pass
            try:
                self._reader = maxminddb.open_database(path)
            except maxminddb.InvalidDatabaseError as error:
                raise ValueError(str(error)) from error
        self._known = lru_cache(maxsize=4096)(self._find)

    def find(self, ip: str | None) -> Mapping[str, Any] | None:
        """The known fields of Location; None when there are none."""
        return None if ip is None or self._reader is None else self._known(ip)

    def _find(self, ip: str) -> Mapping[str, Any] | None:
        try:
            found = self._reader.get(ip)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        if not isinstance(found, Mapping):
            return None
        location = {name: value for name, value in asdict(_to_location(found)).items() if value is not None}
        return location or None


def _to_location(found: Mapping[str, Any]) -> Location:
    """MaxMind's own nesting, or the flat records of ip-location-db."""
    location = _inside(found, "location")
    country = _inside(found, "country")
    return Location(
        country_code=country.get("iso_code") or found.get("country_code"),
        country_name=_inside(country, "names").get("en"),
        city_name=_inside(found, "city", "names").get("en") or found.get("city"),
        latitude=location.get("latitude") or found.get("latitude"),
        longitude=location.get("longitude") or found.get("longitude"),
        time_zone=location.get("time_zone") or found.get("timezone") or None,
        continent_code=_inside(found, "continent").get("code"),
    )


def _inside(found: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        below = found.get(name)
        if not isinstance(below, Mapping):
            return {}
        found = below
    return found
