"""IP location databases in the MaxMind format."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

LYON: dict[str, Any] = {
    "city": {"names": {"en": "Lyon", "de": "Lyon"}},
    "continent": {"code": "EU"},
    "country": {"iso_code": "FR", "names": {"en": "France"}},
    "location": {"latitude": 45.75, "longitude": 4.85, "time_zone": "Europe/Paris"},
}


def write_database(path: Path, locations: dict[str, dict[str, Any]]) -> Path:
    """Writes a database with one location for each network, for example `203.0.113.0/24`."""
    writer = MMDBWriter(6, "test", ipv4_compatible=True, float_type="f64")
    for network, location in locations.items():
        writer.insert_network(IPSet([network]), location)
    writer.to_db_file(str(path))
    return path
