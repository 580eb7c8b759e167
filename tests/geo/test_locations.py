"""Locations of IP addresses from a database in the MaxMind format."""

from pathlib import Path

import pytest

from app.composition.locations import build_locations
from app.geo.locations import LocationDatabase
from app.settings import ConfigurationError, Settings
from tests.geo.databases import LYON, write_database


def test_location_has_the_fields_that_the_database_has(tmp_path: Path) -> None:
    flat = {"country_code": "DE", "city": "Berlin", "latitude": 52.5, "longitude": 13.4, "timezone": ""}
    locations = LocationDatabase(
        write_database(tmp_path / "x.mmdb", {"203.0.113.0/24": LYON, "198.51.100.0/24": flat, "192.0.2.0/24": {}})
    )
    assert locations.find("203.0.113.7") == {
        "country_code": "FR",
        "country_name": "France",
        "city_name": "Lyon",
        "latitude": 45.75,
        "longitude": 4.85,
        "time_zone": "Europe/Paris",
        "continent_code": "EU",
    }
    berlin = locations.find("198.51.100.1")
    assert berlin
    assert (berlin["country_code"], berlin["city_name"], berlin["latitude"]) == ("DE", "Berlin", 52.5)
    assert "time_zone" not in berlin
    for unknown in ("192.0.2.1", "8.8.8.8", "::1", "no ip", None):
        assert locations.find(unknown) is None


def test_without_a_database_there_is_no_location() -> None:
    assert LocationDatabase(None).find("203.0.113.7") is None


def test_invalid_database_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no database")
    for path in (tmp_path / "bad", tmp_path / "none"):
        with pytest.raises(ConfigurationError, match="PROFILE_API_GEOIP_DATABASE"):
            build_locations(Settings(geoip_database=path))
