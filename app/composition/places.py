"""The database of places that IP addresses belong to."""

from app.geo.places import Places
from app.settings import ConfigurationError, Settings


def build_places(settings: Settings) -> Places:
    """ConfigurationError where the file can't be read."""
    try:
        return Places(settings.geoip_database)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"PROFILE_API_GEOIP_DATABASE can't be read: {error}") from None
