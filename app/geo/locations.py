"""Finds the location of an IP address in a file in the MaxMind format, with cities or with countries only."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import maxminddb

from app.domain.locations import Location


class LocationDatabase:
    """Finds locations in the file at `path`. When `path` is None, every location is unknown."""

    def __init__(self, path: Path | None) -> None:
        """Raises OSError when the file cannot be read, ValueError when it has another format."""
        self._reader: Any = None
        if path is not None:
            # The reader reports some errors of the system, such as a missing permission, as a wrong format.
            with path.open("rb"):
                pass
            try:
                self._reader = maxminddb.open_database(path)
            except maxminddb.InvalidDatabaseError as error:
                raise ValueError(str(error)) from error
        # Many events come from the same IP addresses, and a search in the file takes much longer than this cache.
        self._find_cached = lru_cache(maxsize=4096)(self._find)

    def find(self, ip: str | None) -> Mapping[str, Any] | None:
        """Returns the known fields of Location. Returns None when no field is known, or the text is no IP address."""
        return None if ip is None or self._reader is None else self._find_cached(ip)

    def _find(self, ip: str) -> Mapping[str, Any] | None:
        try:
            found = self._reader.get(ip)
        # A login must not fail because of its location: a damaged record and a wrong IP address are unknown locations.
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        if not isinstance(found, Mapping):
            return None
        location = {name: value for name, value in asdict(_to_location(found)).items() if value is not None}
        return location or None


def _to_location(found: Mapping[str, Any]) -> Location:
    """Reads a record in the nested form of MaxMind, or in the flat form of ip-location-db."""
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
    """Returns the object at this path of a record, or an empty object."""
    for name in names:
        below = found.get(name)
        if not isinstance(below, Mapping):
            return {}
        found = below
    return found
