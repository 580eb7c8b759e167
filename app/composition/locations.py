"""The database of the locations of IP addresses."""

from app.geo.locations import LocationDatabase
from app.settings import ConfigurationError, Settings


def build_locations(settings: Settings) -> LocationDatabase:
    """ConfigurationError where the file can't be read."""
    try:
        return LocationDatabase(settings.geoip_database)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"PROFILE_API_GEOIP_DATABASE can't be read: {error}") from None
