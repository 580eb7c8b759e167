"""Builds the database with the locations of IP addresses."""

from app.environment import describe_unreadable
from app.geo.locations import LocationDatabase
from app.settings import ConfigurationError, Settings


def build_locations(settings: Settings) -> LocationDatabase:
    """Raises ConfigurationError when the file cannot be read."""
    try:
        return LocationDatabase(settings.geoip_database)
    except OSError as error:
        problem = describe_unreadable(error)
    except ValueError:
        problem = "is not a database in the format of MaxMind"
    raise ConfigurationError(f"PROFILE_API_GEOIP_DATABASE names {settings.geoip_database}, which {problem}.")
